"""The tables, and every SQL statement of the push service. The hub calls it inside transactions.

Each function takes the open connection first, does its statements and returns plain values.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    String,
    Table,
    Text,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from push_service.model import Draft, Message, Subscription, UserAgent

metadata = MetaData()

user_agents = Table(
    "user_agents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("uaid", String(64), unique=True),
    # Unsigned 64 bits, which no portable SQL integer holds: decimal text.
    Column("android_id", String(20), unique=True),
    Column("security_token", String(20)),
    Column("seen_at", Float, nullable=False, index=True),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("user_agent_id", ForeignKey("user_agents.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("channel", Text, nullable=False),
    Column("app", Text),
    Column("sender", Text),
    Column("key", LargeBinary),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float, index=True),
    Index("ix_subscriptions_channel", "user_agent_id", "channel"),
    Index("ix_subscriptions_ended", "user_agent_id", "ended_at"),
)

messages = Table(
    "messages",
    metadata,
    Column(
        "position",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("id", String(32), nullable=False, unique=True),
    Column("user_agent_id", String(32), nullable=False),
    Column("token", ForeignKey("subscriptions.token", ondelete="CASCADE"), nullable=False),
    Column("topic", String(32)),
    Column("urgency", String(16), nullable=False),
    Column("ttl", Integer, nullable=False),
    Column("accepted_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    Column("encoding", String(32)),
    Column("encryption", Text),
    Column("crypto_key", Text),
    Column("body", LargeBinary, nullable=False),
    Index("ix_messages_pull", "user_agent_id", "position"),
    Index("ix_messages_topic", "token", "topic"),
    # A position is never used twice, or a message could hide below the last one pulled.
    sqlite_autoincrement=True,
)

_HELD = select(
    messages,
    subscriptions.c.kind,
    subscriptions.c.channel,
    subscriptions.c.app,
    subscriptions.c.sender,
    subscriptions.c.key,
    subscriptions.c.created_at,
    subscriptions.c.ended_at,
).join(subscriptions, messages.c.token == subscriptions.c.token)

# Built once: composing a statement costs more than running it.
_PULL = (
    _HELD.where(
        messages.c.user_agent_id == bindparam("agent"),
        messages.c.position > bindparam("after"),
        messages.c.expires_at > bindparam("now"),
        subscriptions.c.ended_at.is_(None),
    )
    .order_by(messages.c.position)
    .limit(bindparam("count"))
)
_INSERT_MESSAGE = insert(messages).inline()
_REPLACE = (
    delete(messages)
    .where(messages.c.token == bindparam("of_token"), messages.c.topic == bindparam("of_topic"))
    .returning(messages.c.id)
)
_ACKNOWLEDGE = (
    delete(messages)
    .where(
        messages.c.id == bindparam("message_id"),
        messages.c.user_agent_id == bindparam("agent"),
    )
    .returning(messages.c.token)
)
_SUBSCRIPTION = select(subscriptions).where(subscriptions.c.token == bindparam("of_token"))


# -- user agents


def insert_agent(connection: Connection, agent: UserAgent, now: float) -> None:
    """Store an agent, if it is not there yet."""
    if knows_agent(connection, agent.id):
        return
    connection.execute(
        insert(user_agents).values(
            id=agent.id,
            kind=agent.kind,
            uaid=agent.uaid,
            android_id=_decimal(agent.android_id),
            security_token=_decimal(agent.security_token),
            seen_at=now,
        )
    )


def knows_agent(connection: Connection, agent_id: str) -> bool:
    return bool(connection.scalar(select(exists().where(user_agents.c.id == agent_id))))


def agent_by_uaid(connection: Connection, uaid: str) -> UserAgent | None:
    return _agent(connection, user_agents.c.uaid == uaid)


def agent_by_android_id(connection: Connection, android_id: int) -> UserAgent | None:
    return _agent(connection, user_agents.c.android_id == str(android_id))


def agent_seen(connection: Connection, agent_id: str, now: float) -> None:
    connection.execute(update(user_agents).where(user_agents.c.id == agent_id).values(seen_at=now))


def count_agents(connection: Connection) -> int:
    return _count(connection, select(func.count()).select_from(user_agents))


def _count(connection: Connection, statement: Select[Any]) -> int:
    return int(connection.scalar(statement) or 0)


def _agent(connection: Connection, condition: Any) -> UserAgent | None:
    row = connection.execute(select(user_agents).where(condition)).first()
    if row is None:
        return None
    return UserAgent(
        id=row.id,
        kind=row.kind,
        uaid=row.uaid,
        android_id=None if row.android_id is None else int(row.android_id),
        security_token=None if row.security_token is None else int(row.security_token),
    )


def _decimal(number: int | None) -> str | None:
    return None if number is None else str(number)


# -- subscriptions


def insert_subscription(connection: Connection, subscription: Subscription) -> None:
    connection.execute(
        insert(subscriptions).values(
            token=subscription.token,
            user_agent_id=subscription.user_agent_id,
            kind=subscription.kind,
            channel=subscription.channel,
            app=subscription.app,
            sender=subscription.sender,
            key=subscription.key,
            created_at=subscription.created_at,
            ended_at=subscription.ended_at,
        )
    )


def subscription_by_token(connection: Connection, token: str) -> Subscription | None:
    row = connection.execute(_SUBSCRIPTION, {"of_token": token}).first()
    return None if row is None else _subscription(row)


def live_subscription(connection: Connection, agent_id: str, channel: str) -> Subscription | None:
    row = connection.execute(
        select(subscriptions).where(
            subscriptions.c.user_agent_id == agent_id,
            subscriptions.c.channel == channel,
            subscriptions.c.ended_at.is_(None),
        )
    ).first()
    return None if row is None else _subscription(row)


def live_subscriptions(connection: Connection) -> list[Subscription]:
    rows = connection.execute(select(subscriptions).where(subscriptions.c.ended_at.is_(None)))
    return [_subscription(row) for row in rows]


def end_subscription(connection: Connection, token: str, now: float) -> int:
    """Mark it as ended and drop what it holds; the number of messages dropped."""
    connection.execute(
        update(subscriptions).where(subscriptions.c.token == token).values(ended_at=now)
    )
    return connection.execute(delete(messages).where(messages.c.token == token)).rowcount


def count_subscriptions(connection: Connection, agent_id: str) -> int:
    """Of an agent, without those that have ended."""
    live = select(func.count()).where(
        subscriptions.c.user_agent_id == agent_id, subscriptions.c.ended_at.is_(None)
    )
    return _count(connection, live)


def forget_ended(connection: Connection, agent_id: str, keep: int) -> None:
    """Drop an agent's ended subscriptions, but for those that ended last."""
    ended = subscriptions.c.user_agent_id == agent_id, subscriptions.c.ended_at.is_not(None)
    newest = select(subscriptions.c.token).where(*ended).order_by(subscriptions.c.ended_at.desc())
    connection.execute(
        delete(subscriptions).where(*ended, subscriptions.c.token.not_in(newest.limit(keep)))
    )


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        token=row.token,
        user_agent_id=row.user_agent_id,
        kind=row.kind,
        channel=row.channel,
        app=row.app,
        sender=row.sender,
        key=row.key,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


# -- messages


def insert_message(connection: Connection, message: Message) -> Sequence[str]:
    """Store a message after what it replaces by topic (RFC 8030 §5.4); the ids replaced.

    The message's `position` is the database's to choose.
    """
    draft, token = message.draft, message.subscription.token
    replaced: Sequence[str] = ()
    if draft.topic is not None:
        replaced = connection.scalars(_REPLACE, {"of_token": token, "of_topic": draft.topic}).all()
    connection.execute(
        _INSERT_MESSAGE,
        {
            "id": message.id,
            "user_agent_id": message.subscription.user_agent_id,
            "token": token,
            "topic": draft.topic,
            "urgency": draft.urgency,
            "ttl": draft.ttl,
            "accepted_at": message.accepted_at,
            "expires_at": message.expires_at,
            "encoding": draft.encoding,
            "encryption": draft.encryption,
            "crypto_key": draft.crypto_key,
            "body": draft.body,
        },
    )
    return replaced


def count_held_for_subscription(connection: Connection, token: str) -> int:
    return _count(connection, select(func.count()).where(messages.c.token == token))


def count_held_for_agent(connection: Connection, agent_id: str) -> int:
    return _count(connection, select(func.count()).where(messages.c.user_agent_id == agent_id))


def count_bytes_for_agent(connection: Connection, agent_id: str) -> int:
    size = func.sum(func.length(messages.c.body))
    return _count(connection, select(size).where(messages.c.user_agent_id == agent_id))


def count_messages(connection: Connection) -> int:
    return _count(connection, select(func.count()).select_from(messages))


def holds_topic(connection: Connection, token: str, topic: str) -> bool:
    of_topic = messages.c.token == token, messages.c.topic == topic
    return bool(connection.scalar(select(exists().where(*of_topic))))


def pull(
    connection: Connection, agent_id: str, *, after: int, now: float, count: int
) -> list[Message]:
    """The agent's next messages above position `after`, in order."""
    parameters = {"agent": agent_id, "after": after, "now": now, "count": count}
    return [_message(row) for row in connection.execute(_PULL, parameters)]


def acknowledge(
    connection: Connection, agent_id: str, message_ids: Sequence[str]
) -> dict[str, str]:
    """Remove messages that the agent has; message id -> subscription token of those removed.

    Ids of other agents' messages and unknown ones change nothing.
    """
    removed: dict[str, str] = {}
    # One by one: nearly always there is one, and an IN of any length costs more to prepare.
    for message_id in message_ids:
        token = connection.scalar(_ACKNOWLEDGE, {"message_id": message_id, "agent": agent_id})
        if token is not None:
            removed[message_id] = token
    return removed


def take_message(connection: Connection, message_id: str) -> Message | None:
    """Remove a message, and return it; None when it is not there."""
    row = connection.execute(_HELD.where(messages.c.id == message_id)).first()
    if row is None:
        return None
    connection.execute(delete(messages).where(messages.c.id == message_id))
    return _message(row)


def take_expired(connection: Connection, now: float, limit: int) -> list[Message]:
    """Remove at most `limit` messages whose time has passed, and return them."""
    rows = connection.execute(
        _HELD.where(messages.c.expires_at <= now).order_by(messages.c.expires_at).limit(limit)
    ).all()
    if rows:
        positions = [row.position for row in rows]
        connection.execute(delete(messages).where(messages.c.position.in_(positions)))
    return [_message(row) for row in rows]


def _message(row: Row[Any]) -> Message:
    draft = Draft(
        ttl=row.ttl,
        urgency=row.urgency,
        topic=row.topic,
        encoding=row.encoding,
        encryption=row.encryption,
        crypto_key=row.crypto_key,
        body=row.body,
    )
    return Message(row.id, row.position, _subscription(row), draft, row.accepted_at, row.expires_at)


# -- forgetting


def forget(connection: Connection, before: float) -> None:
    """Drop subscriptions that ended, and unsubscribed agents last seen, before that time."""
    connection.execute(delete(subscriptions).where(subscriptions.c.ended_at <= before))
    subscribed = exists().where(subscriptions.c.user_agent_id == user_agents.c.id)
    connection.execute(delete(user_agents).where(user_agents.c.seen_at <= before, ~subscribed))

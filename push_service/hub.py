"""Who is connected, and what is waiting for whom: the heart of the push service.

The faces and sessions call it; it calls the store, the reporter, and a connection's `Listener`.
Nothing is queued per connection: the hub says "there may be something for you", the connection
pulls a bounded number of messages from the store, and acknowledgements open its window again. So
a browser that is slow, or never acknowledges, costs no memory.
"""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection as Transaction

from push_service import schema, store
from push_service.cache import Cache
from push_service.connection import Connection, Parts
from push_service.database import Database
from push_service.faults import Faults
from push_service.limits import Limits
from push_service.model import (
    Draft,
    FullError,
    Listener,
    Message,
    StoreUnavailableError,
    Subscription,
    UserAgent,
)
from push_service.quotas import Quotas
from push_service.reporter import Reporter

EXPIRY_BATCH = 500
GRACE = 10.0  # seconds in which a message with TTL 0 reaches a connected browser, or nobody
MEMORY = 30 * 86400.0  # seconds for which an ended subscription answers 410, and then 404

MAX_TOKEN = 64
UINT64 = 1 << 64


class SubscriptionEndedError(Exception):
    """The subscription ended while a message for it was under way: the sender gets 410."""


class Hub:
    """One per process. Calls may wait for the database, but never for a browser."""

    def __init__(
        self,
        database: Database,
        reporter: Reporter | None = None,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
        limits: Limits | None = None,
    ) -> None:
        self._parts = Parts(database, reporter or Reporter(), faults or Faults(), clock)
        self.reporter = self._parts.reporter
        self._connections: dict[str, Connection] = {}
        self._lock = threading.Lock()
        self._subscriptions: Cache[str, Subscription] = Cache(10_000)
        self._parts.faults.on_change(self._rewind_all)
        self._limits = limits or Limits()
        self._quotas = Quotas(self._parts, self._limits)
        self._parts.run(schema.upgrade)

    # -- user agents

    def autopush_agent(self, uaid: str | None) -> UserAgent:
        """The agent with this uaid, or a new one (stored with its first subscription)."""
        known = self._parts.run(store.agent_by_uaid, uaid) if uaid else None
        return known or UserAgent(_agent_id(), "autopush", uaid=secrets.token_hex(16))

    def check_in(self) -> UserAgent:
        """A new, stored agent of kind "mcs" with fresh android_id and security_token.

        Raises FullError.
        """
        self._quotas.take_device()
        agent = UserAgent(
            _agent_id(), "mcs", android_id=_random_63_bits(), security_token=_random_63_bits()
        )
        self._parts.run(store.insert_agent, agent, self._parts.clock())
        self.reporter.checked_in(agent)
        return agent

    def mcs_agent(self, android_id: int, security_token: int) -> UserAgent | None:
        """The agent with this id; None when the token is not the stored one, or either is zero.

        An unknown id is adopted: Chromium never checks in again by itself, so a profile that
        outlived our database would otherwise be lost for good. Raises FullError.
        """
        if not (0 < android_id < UINT64 and 0 < security_token < UINT64):
            return None
        newcomer = UserAgent(
            _agent_id(), "mcs", android_id=android_id, security_token=security_token
        )
        agent = self._parts.run(store.agent_by_android_id, android_id)
        if agent is None:
            self._quotas.take_device()
            agent = self._parts.run(_find_or_adopt, newcomer, self._parts.clock())
        return agent if agent.security_token == security_token else None

    # -- subscriptions

    def subscribe(
        self,
        agent: UserAgent,
        channel: str,
        *,
        sender: str | None,
        key: bytes | None,
        app: str | None = None,
    ) -> Subscription:
        """The live subscription of this channel. Idempotent for the same key; another key ends
        the old one. `key` is `sender` decoded and checked by `wire.vapid.public_key`.

        Raises FullError.
        """
        wanted = Subscription(
            token=f"lab_{secrets.token_urlsafe(32)}",
            user_agent_id=agent.id,
            kind=agent.kind,
            channel=channel,
            app=app,
            sender=sender,
            key=key,
            created_at=self._parts.clock(),
        )
        if not self._parts.run(store.knows_agent, agent.id):
            self._quotas.take_device()
        limit = self._limits.device_subscriptions
        subscription, ended, dropped = self._parts.run(_subscribe, agent, wanted, limit)
        self._subscriptions.put(subscription.token, subscription)
        if ended is not None:
            self._subscriptions.put(ended.token, ended)
            self.reporter.subscription_ended(ended, "subscribed anew", dropped)
        if subscription is wanted:
            self.reporter.subscription_created(wanted)
        return subscription

    def subscription_refused(self, agent: UserAgent, channel: str, why: str) -> None:
        """Journal only: a malformed key, for example."""
        self.reporter.subscription_refused(agent, channel, why)

    def unsubscribe(self, agent: UserAgent, channel: str, why: int | str) -> bool:
        """End the channel's subscription and drop its messages; False when there is none."""
        live = self._parts.run(store.live_subscription, agent.id, channel)
        if live is not None:
            self._end(live, why)
        return live is not None

    def end_subscription(self, token: str, why: str) -> bool:
        """End a subscription behind its browser's back; False when there is none that lives."""
        live = self.subscription(token)
        if live is None or live.ended:
            return False
        self._end(live, why)
        return True

    def unsubscribe_all(self, why: str) -> None:
        """End every subscription, and drop its messages."""
        for live in self.live_subscriptions():
            self._end(live, why)

    def live_subscriptions(self) -> list[Subscription]:
        return self._parts.run(store.live_subscriptions)

    def count_held(self, subscription: Subscription) -> int:
        """Messages that the browser has not acknowledged."""
        return self._parts.run(store.count_held_for_subscription, subscription.token)

    def subscription(self, token: str) -> Subscription | None:
        """By endpoint token: live, ended (`.ended`: answer 410), or None (404)."""
        known = self._subscriptions.get(token)
        if known is None and len(token) <= MAX_TOKEN:
            stored = self._parts.run(store.subscription_by_token, token)
            # `setdefault`: it may have ended, in the cache, while we looked into the store.
            known = self._subscriptions.setdefault(token, stored) if stored else None
        return known

    def _end(self, live: Subscription, why: int | str) -> None:
        now = self._parts.clock()
        ended = replace(live, ended_at=now)
        # Before it is stored: from here on no message is accepted that nobody would remove.
        self._subscriptions.put(ended.token, ended)
        try:
            dropped = self._parts.run(store.end_subscription, ended.token, now)
        except StoreUnavailableError:
            self._subscriptions.pop(ended.token)  # what the store says counts
            raise
        self.reporter.subscription_ended(ended, why, dropped)

    # -- messages

    def accept(
        self,
        subscription: Subscription,
        draft: Draft,
        claims: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Message:
        """Store a message (replacing by topic), then wake the browser. Returns when stored.

        With TTL 0 and no browser to take it now, it is dropped instead (RFC 8030 §5.2).
        `claims` are those of the sender's JWT, `headers` the request's, for the journal. Raises
        SubscriptionEndedError, and FullError when so much is held already that this one is not.
        """
        now = self._parts.clock()
        message = Message(
            id=secrets.token_urlsafe(16),
            position=0,
            subscription=subscription,
            draft=draft,
            accepted_at=now,
            expires_at=now + (draft.ttl or GRACE),
        )
        obstacle = self._obstacle(message)
        if draft.ttl == 0 and obstacle:
            self.reporter.accepted(message, claims, headers)
            self.reporter.expired(message)
        else:
            self._store(message, claims, headers)
            self._offer(message)
        return message

    def cancel(self, message_id: str) -> bool:
        """Remove an unacknowledged message; False when it is not there."""
        message = self._parts.run(store.take_message, message_id)
        if message is not None:
            self.reporter.cancelled(message)
        return message is not None

    def expire(self) -> int:
        """Remove a batch of messages past their TTL; how many. At EXPIRY_BATCH, call again."""
        expired = self._parts.run(store.take_expired, self._parts.clock(), EXPIRY_BATCH)
        for message in expired:
            self.reporter.expired(message)
        return len(expired)

    def forget(self) -> None:
        """Drop what ended, or was last seen without a subscription, longer than MEMORY ago."""
        self._parts.run(store.forget, self._parts.clock() - MEMORY)

    def _store(
        self,
        message: Message,
        claims: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> None:
        current = self._subscriptions.get(message.subscription.token) or message.subscription
        if current.ended:
            raise SubscriptionEndedError
        self._quotas.take_message(message)
        replaced = self._parts.run(store.insert_message, message)
        self.reporter.accepted(message, claims, headers)
        for message_id in replaced:
            self.reporter.replaced(message_id, message)

    def _offer(self, message: Message) -> None:
        obstacle = self._obstacle(message)
        connection = self._connections.get(message.subscription.user_agent_id)
        if obstacle:
            self.reporter.held(message, obstacle)
        elif connection:
            connection.wake()

    def _obstacle(self, message: Message) -> str | None:
        """Why a message cannot be delivered right now."""
        if self._parts.faults.holds(message.subscription.token, message.draft.urgency):
            return "the fault 'hold' is on"
        if message.subscription.user_agent_id not in self._connections:
            return "it is offline"
        return None

    # -- connections

    def attach(self, agent: UserAgent, listener: Listener) -> Connection:
        """Register a live connection; an older one of the same agent is told `replaced`."""
        self._parts.run(store.agent_seen, agent.id, self._parts.clock())
        connection = Connection(self._parts, agent, listener, self._detach)
        with self._lock:
            older = self._connections.get(agent.id)
            self._connections[agent.id] = connection
        if older is not None:
            self.reporter.disconnected(agent, "a newer connection replaced it")
            older.listener.replaced()
        self.reporter.connected(agent)
        return connection

    def close_connection(self, agent_id: str, code: int, reason: str) -> bool:
        """End the agent's live connection; False when it has none."""
        connection = self._connections.get(agent_id)
        if connection is not None:
            connection.listener.close(code, reason)
        return connection is not None

    def is_connected(self, agent_id: str) -> bool:
        return agent_id in self._connections

    def _detach(self, connection: Connection, why: str) -> None:
        with self._lock:
            ours = self._connections.get(connection.agent.id) is connection
            if ours:
                del self._connections[connection.agent.id]
        if ours:
            self.reporter.disconnected(connection.agent, why)

    def _rewind_all(self) -> None:
        for connection in list(self._connections.values()):
            connection.rewind()


def _find_or_adopt(transaction: Transaction, newcomer: UserAgent, now: float) -> UserAgent:
    android_id = newcomer.android_id or 0
    known = store.agent_by_android_id(transaction, android_id)
    if known is None:
        store.insert_agent(transaction, newcomer, now)
    return known or newcomer


def _subscribe(
    transaction: Transaction, agent: UserAgent, wanted: Subscription, limit: int
) -> tuple[Subscription, Subscription | None, int]:
    """The channel's subscription from now on, the one it ended, and the messages that dropped."""
    store.insert_agent(transaction, agent, wanted.created_at)
    live = store.live_subscription(transaction, agent.id, wanted.channel)
    if live is not None and (live.key, live.app) == (wanted.key, wanted.app):
        return live, None, 0
    if live is None and store.count_subscriptions(transaction, agent.id) >= limit:
        raise FullError(f"This device has {limit} subscriptions already.")
    store.insert_subscription(transaction, wanted)
    store.forget_ended(transaction, agent.id, keep=limit)
    if live is None:
        return wanted, None, 0
    dropped = store.end_subscription(transaction, live.token, wanted.created_at)
    return wanted, replace(live, ended_at=wanted.created_at), dropped


def _agent_id() -> str:
    return f"ua_{secrets.token_hex(8)}"


def _random_63_bits() -> int:
    return secrets.randbelow((1 << 63) - 1) + 1

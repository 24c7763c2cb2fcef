"""A Firefox and a Chromium at the push service's hub, speaking through the real sessions: what the
faces do, without their sockets."""

import json
from abc import ABC, abstractmethod
from typing import Any

from push_service.autopush_session import Identified, Unidentified
from push_service.connection import WINDOW, Connection
from push_service.hub import Hub
from push_service.mcs_session import AwaitingLogin
from push_service.model import UserAgent
from push_service.wire import base64url, mcs, vapid
from tests.push_service.parts import Clock, Socket


class Browser(ABC):
    """What both have: a connection, what came by it, and what of that is not acknowledged."""

    agent_id: str | None = None
    connection: Connection | None = None

    @abstractmethod
    def connect(self, hub: Hub, clock: Clock) -> list[str]:
        """The messages that it acknowledges by connecting."""

    @abstractmethod
    def subscribe(self, hub: Hub, channel: str, key: bytes) -> str:
        """The endpoint's token."""

    @abstractmethod
    def unsubscribe(self, hub: Hub, channel: str) -> None: ...

    @abstractmethod
    def receive(self) -> list[str]:
        """Pull once; the ids of what came."""

    @abstractmethod
    def acknowledge(self, chosen: list[str]) -> list[str]:
        """Acknowledge these, or what is possible instead of them; returns which."""

    def _attached(self, connection: Connection) -> Connection:
        self.agent_id = connection.agent.id
        self.connection = connection
        self.seen: set[str] = set()
        self.unacknowledged: list[str] = []
        return connection

    @property
    def room(self) -> int:
        return WINDOW - len(self.unacknowledged)

    def _came(self, message_ids: list[str]) -> list[str]:
        self.seen.update(message_ids)
        self.unacknowledged += message_ids
        return message_ids

    def hang_up(self) -> None:
        assert self.connection is not None
        self.connection.detach()
        self.lose()

    def lose(self) -> None:
        """The other side is gone without a word."""
        self.connection = None


class Firefox(Browser):
    """Knows its uaid; acknowledges one by one, in any order."""

    def __init__(self) -> None:
        self.uaid: str | None = None
        self.channels: set[str] = set()

    def connect(self, hub: Hub, clock: Clock) -> list[str]:
        """It says hello, which acknowledges nothing."""
        start = Unidentified(
            hub, lambda agent: self._attached(hub.attach(agent, Socket())), lambda token: token
        )
        assert start.on_text('{"messageType":"register"}') == (start, ())
        state, texts = start.on_text(self._text("hello", uaid=self.uaid))
        assert isinstance(state, Identified)
        (hello,) = map(json.loads, texts)
        assert self.uaid == hello["uaid"] or not self.channels
        self.session, self.uaid = state, hello["uaid"]
        return []

    def subscribe(self, hub: Hub, channel: str, key: bytes) -> str:
        texts = self.session.on_text(
            self._text("register", channelID=channel, key=base64url.encode(key))
        )
        (answer,) = map(json.loads, texts)
        assert (answer["status"], answer["channelID"]) == (200, channel)
        self.channels.add(channel)
        return str(answer["pushEndpoint"])

    def unsubscribe(self, hub: Hub, channel: str) -> None:
        (text,) = self.session.on_text(self._text("unregister", channelID=channel, code=200))
        assert json.loads(text)["status"] == 200

    def receive(self) -> list[str]:
        assert self.connection is not None
        messages = self.connection.pull()
        texts = self.session.on_messages(messages)
        self.connection.delivered(messages)
        return self._came([json.loads(text)["version"] for text in texts])

    def acknowledge(self, chosen: list[str]) -> list[str]:
        updates = [{"channelID": "c", "version": one, "code": 100} for one in chosen]
        assert self.session.on_text(self._text("ack", updates=updates)) == ()
        self.unacknowledged = [one for one in self.unacknowledged if one not in chosen]
        return chosen

    def _text(self, kind: str, **fields: Any) -> str:
        return json.dumps({"messageType": kind, **fields})


class Chromium(Browser):
    """Knows its android id; acknowledges by the number of the last frame that it has read, and by
    the list in its login."""

    def __init__(self) -> None:
        self.agent: UserAgent | None = None
        self.remembered: list[str] = []
        self.numbers: dict[str, int] = {}

    def connect(self, hub: Hub, clock: Clock) -> list[str]:
        """What its login acknowledges: what it has and was not told that we know it."""
        self.agent = self.agent or hub.check_in()
        awaiting, received = AwaitingLogin(), self.remembered
        login = awaiting.on_message(
            mcs.LoginRequest(
                id="chrome",
                domain="mcs.android.com",
                user=str(self.agent.android_id),
                resource=str(self.agent.android_id),
                auth_token=str(self.agent.security_token),
                received_persistent_id=received,
            )
        )
        agent = hub.mcs_agent(login.identity.android_id, login.identity.security_token)
        assert agent == self.agent
        self._attached(hub.attach(agent, Socket())).acknowledge(login.received, "login")
        self.session, _ = awaiting.accept(clock.now)
        self.frames, self.numbers, self.remembered = 1, {}, []
        return received

    def subscribe(self, hub: Hub, channel: str, key: bytes) -> str:
        assert self.agent is not None
        sender = base64url.encode(key)
        made = hub.subscribe(
            self.agent, channel, sender=sender, key=vapid.public_key(sender), app="app"
        )
        return made.token

    def unsubscribe(self, hub: Hub, channel: str) -> None:
        assert self.agent is not None
        hub.unsubscribe(self.agent, channel, "unsubscribed")

    def receive(self) -> list[str]:
        assert self.connection is not None
        messages = self.connection.pull()
        frames = self.session.on_push(messages)
        self.connection.delivered(messages)
        came = [one.persistent_id for one in frames if isinstance(one, mcs.DataMessageStanza)]
        for message_id in came:
            self.frames += 1
            self.numbers[message_id] = self.frames
        self.remembered += came
        return self._came(came)

    def acknowledge(self, chosen: list[str]) -> list[str]:
        """As many as were chosen, but the oldest: a number acknowledges all before it."""
        assert self.connection is not None
        expected = self.unacknowledged[: len(chosen)]
        last = self.numbers[expected[-1]] if expected else 0
        turn = self.session.on_message(mcs.HeartbeatPing(last_stream_id_received=last))
        self.frames += len(turn.replies)  # the HeartbeatAck
        assert list(turn.acknowledged) == expected
        self.connection.acknowledge(turn.acknowledged, "stream")
        self.unacknowledged = self.unacknowledged[len(chosen) :]
        return expected

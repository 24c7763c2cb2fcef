"""One Firefox's connection as a state machine: texts in, texts out. Used by the autopush face.

A connection begins as `Unidentified`, which listens to nothing but a hello (and pings), and
becomes `Identified`. Both return the texts to send; neither touches a socket.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from push_service.model import FullError, Message, Subscription, UserAgent
from push_service.wire import autopush, vapid

Texts = Sequence[str]


class Link(Protocol):
    """What a session needs of its connection at the hub."""

    def acknowledge(self, message_ids: Iterable[str], code: int | str) -> None: ...

    def nacked(self, message_id: str, code: int) -> None: ...


class Hub(Protocol):
    """What a session needs of the hub."""

    def autopush_agent(self, uaid: str | None) -> UserAgent: ...

    def subscribe(
        self, agent: UserAgent, channel: str, *, sender: str | None, key: bytes | None
    ) -> Subscription: ...

    def subscription_refused(self, agent: UserAgent, channel: str, why: str) -> None: ...

    def unsubscribe(self, agent: UserAgent, channel: str, why: int | str) -> bool: ...


Attach = Callable[[UserAgent], Link]
EndpointOf = Callable[[str], str]


class Unidentified:
    """Has not said hello yet.

    `attach` registers the browser at the hub once it is known, `endpoint_of` makes the URL of a
    token.
    """

    def __init__(self, hub: Hub, attach: Attach, endpoint_of: EndpointOf) -> None:
        self._hub = hub
        self._attach = attach
        self._endpoint_of = endpoint_of

    def on_text(self, text: str) -> tuple["Unidentified | Identified", Texts]:
        """The state from now on, and what to send."""
        match autopush.read(text):
            case autopush.Hello(uaid):
                return self._on_hello(uaid)
            case autopush.Ping():
                return self, [autopush.pong()]
            case _:
                return self, ()

    def _on_hello(self, uaid: str | None) -> tuple["Identified", Texts]:
        # An unknown uaid gets a new one: Firefox then drops the subscriptions that we do not have,
        # and tells its pages so (pushsubscriptionchange).
        agent = self._hub.autopush_agent(uaid)
        identified = Identified(self._hub, agent, self._attach(agent), self._endpoint_of)
        return identified, [autopush.hello(agent.uaid or "")]


class Identified:
    """A browser that we know: subscribes, receives, acknowledges."""

    def __init__(self, hub: Hub, agent: UserAgent, link: Link, endpoint_of: EndpointOf) -> None:
        self._hub = hub
        self._agent = agent
        self._link = link
        self._endpoint_of = endpoint_of

    def on_text(self, text: str) -> Texts:
        """What to send in answer."""
        match autopush.read(text):
            case autopush.Register() as register:
                return [self._on_register(register)]
            case autopush.Unregister(channel, code):
                return [self._on_unregister(channel, code)]
            case autopush.Ack(updates):
                self._on_ack(updates)
            case autopush.Nack(version, code):
                self._link.nacked(version, code)
            case autopush.Ping():
                return [autopush.pong()]
            case autopush.Hello():
                return [autopush.hello(self._agent.uaid or "")]
        return ()

    def on_messages(self, messages: Iterable[Message]) -> Texts:
        """Messages that the hub has for this browser."""
        return [autopush.notification(message) for message in messages]

    def _on_register(self, register: autopush.Register) -> str:
        try:
            key = vapid.public_key(register.key) if register.key is not None else None
        except ValueError as error:
            self._hub.subscription_refused(self._agent, register.channel, str(error))
            return autopush.register_refused(register.channel, 400, str(error))
        try:
            subscription = self._hub.subscribe(
                self._agent, register.channel, sender=register.key, key=key
            )
        except FullError as error:
            self._hub.subscription_refused(self._agent, register.channel, str(error))
            return autopush.register_refused(register.channel, 429, str(error))
        return autopush.registered(register.channel, self._endpoint_of(subscription.token))

    def _on_unregister(self, channel: str, code: int) -> str:
        # Also for a channel that we do not know: it is as the browser wishes.
        self._hub.unsubscribe(self._agent, channel, code)
        return autopush.unregistered(channel)

    def _on_ack(self, updates: Iterable[tuple[str, int]]) -> None:
        by_code: dict[int, list[str]] = {}
        for message_id, code in updates:
            by_code.setdefault(code, []).append(message_id)
        # Whatever the code is, the browser will do nothing more about the message.
        for code, message_ids in by_code.items():
            self._link.acknowledge(message_ids, code)

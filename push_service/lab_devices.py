"""Devices without a browser: a page of the lab makes receiver keys of its own, subscribes here, and
fetches what comes as ciphertext, to decrypt it by hand. Used by the lab face.

A run has one at most. It is a user agent like any other, but that it connects only for as long as
it takes to hand over what is held.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256

from push_service.connection import Connection
from push_service.hub import Hub
from push_service.model import Message, Subscription, UserAgent
from push_service.wire import vapid
from push_service.wire.run_token import Grant

CHANNEL = "lab"
REPLACED = "a new lab device took its place"


class NoLabDeviceError(ValueError):
    """The subscription is a browser's, who gets its messages itself."""


class LabDevices:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def subscribe(self, grant: Grant, sender: str) -> Subscription:
        """A new subscription for whoever signs with the key `sender`. It takes the place of the
        run's former one, and of those among the grant's endpoints.

        Raises ValueError for a key that is none, and FullError.
        """
        key = vapid.public_key(sender)
        agent = _agent(grant.run)
        for token in grant.endpoints or ():
            self._end(token)
        self._hub.unsubscribe(agent, CHANNEL, REPLACED)
        return self._hub.subscribe(agent, CHANNEL, sender=sender, key=key)

    def receive(self, subscription: Subscription) -> Sequence[Message]:
        """What is held for the device, as far as one batch goes, and stays so until it is
        acknowledged.

        Raises NoLabDeviceError.
        """
        with self._connected(subscription, "it fetched what there was") as connection:
            messages = connection.pull()
            connection.delivered(messages)
        return messages

    def acknowledge(self, subscription: Subscription, message_ids: Sequence[str]) -> None:
        """The device has these: they are held no longer. Raises NoLabDeviceError."""
        with self._connected(subscription, "it acknowledged what it has") as connection:
            connection.acknowledge(message_ids, "lab")

    @contextmanager
    def _connected(self, subscription: Subscription, why_it_ends: str) -> Iterator[Connection]:
        if subscription.kind != "lab":
            raise NoLabDeviceError("this subscription is a browser's, and no lab device's")
        agent = UserAgent(subscription.user_agent_id, "lab")
        connection = self._hub.attach(agent, _Silent())
        try:
            yield connection
        finally:
            connection.detach(why_it_ends)

    def _end(self, token: str) -> None:
        former = self._hub.subscription(token)
        if former and former.kind == "lab":
            self._hub.end_subscription(token, REPLACED)


class _Silent:
    """A listener that hears nothing: the device asks, and is not told."""

    def wake(self) -> None:
        pass

    def replaced(self) -> None:
        pass

    def close(self, code: int, reason: str) -> None:
        pass


def _agent(run: str) -> UserAgent:
    """The run's own: its name follows from the run's, so it needs not be looked up."""
    return UserAgent(f"ua_{sha256(run.encode()).hexdigest()[:16]}", "lab")

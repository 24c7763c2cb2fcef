"""Is there room for one more? The quotas of the hub, counted in its database. Used by hub alone."""

from push_service import store
from push_service.connection import Parts
from push_service.limits import Limits, Quota
from push_service.model import FullError, Message

EVERYTHING = ""  # the key of quotas of the service as a whole


class Quotas:
    """Bounds what is stored: per subscription, per device, and in all."""

    def __init__(self, parts: Parts, limits: Limits) -> None:
        run, clock = parts.run, parts.clock
        self._parts = parts
        self._limits = limits
        self._of_subscription = Quota(
            limits.subscription_messages,
            lambda token: run(store.count_held_for_subscription, token),
            clock,
        )
        self._of_device = Quota(
            limits.device_messages, lambda agent: run(store.count_held_for_agent, agent), clock
        )
        self._bytes = Quota(
            limits.device_bytes, lambda agent: run(store.count_bytes_for_agent, agent), clock
        )
        self._messages = Quota(limits.messages, lambda _: run(store.count_messages), clock)
        self._devices = Quota(limits.devices, lambda _: run(store.count_agents), clock)

    def take_message(self, message: Message) -> None:
        """Raises FullError. A message that replaces a held one needs no room."""
        full = self._full_for(message)
        if full and not self._replaces(message):
            raise full

    def take_device(self) -> None:
        """Raises FullError."""
        if not self._devices.take(EVERYTHING):
            raise FullError("The push service has as many devices as it can.", everywhere=True)

    def _full_for(self, message: Message) -> FullError | None:
        token, agent_id = message.subscription.token, message.subscription.user_agent_id
        limits = self._limits
        if not self._of_subscription.take(token):
            what = f"{limits.subscription_messages} messages are held for this subscription"
        elif not self._of_device.take(agent_id):
            what = f"{limits.device_messages} messages are held for this device"
        elif not self._bytes.take(agent_id, len(message.draft.body)):
            what = f"{limits.device_bytes} bytes are held for this device"
        elif not self._messages.take(EVERYTHING):
            return FullError("The push service holds as many messages as it can.", everywhere=True)
        else:
            return None
        return FullError(f"{what} already. Try again once it has been online.")

    def _replaces(self, message: Message) -> bool:
        topic = message.draft.topic
        if topic is None:
            return False
        return self._parts.run(store.holds_topic, message.subscription.token, topic)

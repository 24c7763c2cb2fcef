"""Who is connected, and what is waiting for whom: the heart of the push service.

The faces and sessions call it; it calls the store, the journal, and a connection's `Listener`.
Nothing is queued per connection: the hub says "there is something for you", the connection pulls
a bounded number of messages from the store, and acknowledgements open its window again. So a
browser that is slow, or never acknowledges, costs no memory.
"""

from collections.abc import Iterable, Sequence

from push_service.model import Draft, Listener, Message, Subscription, UserAgent

WINDOW = 64  # unacknowledged messages per connection
BATCH = 16  # messages per pull: what one slow socket may make us hold


class Connection:
    """One live connection of a user agent. Made by `Hub.attach` only."""

    agent: UserAgent

    def pull(self) -> Sequence[Message]:
        """The next messages in order (at most BATCH); empty when there are none or the window is
        full. Each message comes once per connection. Call again until it is empty."""
        raise NotImplementedError

    def delivered(self, messages: Sequence[Message]) -> None:
        """The messages were written to the browser's socket (journal only)."""
        raise NotImplementedError

    def acknowledge(self, message_ids: Iterable[str], code: int | str) -> None:
        """The browser has these messages: they are removed. Returns when that is stored.
        `code` is Firefox's 100/101/102, or "stream"/"login" for Chromium. Unknown ids: ignored."""
        raise NotImplementedError

    def nacked(self, message_id: str, code: int) -> None:
        """Firefox's worker failed on a message it has already acknowledged (journal only)."""
        raise NotImplementedError

    def detach(self) -> None:
        """The socket is gone. Harmless twice, and harmless when a newer one took over."""
        raise NotImplementedError


class Hub:
    # -- user agents

    def autopush_agent(self, uaid: str | None) -> UserAgent:
        """The agent with this uaid, or a new one (stored with its first subscription)."""
        raise NotImplementedError

    def check_in(self) -> UserAgent:
        """A new, stored agent of kind "mcs" with fresh android_id and security_token."""
        raise NotImplementedError

    def mcs_agent(self, android_id: int, security_token: int) -> UserAgent | None:
        """The agent with this id; adopted (stored) when the id is unknown; None when the token
        is not the stored one, or either number is zero."""
        raise NotImplementedError

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
        the old one. `key` is `sender` decoded and checked by `wire.vapid.public_key`."""
        raise NotImplementedError

    def subscription_refused(self, agent: UserAgent, channel: str, why: str) -> None:
        """Journal only: a malformed key, for example."""
        raise NotImplementedError

    def unsubscribe(self, agent: UserAgent, channel: str, why: int | str) -> bool:
        """End the channel's subscription and drop its messages; False when there is none."""
        raise NotImplementedError

    def subscription(self, token: str) -> Subscription | None:
        """By endpoint token: live, ended (`.ended`: answer 410), or None (404)."""
        raise NotImplementedError

    # -- messages

    def accept(self, subscription: Subscription, draft: Draft) -> Message:
        """Store a message (replacing by topic), then wake the browser. Returns when stored."""
        raise NotImplementedError

    def cancel(self, message_id: str) -> bool:
        """Remove an unacknowledged message; False when it is not there."""
        raise NotImplementedError

    def expire(self) -> int:
        """Remove a batch of messages past their TTL; how many."""
        raise NotImplementedError

    # -- connections

    def attach(self, agent: UserAgent, listener: Listener) -> Connection:
        """Register a live connection; an older one of the same agent is told `replaced`."""
        raise NotImplementedError

"""The journal's sentences: one method per kind of event. The hub and the faces call it.

Credentials (uaid, android_id, security_token) never come in here: a user agent is its public id.
"""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from push_service.journal import Journal
from push_service.model import Draft, Message, Subscription, UserAgent

BROWSERS = {"autopush": "Firefox", "mcs": "Chromium", "lab": "Lab device"}
LINKS = {"autopush": "WebSocket", "mcs": "MCS over TLS", "lab": "HTTP, fetched by a page"}
CODES = {100: "delivered", 101: "could not decrypt it", 102: "did not deliver it"}


class Reporter:
    """Writes to a journal, or, without one, nothing."""

    def __init__(self, journal: Journal | None = None) -> None:
        self._journal = journal

    @property
    def listens(self) -> bool:
        """Whether anything that is told here is kept."""
        return self._journal is not None

    # -- user agents

    def connected(self, agent: UserAgent) -> None:
        self._agent("user_agent.connected", agent, f"{BROWSERS[agent.kind]} opened its connection.")

    def disconnected(self, agent: UserAgent, why: str) -> None:
        summary = f"{BROWSERS[agent.kind]}'s connection is gone: {why}."
        self._agent("user_agent.disconnected", agent, summary, why=why)

    def checked_in(self, agent: UserAgent) -> None:
        self._agent("device.checked_in", agent, "Chromium checked in and was given a device id.")

    def _agent(self, kind: str, agent: UserAgent, summary: str, **detail: Any) -> None:
        if self._journal:
            detail["browser"] = BROWSERS[agent.kind]
            self._journal.write(kind, summary, user_agent=agent.id, detail=detail)

    # -- subscriptions

    def subscription_created(self, subscription: Subscription) -> None:
        self._subscription(
            "subscription.created",
            subscription,
            f"{BROWSERS[subscription.kind]} subscribed; its endpoint is new and cannot be guessed.",
            channel=subscription.channel,
            key=_text(subscription.key),
        )

    def subscription_refused(self, agent: UserAgent, channel: str, why: str) -> None:
        if self._journal:
            self._journal.write(
                "subscription.refused",
                f"No subscription: {why}",
                step=4,
                user_agent=agent.id,
                detail={"channel": channel, "why": why, "browser": BROWSERS[agent.kind]},
            )

    def subscription_ended(self, subscription: Subscription, why: int | str, dropped: int) -> None:
        self._subscription(
            "subscription.ended",
            subscription,
            "The subscription ended; its endpoint answers 410 from now on.",
            why=why,
            messages_dropped=dropped,
        )

    def _subscription(
        self, kind: str, subscription: Subscription, summary: str, **detail: Any
    ) -> None:
        if self._journal:
            detail["browser"] = BROWSERS[subscription.kind]
            self._journal.write(
                kind,
                summary,
                step=4 if kind == "subscription.created" else None,
                token=subscription.token,
                user_agent=subscription.user_agent_id,
                detail=detail,
            )

    # -- messages

    def accepted(
        self,
        message: Message,
        claims: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> None:
        if self._journal:
            detail = _draft(message.draft) | {"vapid": dict(claims) if claims else None}
            detail |= {"headers": dict(headers or {}), "status": 201}
            self._message("message.accepted", message, 9, _accepted(claims), **detail)

    def refused(
        self, token: str, user_agent: str | None, *, step: int, detail: Mapping[str, Any]
    ) -> None:
        """`detail` holds status, errno, why, and what was received."""
        if self._journal:
            self._journal.write(
                "message.refused",
                f"Refused with {detail['status']}: {detail['why']}",
                step=step,
                token=token,
                user_agent=user_agent,
                detail=detail,
            )

    def dropped(self, token: str, *, stored: bool) -> None:
        if self._journal:
            what = "was stored, but" if stored else "was not stored, and"
            self._journal.write(
                "message.dropped",
                f"The fault 'drop' is on: the message {what} its sender got no answer.",
                step=8,
                token=token,
                detail={"stored": stored},
            )

    def held(self, message: Message, why: str) -> None:
        summary = f"Held until the browser can be reached ({why})."
        self._message("message.held", message, 9, summary, why=why, until=message.expires_at)

    def delivered(self, message: Message) -> None:
        summary = f"Handed to {BROWSERS[message.subscription.kind]} over its connection."
        detail = {"over": LINKS[message.subscription.kind], "bytes": len(message.draft.body)}
        self._message("message.delivered", message, 10, summary, **detail)

    def replaced(self, message_id: str, by: Message) -> None:
        if self._journal:
            self._journal.write(
                "message.replaced",
                f"Replaced by a newer message of the topic {by.draft.topic!r}.",
                step=9,
                token=by.subscription.token,
                user_agent=by.subscription.user_agent_id,
                message_id=message_id,
                detail={"by": by.id, "topic": by.draft.topic},
            )

    def expired(self, message: Message) -> None:
        summary = f"Not delivered within its TTL of {message.draft.ttl} s, and dropped."
        self._message("message.expired", message, 9, summary, ttl=message.draft.ttl)

    def cancelled(self, message: Message) -> None:
        self._message("message.cancelled", message, 9, "The sender took the message back.")

    def acknowledged(self, agent: UserAgent, message_id: str, token: str, code: int | str) -> None:
        if self._journal:
            said = CODES.get(code, "has it") if isinstance(code, int) else "has it"
            self._journal.write(
                "message.acknowledged",
                f"{BROWSERS[agent.kind]} acknowledged the message: it {said}.",
                step=10,
                token=token,
                user_agent=agent.id,
                message_id=message_id,
                detail={"code": code},
            )

    def nacked(self, agent: UserAgent, message_id: str, token: str | None, code: int) -> None:
        if self._journal:
            self._journal.write(
                "message.nacked",
                "Firefox's service worker failed while it handled the message.",
                step=10,
                token=token,
                user_agent=agent.id,
                message_id=message_id,
                detail={"code": code},
            )

    def _message(self, kind: str, message: Message, step: int, summary: str, **detail: Any) -> None:
        if self._journal:
            self._journal.write(
                kind,
                summary,
                step=step,
                token=message.subscription.token,
                user_agent=message.subscription.user_agent_id,
                message_id=message.id,
                detail=detail,
            )


def _accepted(claims: Mapping[str, Any] | None) -> str:
    if claims is None:
        return "Accepted (this subscription asks for no signature) and stored."
    return "The signature is right: accepted, and stored before the sender is answered."


def _draft(draft: Draft) -> dict[str, Any]:
    return {
        "ttl": draft.ttl,
        "urgency": draft.urgency,
        "topic": draft.topic,
        "encoding": draft.encoding,
        "bytes": len(draft.body),
        "ciphertext": _text(draft.body),
    }


def _text(octets: bytes | None) -> str | None:
    return None if octets is None else urlsafe_b64encode(octets).rstrip(b"=").decode()

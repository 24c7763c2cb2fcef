"""Sorts what became of one Web Push request, once and for all. Pure; called by webpush and the
sender, shown by the status of a notification and by the codelab."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

State = Literal["delivered", "gone", "retry", "refused"]

#: The longest wait that we accept from a push service's Retry-After.
RETRY_AFTER_MAX = 86400.0
REASON_LENGTH = 300

#: RFC 8030 sections 5 to 8 and RFC 8292 section 4.2; what is not here is sorted by its hundred.
_BY_STATUS: dict[int, tuple[State, str]] = {
    400: ("refused", "The push service cannot read our request."),
    401: ("refused", "The push service does not accept our VAPID signature."),
    403: ("refused", "The push service does not accept our VAPID signature."),
    404: ("gone", "The push service does not know this subscription."),
    408: ("retry", "The push service waited too long for our request."),
    410: ("gone", "The subscription has ended."),
    413: ("refused", "The message is larger than the push service takes."),
    425: ("retry", "The push service wants the request again, later."),
    429: ("retry", "The push service asks us to slow down."),
}
_BY_HUNDRED: dict[int, tuple[State, str]] = {
    2: ("delivered", "The push service has the message."),
    3: ("refused", "The push service redirects; redirects are not followed."),
    4: ("refused", "The push service refuses the message."),
    5: ("retry", "The push service has a failure of its own."),
}
_UNHEARD_OF: tuple[State, str] = ("retry", "The push service gave an answer outside of HTTP.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`delivered` means handed over; what the browser made of it only the device can tell."""

    state: State
    status: int | None
    reason: str
    #: Seconds that the push service asked us to wait; None when it did not say.
    retry_after: float | None = None
    #: It was our own doing and says nothing about the push service.
    ours: bool = False
    #: Location of the message at the push service (RFC 8030 section 5).
    message_url: str | None = None
    #: The answer's, names in lower case; for the journal.
    headers: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def answer(self) -> str:
        """What came back, as operators count it: a status that has a meaning of its own, else its
        hundred; `none` when nothing came, `ours` when it was our own doing."""
        if self.ours:
            return "ours"
        if self.status is None:
            return "none"
        known = self.status in _BY_STATUS or self.status == 201
        return str(self.status) if known else f"{self.status // 100}xx"


def sort_answer(status: int, headers: Mapping[str, str], body: str, now: float) -> Outcome:
    """The outcome of an answer. `headers` has lower-case names; `now` is for dates in them."""
    state, reason = _BY_STATUS.get(status) or _BY_HUNDRED.get(status // 100, _UNHEARD_OF)
    return Outcome(
        state=state,
        status=status,
        reason=reason if state == "delivered" else _join(reason, body),
        retry_after=parse_retry_after(headers.get("retry-after"), now)
        if state == "retry"
        else None,
        message_url=headers.get("location") if state == "delivered" else None,
        headers=headers,
    )


def no_answer(why: str) -> Outcome:
    """Timeout, no connection, broken TLS: nobody knows whether the message arrived; try again."""
    return Outcome("retry", None, _join("The push service did not answer:", why))


def cannot_send(why: str) -> Outcome:
    """There is something about this message or subscription that no repetition will heal."""
    return Outcome("refused", None, _join("The message cannot be sent:", why), ours=True)


def failed_here(why: str) -> Outcome:
    """Our own doing; nobody knows whether the message arrived; try again."""
    return Outcome("retry", None, _join("Our sender failed:", why), ours=True)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait; the header is a number or a date (RFC 9110 section 10.2.3)."""
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", value.strip(), re.ASCII):
        return min(float(value), RETRY_AFTER_MAX)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    seconds = _timestamp(moment) - now
    return min(max(seconds, 0.0), RETRY_AFTER_MAX)


def _timestamp(moment: datetime) -> float:
    """A date that names no zone is in GMT, as HTTP dates are."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _join(reason: str, words: str) -> str:
    """Our sentence, then words from outside, made safe to show and to store."""
    printable = "".join(char if char.isprintable() else " " for char in words[: REASON_LENGTH * 2])
    return f"{reason} {' '.join(printable.split())[:REASON_LENGTH]}".strip()

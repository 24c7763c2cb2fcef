"""How much anybody may ask of the push service. The hub and the push API ask; time comes in.

Rates refuse what comes too fast, quotas what would fill the disk. Both forget whom they have not
seen for longest, so neither fills the memory.
"""

from collections.abc import Callable
from dataclasses import dataclass

from push_service.cache import Cache
from push_service.wire.headers import MAX_BODY

MINUTE = 60.0
KEPT = 10_000  # senders, endpoints, devices that are remembered at once
RECOUNT_SECONDS = 1.0
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings. Rates are in messages a minute, 0 means: none. `max_body` is in bytes, and at
    least 4096 (RFC 8030 §7.2)."""

    max_body: int = MAX_BODY
    subscription_rate: int = 0
    sender_rate: int = 0
    subscription_messages: int = 5_000
    device_messages: int = 10_000
    device_bytes: int = 32 * MEBIBYTE
    device_subscriptions: int = 1_000
    devices: int = 100_000
    messages: int = 1_000_000


class Rate:
    """A token bucket per key: `per_minute` messages at once, and as many more each minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: Cache[str, tuple[float, float]] = Cache(KEPT)  # tokens, and when

    def take(self, key: str) -> float:
        """0.0, or, if that was too fast, the seconds until the next one may come."""
        if not self._per_minute:
            return 0.0
        now = self._clock()
        tokens, at = self._buckets.get(key) or (float(self._per_minute), now)
        gained = max(0.0, now - at) * self._per_minute / MINUTE
        tokens = min(float(self._per_minute), tokens + gained)
        if tokens < 1.0:
            return (1.0 - tokens) * MINUTE / self._per_minute
        self._buckets.put(key, (tokens - 1.0, now))
        return 0.0


@dataclass(slots=True)
class _Used:
    """An upper bound of what a key uses, and until when it is not counted again."""

    bound: int
    full_until: float = 0.0


class Quota:
    """At most `limit` of something per key; `count` counts it exactly, in the database.

    To count for each message would cost more than to store it. So what is added is summed up here,
    and what goes is not subtracted; only a sum that reaches the limit is counted anew. What is
    added at the same moment may exceed the limit.
    """

    def __init__(self, limit: int, count: Callable[[str], int], clock: Callable[[], float]) -> None:
        self._limit = limit
        self._count = count
        self._clock = clock
        self._used: Cache[str, _Used] = Cache(KEPT)

    def take(self, key: str, amount: int = 1) -> bool:
        """Whether there is room for that much more."""
        used = self._used.get(key)
        if used is None or used.bound + amount > self._limit:
            used = self._recount(key, amount, used)
        if used.bound + amount > self._limit:
            return False
        used.bound += amount
        return True

    def _recount(self, key: str, amount: int, used: _Used | None) -> _Used:
        now = self._clock()
        if used is not None and now < used.full_until:
            return used
        counted = _Used(self._count(key))
        if counted.bound + amount > self._limit:
            counted.full_until = now + RECOUNT_SECONDS
        self._used.put(key, counted)
        return counted

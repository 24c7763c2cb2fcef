"""Where budgets count: in this process's memory. The storage that comes with `limits` does so too,
but starts a thread every few milliseconds to forget what is over; here the next request does."""

from limits.storage import Storage

from app import clock

#: Seconds between two looks for what is over.
TIDY = 10.0


class RateCounters(Storage):
    """One counter per key and window. Requests are greenlets and nothing here gives way to another,
    so it needs no locks."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        #: Count, and when its window ends.
        self._counters: dict[str, tuple[int, float]] = {}
        self._tidy_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count `amount`; a window of `expiry` seconds begins when none is open."""
        now = clock.now()
        self._tidy(now)
        count, ends = self._counters.get(key, (0, 0.0))
        if ends <= now:
            count, ends = 0, now + expiry
        self._counters[key] = count + amount, ends
        return count + amount

    def get(self, key: str) -> int:
        count, ends = self._counters.get(key, (0, 0.0))
        return count if ends > clock.now() else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends; now, when none is open."""
        now = clock.now()
        return max(now, self._counters.get(key, (0, now))[1])

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        forgotten = len(self._counters)
        self._counters.clear()
        return forgotten

    def clear(self, key: str) -> None:
        self._counters.pop(key, None)

    def _tidy(self, now: float) -> None:
        if now < self._tidy_at:
            return
        self._tidy_at = now + TIDY
        over = [key for key, (_, ends) in self._counters.items() if ends <= now]
        for key in over:
            del self._counters[key]

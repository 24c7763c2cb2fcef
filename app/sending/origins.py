"""How the push services are doing, so that one that is slow or dead delays no other: each gets a
share of the workers, and a breaker. Kept in memory, by each sender for itself. Called by the
sender, from many threads or greenlets at a time."""

import threading
from dataclasses import dataclass

from app import clock
from app.sending.outcome import Outcome

#: One origin gets at most this part of the workers.
SHARE = 4
#: So many failures in a row open the breaker.
FAILURES = 5
#: How long nothing is sent then (seconds): twice as long each time, until a message gets through.
PAUSE_FIRST = 5.0
PAUSE_MAX = 600.0
#: The longest pause that we accept from a push service's Retry-After.
RETRY_AFTER_MAX = 3600.0


@dataclass(slots=True)
class _Health:
    """Of one origin. The breaker is *closed* while `pauses` is 0; *open* until `paused_until`; then
    *half-open*: one message tries, and its outcome opens or closes it."""

    in_flight: int = 0
    failures: int = 0
    pauses: int = 0
    paused_until: float = 0.0


class Origins:
    """Whom the sender may send to, and how much at a time."""

    def __init__(self, workers: int) -> None:
        self._share = max(1, workers // SHARE)
        self._health: dict[str, _Health] = {}
        self._lock = threading.Lock()

    def room(self, origin: str) -> int:
        """How many more messages may be under way to it."""
        with self._lock:
            health = self._health.get(origin, _Health())
            if clock.now() < health.paused_until:
                return 0
            return max(0, (1 if health.pauses else self._share) - health.in_flight)

    def next_end_of_pause(self) -> float | None:
        """When the first of the paused ones may be tried again."""
        return min(self.pauses().values(), default=None)

    def pauses(self) -> dict[str, float]:
        """By origin, when each paused one may be tried again."""
        now = clock.now()
        with self._lock:
            ends = {name: one.paused_until for name, one in self._health.items()}
        return {name: end for name, end in ends.items() if end > now}

    def start(self, origin: str) -> None:
        """A message for it is under way."""
        with self._lock:
            self._health.setdefault(origin, _Health()).in_flight += 1

    def finish(self, origin: str, outcome: Outcome) -> float | None:
        """Its answer came, or none. Returns for how many seconds nothing will be sent, when this
        outcome opened the breaker."""
        with self._lock:
            health = self._health[origin]
            health.in_flight -= 1
            pause = None if outcome.ours else _judge(health, outcome)
            if not (health.in_flight or health.failures or health.pauses):
                del self._health[origin]  # as good as one that was never heard of
            return pause


def _judge(health: _Health, outcome: Outcome) -> float | None:
    if outcome.state != "retry":
        health.failures = health.pauses = 0
        health.paused_until = 0.0
        return None
    now = clock.now()
    if now < health.paused_until:
        return None  # it was under way before the pause began
    health.failures += 1
    if not (health.pauses or health.failures >= FAILURES or _asks_all_to_wait(outcome)):
        return None
    pause = _pause(health.pauses, outcome)
    health.pauses += 1
    health.paused_until = now + pause
    return pause


def _asks_all_to_wait(outcome: Outcome) -> bool:
    """503 with Retry-After is about the whole service (RFC 9110 section 15.6.4); 429 may be about
    one subscription (RFC 8030 section 8.4), so alone it holds nobody else back."""
    return outcome.status == 503 and outcome.retry_after is not None


def _pause(pauses: int, outcome: Outcome) -> float:
    """Seconds: as long as it asks for, else as long as it has deserved."""
    deserved = min(PAUSE_FIRST * 2.0 ** min(pauses, 20), PAUSE_MAX)
    return max(deserved, min(outcome.retry_after or 0.0, RETRY_AFTER_MAX))

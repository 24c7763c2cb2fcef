"""The one place that tells the time; every layer may call it, tests replace it."""

import time
from datetime import UTC, datetime
from functools import lru_cache


def now() -> float:
    """Seconds since the epoch, as stored in every table."""
    return time.time()


@lru_cache(maxsize=1)  # what was created together shares its time
def iso(seconds: float) -> str:
    """RFC 3339 text in UTC with milliseconds, as every API answer shows a time."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 text, which names its zone. ValueError: it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment.timestamp()

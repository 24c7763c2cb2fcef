"""Faults that a learner or a test switches on: all off otherwise. The push API and the hub ask,
the lab face sets. Only `--lab` mounts the lab face.

* `accept`: POSTs are answered with `status` (and `retry_after`), `times` times or until removed.
* `delay`: POSTs are done at once, but answered `seconds` later.
* `drop`: the connection of a POST ends without an answer; `stored`: after the message was stored.
* `hold`: messages are accepted but not delivered, until removed; `below`: only those of less than
  that urgency, as for a device that saves its battery.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from push_service.wire.headers import URGENCIES

T = TypeVar("T")

STATUSES = (400, 401, 403, 404, 410, 413, 429, 500, 502, 503)

# What each fault can be told, beside its endpoints.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "accept": ("times", "status", "retry_after"),
    "delay": ("times", "seconds"),
    "drop": ("times", "stored"),
    "hold": ("below",),
}
NAMES = tuple(FIELDS)


class BadFaultError(ValueError):
    """The text says what is wrong with the asked-for fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`tokens` limits it to these endpoints; None: all. `times` None: until removed."""

    name: str
    times: int | None = None
    status: int = 503
    retry_after: int | None = None
    seconds: int = 1
    stored: bool = False
    below: str | None = None
    tokens: frozenset[str] | None = None

    def concerns(self, token: str) -> bool:
        return self.tokens is None or token in self.tokens

    def as_json(self) -> dict[str, Any]:
        return {field: getattr(self, field) for field in ("name", *FIELDS[self.name])}


def fault_from_json(name: str, wish: object, tokens: frozenset[str] | None) -> Fault:
    """A checked fault. Raises BadFaultError."""
    if name not in NAMES:
        raise BadFaultError(f"there is no fault {name!r}; there are {', '.join(NAMES)}")
    if not isinstance(wish, dict):
        raise BadFaultError("the body must be a JSON object, for example {}")
    unknown = sorted(set(wish) - set(FIELDS[name]))
    if unknown:
        known = ", ".join(FIELDS[name])
        raise BadFaultError(f"{name!r} has no field {unknown[0]!r}; it has {known}")
    return Fault(
        name,
        times=_whole(wish, "times", 1, 1_000_000),
        status=_one_of(wish, "status", STATUSES) or 503,
        retry_after=_whole(wish, "retry_after", 0, 86400),
        seconds=_whole(wish, "seconds", 1, 120) or 1,
        stored=_one_of(wish, "stored", (True, False)) or False,
        below=_one_of(wish, "below", URGENCIES),
        tokens=tokens,
    )


def _one_of(wish: dict[str, object], field: str, values: tuple[T, ...]) -> T | None:
    value = wish.get(field)
    found = [one for one in values if one == value and type(one) is type(value)]
    if value is not None and not found:
        raise BadFaultError(f"{field!r} must be one of {', '.join(map(str, values))}")
    return found[0] if found else None


def _whole(wish: dict[str, object], field: str, least: int, most: int) -> int | None:
    value = wish.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadFaultError(f"{field!r} must be a whole number from {least} to {most}, or null")
    return value


class Faults:
    """The faults that are on. `owner` keeps the switches of different runs apart."""

    def __init__(self) -> None:
        self._armed: dict[tuple[str, str], Fault] = {}
        self._on_change: Callable[[], None] = lambda: None

    def on_change(self, call: Callable[[], None]) -> None:
        """Who wants to know when a fault was removed (the hub: held messages may go)."""
        self._on_change = call

    def arm(self, owner: str, fault: Fault) -> None:
        self._armed[fault.name, owner] = fault

    def disarm(self, owner: str, name: str) -> None:
        """Harmless when it is not armed."""
        if self._armed.pop((name, owner), None) is not None:
            self._on_change()

    def clear(self) -> None:
        """Switch off everybody's."""
        self._armed.clear()
        self._on_change()

    def armed(self, owner: str, name: str) -> Fault | None:
        return self._armed.get((name, owner))

    def of(self, owner: str) -> list[Fault]:
        return [fault for (_, its_owner), fault in self._armed.items() if its_owner == owner]

    def take(self, name: str, token: str) -> Fault | None:
        """The fault that hits this POST, counted down; None: let it pass."""
        for key, fault in self._armed.items():
            if fault.name == name and fault.concerns(token):
                self._count_down(key, fault)
                return fault
        return None

    def holds(self, token: str, urgency: str = "normal") -> bool:
        """Whether a message of this urgency must wait."""
        return any(
            fault.name == "hold" and fault.concerns(token) and _is_below(urgency, fault.below)
            for fault in self._armed.values()
        )

    def _count_down(self, key: tuple[str, str], fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times == 1:
            del self._armed[key]
        else:
            self._armed[key] = replace(fault, times=fault.times - 1)


def _is_below(urgency: str, limit: str | None) -> bool:
    return limit is None or URGENCIES.index(urgency) < URGENCIES.index(limit)

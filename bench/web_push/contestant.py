"""What every Python contestant does around its own sending: reads the plan, says when it is ready,
and for each line on its standard input sends everything once and tells what that cost."""

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Plan:
    """What is to be sent, the same for all."""

    url: str
    ca: str
    folder: Path
    #: The VAPID private key, base64url.
    private_key: str
    payload: str
    #: `PushSubscription.toJSON()` each.
    subscriptions: list[dict[str, Any]]
    at_once: int
    #: Of our sender: as outside the lab, as in the lab, or its calls taken out.
    journal: Literal["off", "on", "none"] = "off"


def read_plan() -> Plan:
    values = json.loads(Path(sys.argv[1]).read_text())
    return Plan(**values | {"folder": Path(values["folder"])})


def run(send_all: Callable[[], int], prepare: Callable[[], None] = lambda: None) -> None:
    """`send_all` returns how many were taken (201). What `prepare` does is not measured."""
    say({"ready": True})
    for _line in sys.stdin:
        prepare()
        used, begun = cpu_seconds(), time.monotonic()
        sent = send_all()
        seconds = time.monotonic() - begun
        say({"sent": sent, "seconds": seconds, "cpu_seconds": cpu_seconds() - used})


def cpu_seconds() -> float:
    """User and system time of this process, all its threads, and its children that ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()

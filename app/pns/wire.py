"""The sub-protocol `pns.v1`: JSON texts of the client become values, values become JSON texts for
the client. Pure. Called by `pns.session` and `pns.node`."""

import json
import re
from dataclasses import dataclass
from typing import Any

PROTOCOL = "pns.v1"

#: Ids in one acknowledgement; a client has at most a window full of them to acknowledge.
MAX_IDS = 256
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: Close codes (4000 and above are the application's own, RFC 6455 section 7.4.2).
BREACH = 1008
RESTARTING = 1012
TOO_SLOW = 1013
REPLACED = 4001
SESSION_ENDED = 4003


class Breach(Exception):
    """The client said something that is not `pns.v1`. The message becomes the close reason."""


@dataclass(slots=True)  # not frozen: see `session`
class Ack:
    """The client has these notifications, and knows that `expired` others expired."""

    notification_ids: tuple[str, ...] = ()
    expired: int = 0


def parse(text: str) -> Ack:
    """The client's frame as a value. Raises Breach."""
    frame = _object(text)
    if frame.get("type") != "ack":
        raise Breach("unknown type")
    if "notification_ids" not in frame and "expired" not in frame:
        raise Breach("an ack of nothing")
    return Ack(_ids(frame.get("notification_ids", [])), _count(frame.get("expired", 0)))


def _object(text: str) -> dict[str, Any]:
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        raise Breach("not JSON") from None
    if not isinstance(frame, dict):
        raise Breach("not a JSON object")
    return frame


def _ids(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Breach("notification_ids must be a list")
    if len(value) > MAX_IDS:
        raise Breach(f"at most {MAX_IDS} notification_ids")
    if not all(isinstance(one, str) and ID.fullmatch(one) for one in value):
        raise Breach("a notification_id is a UUID in lower case")
    return tuple(value)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 31:
        raise Breach("expired must be a count")
    return value


def hello(connection_id: str, node: str, *, resumed: bool, pending: int) -> str:
    return _dump(
        {
            "type": "hello",
            "connection_id": connection_id,
            "node": node,
            "resumed": resumed,
            "pending": pending,
        }
    )


def notification(notification_id: str, seq: int, data: dict[str, Any], created_at: str) -> str:
    """`created_at` is RFC 3339 text. The same text goes to every device of the user."""
    return _dump(
        {
            "type": "notification",
            "notification_id": notification_id,
            "seq": seq,
            "data": data,
            "created_at": created_at,
        }
    )


def replayed(sent: int, expired: int) -> str:
    return _dump({"type": "replayed", "sent": sent, "expired": expired})


def hint(what: str) -> str:
    return _dump({"type": "hint", "what": what})


def _dump(frame: dict[str, Any]) -> str:
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)

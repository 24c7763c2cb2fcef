"""The message inside a Web Push, in the declarative form that Safari shows by itself and our
service worker reads. Pure; called by the sender."""

import bisect
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urljoin

from app import clock

#: RFC 8291 section 4 wants one record, RFC 8030 section 7.2 guarantees 4096 bytes of body; the
#: header (86), the delimiter (1) and the tag (16) leave this much for us.
LIMIT = 3993
#: The declarative form's magic number, which is also the number of the Web Push RFC.
WEB_PUSH = 8030
PICTURES = ("icon", "image", "badge")
#: Shown at the end of a shortened text.
ELLIPSIS = "…"
_TO_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Content:
    """One notification for one device."""

    notification_id: str
    connection_id: str
    run_id: str | None
    seq: int
    created_at: float
    #: What the sender of the notification gave, as app/notifications/transaction.py names it.
    data: dict[str, Any]


def build(content: Content, public_url: str) -> bytes:
    """UTF-8 JSON of at most LIMIT bytes. What is too long is shortened, the body first, and marked
    `cut`: the worker fetches the rest by id."""
    message = _message(content, public_url)
    encoded = _encode(message)
    if len(encoded) <= LIMIT:
        return encoded
    message["pushlab"]["cut"] = True
    _cut(message, public_url)
    return _encode(message)


def _message(content: Content, public_url: str) -> dict[str, Any]:
    data = content.data
    notification = {
        "title": data.get("title") or "",
        "navigate": _absolute(public_url, data.get("navigate") or "/"),
        "body": data.get("body") or "",
        # Under its own id a notification that comes twice is one on the screen.
        "tag": data.get("tag") or content.notification_id,
    }
    notification |= _wishes(data, public_url)
    ours = {
        "notification_id": content.notification_id,
        "connection_id": content.connection_id,
        "run_id": content.run_id,
        "seq": content.seq,
        "created_at": clock.iso(content.created_at),
    }
    return {"web_push": WEB_PUSH, "notification": notification, "pushlab": ours}


def _wishes(data: dict[str, Any], public_url: str) -> dict[str, Any]:
    """The options that were asked for. An action's name is its place: the worker finds its page by
    it, as a browser that shows the message by itself does."""
    pictures = {name: _absolute(public_url, data[name]) for name in PICTURES if data.get(name)}
    flags = {name: True for name in ("silent", "renotify") if data.get(name)}
    actions = [
        {
            "action": str(place),
            "title": action["title"],
            "navigate": _absolute(public_url, action["navigate"]),
        }
        for place, action in enumerate(data.get("actions") or [])
    ]
    return pictures | flags | ({"actions": actions} if actions else {})


@lru_cache(maxsize=1024)
def _absolute(public_url: str, path: str) -> str:
    """Paths as absolute URLs: a declarative message is read without a page."""
    return urljoin(public_url + "/", path)


def _encode(message: dict[str, Any]) -> bytes:
    # A lone surrogate has no UTF-8.
    return _TO_JSON.encode(message).encode("utf-8", errors="replace")


def _size(message: dict[str, Any]) -> int:
    return len(_encode(message))


def _cut(message: dict[str, Any], public_url: str) -> None:
    """From what is missed least to what is missed most; the steps together leave nothing unbounded,
    whatever the sender of the notification gave."""
    shown = message["notification"]
    steps: tuple[Callable[[], object], ...] = (
        lambda: _shorten(message, "body"),
        *(partial(shown.pop, name, None) for name in (*reversed(PICTURES), "actions")),
        lambda: _shorten(message, "title"),
        lambda: shown.update(navigate=_absolute(public_url, "/")),
        lambda: _shorten(message, "tag"),
    )
    for step in steps:
        if _size(message) <= LIMIT:
            return
        step()


def _shorten(message: dict[str, Any], field: str) -> None:
    """Keep as many characters as fit. Whole code points, so the result is valid UTF-8."""
    shown = message["notification"]
    text = str(shown[field])

    def size_with(kept: int) -> int:
        shown[field] = text[:kept] + ELLIPSIS
        return _size(message)

    fitting = bisect.bisect_right(range(len(text)), LIMIT, key=size_with)
    shown[field] = text[: fitting - 1] + ELLIPSIS if fitting else ""

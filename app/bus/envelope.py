"""What goes over the bus: who is to look, never what there is to see. Pure; every adapter carries
the same bytes. Made by whoever commits something that a node must notice, read by `pns.node`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

Kind = Literal["ring", "ended", "hint"]
KINDS: tuple[str, ...] = get_args(Kind)


class MalformedEnvelope(ValueError):
    """These bytes are no envelope."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """`ring`: notifications `ids` are pending for these users. `ended`: the devices with the
    connection ids `ids` were signed out. `hint`: these users' pages should fetch `what` again."""

    kind: Kind
    what: str = ""
    user_ids: tuple[int, ...] = ()
    ids: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        fields: dict[str, Any] = {"kind": self.kind, "user_ids": self.user_ids}
        if self.what:
            fields["what"] = self.what
        if self.ids:
            fields["ids"] = self.ids
        return json.dumps(fields, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Envelope":
        """Raises MalformedEnvelope. Unknown fields are ignored: a newer process may be ringing."""
        try:
            fields = json.loads(data)
        except (ValueError, RecursionError):
            raise MalformedEnvelope("not JSON") from None
        if not isinstance(fields, dict) or fields.get("kind") not in KINDS:
            raise MalformedEnvelope("no known kind")
        what = fields.get("what", "")
        if not isinstance(what, str):
            raise MalformedEnvelope("what is not a text")
        user_ids, ids = _all(int, fields, "user_ids"), _all(str, fields, "ids")
        return cls(cast(Kind, fields["kind"]), what, user_ids, ids)

    def merge(self, later: "Envelope") -> "Envelope":
        """Both in one; only for envelopes of the same kind and `what`."""
        return Envelope(
            self.kind,
            self.what,
            tuple(dict.fromkeys(self.user_ids + later.user_ids)),
            tuple(dict.fromkeys(self.ids + later.ids)),
        )

    def parts(self, limit: int) -> Iterator["Envelope"]:
        """The same in envelopes of at most `limit` bytes each; it must hold one user or id."""
        if len(self.to_bytes()) <= limit:
            yield self
        elif len(self.ids) > 1 or len(self.user_ids) > 1:
            for half in self._halves():
                yield from half.parts(limit)

    def _halves(self) -> Iterator["Envelope"]:
        """By whatever there is more of; what is named beside it is named in both."""
        if len(self.ids) > len(self.user_ids):
            middle = len(self.ids) // 2
            yield replace(self, ids=self.ids[:middle])
            yield replace(self, ids=self.ids[middle:])
        else:
            middle = len(self.user_ids) // 2
            yield replace(self, user_ids=self.user_ids[:middle])
            yield replace(self, user_ids=self.user_ids[middle:])


def _all(kind: type, fields: dict[str, Any], name: str) -> tuple[Any, ...]:
    values = fields.get(name, [])
    if not isinstance(values, list) or any(type(value) is not kind for value in values):
        raise MalformedEnvelope(f"{name} is no list of {kind.__name__}")
    return tuple(values)

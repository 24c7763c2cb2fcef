"""A dictionary that forgets what was not used for longest. Pure; anybody may use it."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Holds at most `size` entries."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def setdefault(self, key: K, value: V) -> V:
        """The entry that is there, else this one."""
        there = self.get(key)
        if there is not None:
            return there
        self.put(key, value)
        return value

    def pop(self, key: K) -> None:
        self._entries.pop(key, None)

"""The crash points of `app.faults`, switched by files that all processes of a cluster share. A
crash takes its file away before the process dies: a file that is gone is a point that was hit."""

import threading
from collections import Counter
from pathlib import Path

from app.faults import POINTS, Kind

#: One node alone has nobody to take for dead.
AMONG_NODES = {"node.after_end_silent"}


class Switches:
    """`folder`: the cluster's instance folder. For any thread."""

    def __init__(self, folder: Path, *, several_nodes: bool) -> None:
        self.points = [one for one in POINTS if several_nodes or one not in AMONG_NODES]
        self._folder = folder / "faults"
        self._folder.mkdir(parents=True)
        self._hits: Counter[str] = Counter()
        self._armed: set[str] = set()
        self._held: set[str] = set()
        self._looking = threading.RLock()

    @property
    def hits(self) -> Counter[str]:
        """How often a process died at each point."""
        with self._looking:
            gone = {point for point in self._armed if not (self._folder / point).exists()}
            self._armed -= gone
            self._hits.update(gone)
            return self._hits.copy()

    @property
    def missed(self) -> list[str]:
        """The points that were not hit yet."""
        hits = self.hits
        return [point for point in self.points if not hits[point]]

    def crash_at(self, point: str) -> None:
        """Whoever comes there first dies. Nothing new while it is armed, or held."""
        with self._looking:
            if self._is_armed(point) or point in self._held:
                return
            self._armed.add(point)
            self._write(point, "crash")

    def hold_at(self, point: str) -> bool:
        """Everybody who comes there waits until `let_go`. False: it is armed, nobody waits."""
        with self._looking:
            if self._is_armed(point):
                return False
            self._held.add(point)
            self._write(point, "hold")
            return True

    def let_go(self, point: str) -> None:
        with self._looking:
            (self._folder / point).unlink(missing_ok=True)
            self._held.discard(point)

    def disarm(self) -> None:
        """No crash that was not hit yet happens any more."""
        with self._looking:
            _ = self.hits
            for point in self._armed:
                self.let_go(point)
            self._armed.clear()

    def table(self) -> str:
        """Each point, and how often a process died there."""
        hits = self.hits
        width = max(map(len, self.points))
        return "\n".join(f"{point:{width}}  {hits[point]:3}" for point in self.points)

    def _is_armed(self, point: str) -> bool:
        _ = self.hits  # looks which files are gone
        return point in self._armed

    def _write(self, point: str, kind: Kind) -> None:
        """Readers see all of it or nothing."""
        fresh = self._folder / f".{point}"
        fresh.write_text(kind)
        fresh.replace(self._folder / point)

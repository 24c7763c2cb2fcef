"""The product with one rule of delivery taken out: a copy of the checkout with one changed place.
What the storm says of it shows that the oracle can tell."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cluster import ROOT

#: What the processes of a cluster run from.
PARTS = ("app", "push_service", "migrations", "static", "templates")
FILES = ("manifest.json", "service-worker.js")


@dataclass(frozen=True, slots=True)
class Mutant:
    """`changes`: old text, which stands in the file once, and new text. `says`: words of the
    oracle's sentence."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    says: str

    def __str__(self) -> str:
        return self.name

    def make(self, folder: Path) -> Path:
        """The checkout of this mutant, in `folder`."""
        for part in PARTS:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        for name in FILES:
            shutil.copy(ROOT / name, folder / name)
        (folder / self.file).write_text(self.text())
        return folder

    def text(self) -> str:
        """What its file says."""
        text = (ROOT / self.file).read_text()
        for old, new in self.changes:
            assert text.count(old) == 1, f"{self.file} has changed: {old!r}"
            text = text.replace(old, new)
        return text


SENT = """\
            rows = [(connection.connection_id, pulled.rows)]
            self._database.write(lambda session: pending.acknowledge(session, rows))
            self._write(connection, pulled, frames)
"""
BEFORE_COMMIT = '        self._faults.reach("create.before_commit")\n'
ALONE = f"{BEFORE_COMMIT}        return answer\n"
TOGETHER = f"{BEFORE_COMMIT}        return created\n"
MUTANTS = [
    Mutant(
        "rows-go-when-sent",
        "app/pns/puller.py",
        (("            self._write(connection, pulled, frames)\n", SENT),),
        "never came to",
    ),
    Mutant(
        "release-without-epoch",
        "app/pns/registry.py",
        ((', RECORDS.c.epoch == bindparam("of_epoch"))', ")"),),
        "lost its record although",
    ),
    Mutant(
        "ring-then-commit",
        "app/notifications/create.py",
        (
            (ALONE, f"        self._tell(answer[0])\n{ALONE}"),
            (TOGETHER, f"        for one in created:\n            self._tell(one)\n{TOGETHER}"),
            ("        if is_new:\n            self._tell(created)\n", "        if is_new:\n"),
        ),
        "by no ring",
    ),
    Mutant(
        "no-sweep",
        "app/pns/sweep.py",
        (("self._check_records, self._find_unrung, ", ""),),
        "never came to",
    ),
]

"""Measures PNS beside plain flask-sock and Flask-SocketIO: `python -m bench.pns`.

Each measurement has a fresh server of each kind, one after the other, and rounds follow each other,
because the machine drifts; the medians count. A part of the workloads may be measured alone: the
results of the others are kept. `--quick` is for trying things out."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench.measuring import Figures, machine, medians, save
from bench.pns import workloads
from bench.pns.mosquitto import Mosquitto
from bench.pns.ours import Pushlab, PushlabOnPostgreSQL
from bench.pns.peers import FlaskSock, Floor, SocketIO
from bench.pns.target import Target

RESULTS = Path("bench/results/pns.json")
Kind = type[Target]
Workload = Callable[[Any], Figures]
#: Workload, server, rounds.
Results = dict[str, dict[str, list[Figures]]]
ALL: tuple[Kind, ...] = (Pushlab, FlaskSock, SocketIO, Mosquitto, Floor)
#: The floor has no users, so it cannot send to one of them.
SERVERS: tuple[Kind, ...] = (Pushlab, FlaskSock, SocketIO, Mosquitto)


class Bench:
    """Every workload of a name that is asked for, at full size or a tenth of it."""

    def __init__(
        self,
        names: tuple[str, ...],
        known: Results,
        on_found: Callable[[Results], None],
        *,
        quick: bool,
    ) -> None:
        self._names = names
        self._on_found = on_found
        self._tenth = 10 if quick else 1
        self.results = known

    def run_round(self) -> None:
        small, large = 1000 // self._tenth, 5000 // self._tenth
        self._measure("W1", f"N = {small}", ALL, 1, small, lambda t: workloads.fan_out(t, 30))
        self._measure("W1", f"N = {large}", ALL, 1, large, lambda t: workloads.fan_out(t, 30))
        for publishers in (1, 8):
            self._publish(publishers, small, 1000 // self._tenth)
        durable = (Pushlab, PushlabOnPostgreSQL)
        self._measure("W2", "many per call", durable, small, 2, self._many)
        self._measure("W3", f"N = {large}", ALL, large, 1, workloads.memory)
        self._measure("W4", f"N = {large}", ALL, large, 1, workloads.handshakes)
        self._measure("W5", "", SERVERS, 1, small, lambda t: workloads.storm(t, 20))
        killed: Workload = lambda t: workloads.storm(t, 20, kill=True)  # noqa: E731
        self._measure("W5", "server killed", SERVERS, 1, small, killed)

    def _publish(self, publishers: int, users: int, notifications: int) -> None:
        one: Workload = lambda t: workloads.one_by_one(t, publishers, notifications)  # noqa: E731
        self._measure("W2", f"{publishers} publishers", SERVERS, users, 2, one)

    def _many(self, target: Pushlab) -> Figures:
        at_once = min(200, target.users)
        return workloads.many_per_call(target, 100 // self._tenth, at_once)

    def _measure(
        self,
        name: str,
        variant: str,
        kinds: tuple[Kind, ...],
        users: int,
        each: int,
        work: Workload,
    ) -> None:
        if name not in self._names:
            return
        for kind in kinds:
            if not kind.is_installed():
                click.echo(f"{name} {variant} · {kind.name}: not installed, left out")
                continue
            figures = _once(kind, users, each, work)
            self.results.setdefault(f"{name} {variant}".strip(), {}).setdefault(
                kind.name, []
            ).append(figures)
            _tell(f"{name} {variant}", kind.name, figures)
            self._on_found(self.results)


def _once(kind: Kind, users: int, each: int, work: Workload) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        target = kind(Path(folder), users, each)
        try:
            return work(target)
        finally:
            target.stop()


def _tell(workload: str, server: str, figures: Figures) -> None:
    shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    click.echo(f"{workload} · {server}: {shown}")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--rounds", default=3, show_default=True)
@click.option("--add", is_flag=True, help="Keep the earlier rounds of the same workloads.")
@click.option("--quick", is_flag=True, help="A tenth of everything, once.")
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def main(names: tuple[str, ...], rounds: int, add: bool, quick: bool, output: Path) -> None:
    """Measure W1 ... W5 (NAMES: which of them) beside the peers."""
    names = names or ("W1", "W2", "W3", "W4", "W5")
    before = machine()
    known = {} if quick else _known(output, names, add=add)

    def keep(results: Results) -> None:
        if not quick:
            save({"machine": before, **_report(results)}, output)

    bench = Bench(names, known, keep, quick=quick)
    for _ in range(1 if quick else rounds):
        bench.run_round()


def _known(output: Path, names: tuple[str, ...], *, add: bool) -> Results:
    """Earlier results that stay: those of other workloads, and with `add` all."""
    known: Results = json.loads(output.read_text())["rounds"] if output.exists() else {}
    return {name: runs for name, runs in known.items() if add or name.split()[0] not in names}


def _report(results: Results) -> dict[str, Any]:
    found = {
        workload: {server: medians(runs) for server, runs in servers.items()}
        for workload, servers in results.items()
    }
    return {"medians": found, "rounds": results}


if __name__ == "__main__":
    main()

"""What the journal costs the sender: `python -m bench.journal`.

The whole sender, from the outbox and back, three times: as it is outside the lab, in the lab with
the journal, and with its calls of the journal taken out. Each is a process of its own, rounds
follow each other in turn, each second one backwards; the ratios are those of the medians. The one
with its calls taken out is the measure; the one outside the lab shows how much is chance. What a
reader pays is not in it: rows are made of the journal by whoever reads.
"""

import contextlib
import tempfile
from pathlib import Path

import click

from bench.measuring import Figures, machine, medians, save
from bench.web_push.contestants import PYTHON, Contestant, make_plan, start_contestant
from bench.web_push.receiver import Receiver, receiver

RESULTS = Path("bench/results/journal.json")
#: By what is shown: as `contestant.Plan.journal`.
MODES = {
    "its calls of the journal taken out": "none",
    "outside the lab": "off",
    "in the lab": "on",
}
FIRST = next(iter(MODES))


@click.command()
@click.option("--subscriptions", default=1000, show_default=True)
@click.option("--payload", default=200, show_default=True, help="Bytes before encryption.")
@click.option("--rounds", default=41, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def main(subscriptions: int, payload: int, rounds: int, output: Path) -> None:
    """Measure the sender with the journal and without."""
    about = machine()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receiving = stack.enter_context(receiver(folder))
        plan = make_plan(receiving, subscriptions, payload, at_once=50)
        command = [*PYTHON, "bench.web_push.our_sender"]
        running = {
            name: stack.enter_context(
                start_contestant(mode, command, {**plan, "journal": mode}, folder)
            )
            for name, mode in MODES.items()
        }
        found = [_round(running, receiving, number) for number in range(rounds + 1)][1:]
    told = {name: medians([one[name] for one in found]) for name in MODES}
    for figures in told.values():
        figures["ratio"] = figures["cpu_seconds_per_1000"] / told[FIRST]["cpu_seconds_per_1000"]
    chosen = {"subscriptions": subscriptions, "payload": payload}
    save({"machine": about, "plan": chosen, "medians": told, "rounds": found}, output)
    _show(told)


def _round(running: dict[str, Contestant], receiving: Receiver, number: int) -> dict[str, Figures]:
    """The first one opens the connections and warms up the code."""
    order = list(running) if number % 2 else list(reversed(running))
    return {name: running[name].send_all(receiving) for name in order}


def _show(told: dict[str, Figures]) -> None:
    click.echo("| the sender | CPU-s per 1000 | ratio | sends/s |")
    click.echo("|---|---|---|---|")
    for name, one in told.items():
        figures = f"{one['cpu_seconds_per_1000']:.3f} | {one['ratio']:.3f}"
        click.echo(f"| {name} | {figures} | {one['sends_per_second']:,.0f} |")


if __name__ == "__main__":
    main()

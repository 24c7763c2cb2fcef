"""Measures Web Push sending: `python -m bench.web_push`.

Each contestant is a process of its own and sends the same payload to the same subscriptions over
TLS. Rounds of all follow each other, because the machine drifts; the medians count, and the ratios
are taken within each round. Main figure: CPU-seconds of the sending process per 1000 messages.
"""

import contextlib
import statistics
import tempfile
from pathlib import Path

import click

from bench.measuring import Figures, machine, save
from bench.measuring import medians as medians_of
from bench.web_push.contestants import PYTHON, make_plan, start_contestant
from bench.web_push.receiver import receiver

RESULTS = Path("bench/results/web_push.json")
CONTESTANTS = {
    "pushlab": [*PYTHON, "bench.web_push.ours"],
    "pushlab, outbox included": [*PYTHON, "bench.web_push.our_sender"],
    "pywebpush, requests session": [*PYTHON, "bench.web_push.pywebpush_session"],
    "pywebpush, aiohttp session": [*PYTHON, "bench.web_push.pywebpush_async"],
    "node web-push, keep-alive agent": ["node", "bench/web_push/node_web_push.cjs"],
}
OURS = "pushlab"


@click.command()
@click.option("--subscriptions", default=1000, show_default=True)
@click.option("--payload", default=200, show_default=True, help="Bytes before encryption.")
@click.option("--at-once", default=50, show_default=True, help="Requests under way at once.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def main(subscriptions: int, payload: int, at_once: int, rounds: int, output: Path) -> None:
    """Measure sending beside its peers."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receiving = stack.enter_context(receiver(folder))
        plan = make_plan(receiving, subscriptions, payload, at_once)
        running = {
            name: stack.enter_context(start_contestant(name, command, plan, folder))
            for name, command in CONTESTANTS.items()
        }
        for contestant in running.values():
            contestant.send_all(receiving)  # connections are open, code is warm
        found = [
            {name: contestant.send_all(receiving) for name, contestant in running.items()}
            for _ in range(rounds)
        ]
    medians = {name: medians_of([one[name] for one in found]) for name in CONTESTANTS}
    for name, figures in medians.items():
        figures["ratio_to_ours"] = statistics.median(_ratio(one, name) for one in found)
    chosen = {"subscriptions": subscriptions, "payload": payload, "at_once": at_once}
    report = {"machine": machine(), "plan": chosen, "medians": medians, "rounds": found}
    save(report, output)
    _tell(medians)


def _ratio(found: dict[str, Figures], name: str) -> float:
    return found[name]["cpu_seconds_per_1000"] / found[OURS]["cpu_seconds_per_1000"]


def _tell(medians: dict[str, Figures]) -> None:
    click.echo("| sender | CPU-s per 1000 | ratio | sends/s | its CPU share | receiver's |")
    click.echo("|---|---|---|---|---|---|")
    for name, one in medians.items():
        shown = f"{one['cpu_seconds_per_1000']:.3f} | {one['ratio_to_ours']:.2f} | "
        shown += f"{one['sends_per_second']:,.0f} | {one['cpu_share']:.2f} | "
        click.echo(f"| {name} | {shown}{one['receiver_cpu_share']:.2f} |")


if __name__ == "__main__":
    main()

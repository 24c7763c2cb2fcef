"""Measures the push service: `python -m bench.push_service`.

Rounds of ours and of the peer follow each other, because the machine drifts; the medians count.
Main figure: messages that are accepted, stored, delivered and acknowledged per CPU-second of the
server's process tree. `--rate` then paces the senders, for latencies that are no queue's.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from bench.measuring import machine, quantile, save
from bench.measuring import medians as medians_of
from bench.push_service import servers
from bench.push_service.servers import Server

RESULTS = Path("bench/results/push_service.json")
Start = Callable[[Path], AbstractContextManager[Server]]


@click.command()
@click.option("--messages", default=10_000, show_default=True)
@click.option("--devices", default=200, show_default=True)
@click.option("--senders", default=16, show_default=True, help="Requests under way at once.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--rate", default=500, show_default=True, help="Messages/s of the paced rounds.")
@click.option("--output", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
def main(messages: int, devices: int, senders: int, rounds: int, rate: int, output: Path) -> None:
    """Measure the push service beside its peer."""
    plan = {"messages": messages, "devices": devices, "senders": senders}
    paced = plan | {"messages": messages // 2, "rate": rate}
    results: dict[str, list[dict[str, Any]]] = {"ours": [], "ours, paced": [], "floor": []}
    for _ in range(rounds):
        results["ours"].append(measure(servers.push_service, plan))
        results["floor"].append(measure(servers.floor, plan | {"deliver": False}))
        results["ours, paced"].append(measure(servers.push_service, paced))
    medians = {name: medians_of(runs) for name, runs in results.items()}
    report = {"machine": machine(), "plan": plan | {"rate": rate}, "medians": medians}
    report["rounds"] = results
    save(report, output)
    for line in _lines(medians):
        click.echo(line)


def measure(start: Start, plan: dict[str, Any]) -> dict[str, float]:
    """One run on a fresh server."""
    with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as server:
        command = [sys.executable, "-m", "bench.push_service.fleet"]
        arguments = json.dumps(plan | {"url": server.url})
        with subprocess.Popen([*command, arguments], stdout=subprocess.PIPE, text=True) as fleet:
            assert fleet.stdout is not None
            fleet.stdout.readline()  # everybody is subscribed
            before = server.cpu_seconds()
            last = fleet.stdout.read().splitlines()[-1]
            used = server.cpu_seconds() - before
        return _figures(json.loads(last)["report"], used)


def _figures(report: dict[str, Any], cpu_seconds: float) -> dict[str, float]:
    latencies, accepted, seconds = report["latencies_ms"], report["accepted"], report["seconds"]
    return {
        "messages_per_cpu_second": accepted / cpu_seconds,
        "messages_per_second": accepted / seconds,
        "server_cpu_share": cpu_seconds / seconds,
        "client_cpu_share": report["client_cpu_seconds"] / seconds,
        "p50_ms": quantile(latencies, 0.5),
        "p99_ms": quantile(latencies, 0.99),
        "lost": report["lost"],
    }


def _lines(medians: dict[str, dict[str, float]]) -> Iterator[str]:
    for name, figures in medians.items():
        yield f"{name}: " + ", ".join(f"{what} {value:.4g}" for what, value in figures.items())


if __name__ == "__main__":
    main()

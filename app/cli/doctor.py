"""`./pushlab doctor`: what is there, what is missing, and what to type."""

import os
import sys

import click
from rich.console import Console
from rich.text import Text

from app.cli.checkup import Finding, examine

MARKS = {"fine": ("✓", "green"), "missing": ("○", "yellow"), "broken": ("✗", "bold red")}


@click.command()
def doctor() -> None:
    """Look at everything that pushlab needs; fails when something is broken."""
    console = Console(highlight=False)
    findings = []
    for finding in examine(dict(os.environ)):
        _show(console, finding)
        findings.append(finding)
    sys.exit(any(finding.state == "broken" for finding in findings))


def _show(console: Console, finding: Finding) -> None:
    mark, style = MARKS[finding.state]
    console.print(Text.assemble((f" {mark} ", style), finding.text), soft_wrap=True)
    if finding.way_on:
        console.print(Text(f"     → {finding.way_on}", style="bold"), soft_wrap=True)

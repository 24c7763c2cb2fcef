"""The process that serves is patched for gevent before anything else is imported."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROBE = """
import builtins, runpy, sys
order = []
real = builtins.__import__
def watch(name, *args, **kwargs):
    order.append(name)
    return real(name, *args, **kwargs)
builtins.__import__ = watch
sys.argv = ["app", {command!r}, "--help"]
try:
    runpy.run_module("app", run_name="__main__")
except SystemExit:
    pass
import socket
from gevent import monkey
libraries = ("app.", "click", "flask", "sqlalchemy", "ssl", "requests")
first = next(index for index, name in enumerate(order) if name.startswith(libraries))
print(monkey.is_module_patched("socket"), "gevent" in order[:first])
"""


def probe(command: str) -> str:
    """Two words: is the process patched, and was gevent there before everything else?"""
    code = PROBE.format(command=command)
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return run.stdout.splitlines()[-1]


def test_app_server_is_patched_first() -> None:
    assert probe("app-server") == "True True"


def test_other_commands_are_not_patched() -> None:
    assert probe("db") == "False False"

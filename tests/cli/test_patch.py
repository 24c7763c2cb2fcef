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
ours = [name for name in order if name.split(".")[0] in ("app", "click", "flask", "sqlalchemy")]
before = order.index("gevent") < order.index(ours[0])
print(monkey.is_module_patched("socket"), before)
"""


def probe(command: str) -> str:
    code = PROBE.format(command=command)
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return run.stdout.splitlines()[-1]


def test_app_server_is_patched_first() -> None:
    assert probe("app-server") == "True True"


def test_other_commands_are_not_patched() -> None:
    code = "import sys; sys.argv = ['app', 'db', '--help']; import app.__main__; from gevent import"
    code += " monkey; print(monkey.is_module_patched('socket'))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"

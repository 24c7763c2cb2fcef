"""Runs the client's pure modules in Node: for what needs no browser to be proved."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

JS = Path(__file__).resolve().parents[2] / "static" / "js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs node: make setup")


def run(module: str, expression: str, given: object = None) -> Any:
    """What `expression` is, as JSON: it sees what the module exports, and `given`. The module
    (`push/states.js`) must import nothing."""
    script = f"{(JS / module).read_text()}\nconst given = {json.dumps(given)};\n"
    script += f"console.log(JSON.stringify({expression}));"
    assert NODE is not None
    done = subprocess.run(
        [NODE, "--input-type=module", "-"],
        input=script,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

"""Runs the client's pure modules in Node: for what needs no browser to be proved."""

import atexit
import functools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

JS = Path(__file__).resolve().parents[2] / "static" / "js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs node: make setup")


def run(module: str, expression: str, given: object = None) -> Any:
    """What `expression` is, or will be, as JSON: it sees what the module exports, and `given`. The
    module (`push/states.js`) may import others, by relative paths or as "pushlab/…"; what it needs
    of a browser when it runs, `expression` brings."""
    script = f"import * as module from {json.dumps(str(_modules() / module))};\n"
    script += f"const given = {json.dumps(given)};\n"
    script += (
        f"const evaluate = new Function(...Object.keys(module), 'given', {_body(expression)});"
    )
    script += "console.log(JSON.stringify(await evaluate(...Object.values(module), given)));"
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


def _body(expression: str) -> str:
    return json.dumps(f"return ({expression});")


@functools.cache
def _modules() -> Path:
    """The client's files in a folder of which Node is told that they are modules."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    shutil.copytree(JS, folder, dirs_exist_ok=True)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "pushlab").symlink_to(folder)  # the pages' import map
    return folder

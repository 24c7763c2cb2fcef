"""The lines that the steps show are found in the source by name, and whole."""

import ast
import textwrap
from pathlib import Path

import pytest

from app.codelab import source
from app.codelab.source import Pointer, find
from app.codelab.steps import STEPS

POINTERS = [pointer for step in STEPS for pointer in step.pointers]
#: More is a page to scroll, not a thing to read.
LONGEST = 40

PYTHON = '''
def one():
    return 1


class Box:
    @property
    def size(self):
        """Two lines
        of words."""
        return (
            2
        )

    def last(self): return 3
'''

JAVASCRIPT = """
const small = (x) => x;

/** Says hello. */
export async function hello(name) {
  if (name) {
    say(name);
  }

  return { name };
}

export class Card {
  #quiet = 1;

  /** Opens it. */
  async #open(run) {
    await run();
  }

  get size() { return 3; }
}
"""


# W-14
@pytest.mark.parametrize("pointer", POINTERS, ids=lambda pointer: pointer.symbol)
def test_every_pointer_leads_to_whole_lines(pointer: Pointer) -> None:
    found = find(pointer)
    name = pointer.symbol.rsplit(".", 1)[-1]
    assert f"{name}(" in found.text
    assert found.text.count("\n") < LONGEST
    for pair in ("()", "[]", "{}"):
        assert found.text.count(pair[0]) == found.text.count(pair[1])
    if pointer.path.endswith(".py"):
        assert len(ast.parse(found.text).body) == 1
    in_file = (source.ROOT / pointer.path).read_text().splitlines()
    lines = in_file[found.first_line - 1 : found.last_line]
    assert textwrap.dedent("\n".join(lines)) == found.text


# W-14
def test_name_that_is_gone_is_an_error() -> None:
    """So that whoever renames a function meets this test."""
    for path, symbol in (
        ("app/sending/vapid.py", "lode"),
        ("app/sending/vapid.py", "VapidKeys.load"),
        ("static/js/shared/handover.js", "handUnder"),
        ("static/js/push/subscription.js", "Subscription.#askNothing"),
    ):
        with pytest.raises(LookupError):
            find(Pointer(path, symbol, ""))


@pytest.mark.parametrize(
    ("path", "symbol", "first_line", "first", "last"),
    [
        ("it.py", "one", 2, "def one():", "    return 1"),
        ("it.py", "Box.size", 7, "@property", "    )"),
        ("it.py", "Box.last", 15, "def last(self): return 3", "def last(self): return 3"),
        ("it.js", "small", 2, "const small = (x) => x;", "const small = (x) => x;"),
        ("it.js", "hello", 4, "/** Says hello. */", "}"),
        ("it.js", "Card.#open", 16, "/** Opens it. */", "}"),
        ("it.js", "Card.size", 21, "get size() { return 3; }", "get size() { return 3; }"),
    ],
)
def test_symbol_is_found_whole(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    symbol: str,
    first_line: int,
    first: str,
    last: str,
) -> None:
    (tmp_path / "it.py").write_text(PYTHON)
    (tmp_path / "it.js").write_text(JAVASCRIPT)
    monkeypatch.setattr(source, "ROOT", tmp_path)
    found = find(Pointer(path, symbol, ""))
    lines = found.text.splitlines()
    assert (found.first_line, lines[0], lines[-1]) == (first_line, first, last)

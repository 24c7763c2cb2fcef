"""The lines of the running source that do a step, found by the name of the function when the app
starts: a line number would soon point elsewhere, and a copy would soon be another program."""

import ast
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

N = TypeVar("N", ast.ClassDef, ast.FunctionDef)

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where to look: a file of this repository, and in it `function`, `Class.method` or, in
    JavaScript, `Class.#method`. `says` is what these lines do."""

    path: str
    symbol: str
    says: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What was found: the text with its indentation taken off, and where it begins in the file."""

    pointer: Pointer
    first_line: int
    text: str

    @property
    def last_line(self) -> int:
        return self.first_line + self.text.count("\n")


def find(pointer: Pointer) -> Excerpt:
    """Raises LookupError when the file has no such name (any more)."""
    lines = (ROOT / pointer.path).read_text("utf-8").splitlines()
    python = pointer.path.endswith(".py")
    begin, end = (_find_python if python else _find_javascript)(lines, pointer.symbol)
    return Excerpt(pointer, begin + 1, textwrap.dedent("\n".join(lines[begin:end])))


def _find_python(lines: list[str], symbol: str) -> tuple[int, int]:
    """The half-open range of its lines, decorators included."""
    here: ast.Module | ast.ClassDef = ast.parse("\n".join(lines))
    *owners, name = symbol.split(".")
    for owner in owners:
        here = _only(here.body, owner, ast.ClassDef)
    found = _only(here.body, name, ast.FunctionDef)
    first = min([found.lineno, *(each.lineno for each in found.decorator_list)])
    return first - 1, found.end_lineno or first


def _only(body: list[ast.stmt], name: str, kind: type[N]) -> N:
    for node in body:
        if isinstance(node, kind) and node.name == name:
            return node
    raise LookupError(f"there is no {name}")


def _find_javascript(lines: list[str], symbol: str) -> tuple[int, int]:
    """The half-open range of its lines, the comment above included. It relies on our style: what
    begins at an indentation ends with a bracket at the same one."""
    begin, end = 0, len(lines)
    for depth, name in enumerate(symbol.split(".")):
        begin, end = _block(lines, begin, end, _javascript_names(name, "  " * depth))
    while begin and re.match(r"\s*(/\*\*|\*|//)", lines[begin - 1]):
        begin -= 1
    return begin, end


def _javascript_names(name: str, indent: str) -> re.Pattern[str]:
    word = re.escape(name)
    if indent:
        return re.compile(rf"{indent}(static )?(async )?(get )?{word}\(")
    return re.compile(
        rf"(export )?((async )?function {word}\(|class {word}\b|(const|let) {word} =)"
    )


def _block(lines: list[str], begin: int, end: int, names: re.Pattern[str]) -> tuple[int, int]:
    for number in range(begin, end):
        if names.match(lines[number]):
            return number, _end_of(lines, number)
    raise LookupError(f"nothing looks like {names.pattern}")


def _end_of(lines: list[str], number: int) -> int:
    """The number after its last line: the bracket that closes it at its own indentation."""
    indent = lines[number].removesuffix(lines[number].lstrip())
    last = number
    for after in range(number + 1, len(lines)):
        line = lines[after]
        if line.startswith(tuple(indent + bracket for bracket in "}])")):
            return after + 1
        if line and not line.startswith(indent + "  "):
            break
        last = after if line else last
    return last + 1

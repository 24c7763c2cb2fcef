"""The kept seeds: `seeds/<target>/<name>`, each a whole input. What once broke something is among
them."""

from pathlib import Path

SEEDS = Path(__file__).parent / "seeds"


def seeds_of(target: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((SEEDS / target).glob("*"))]

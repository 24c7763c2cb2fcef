"""Coverage-guided fuzzing with atheris: `make fuzz`, or

    python -m tests.fuzz.run [--seconds TOTAL] [TARGET …]

Each target runs in a process of its own, which libFuzzer ends. It begins with the kept seeds and
with what earlier runs found out (`.fuzz/corpus`). What breaks a target is written to
`.fuzz/broken-<target>-…`: mend the code, then keep the file among the seeds.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz.seeds_of import SEEDS

ROOT = Path(__file__).parents[2]
FOUND = ROOT / ".fuzz"
INSTRUMENTED = ["app", "push_service", "wsproto"]
LONGEST = 8192


def main() -> int:
    """0 when every target held out, 1 when one broke."""
    arguments = _parser().parse_args()
    if arguments.child:
        _fuzz(arguments.targets[0], arguments.seconds)
    targets = arguments.targets or _names()
    seconds = max(1, arguments.seconds // len(targets))
    broken = [target for target in targets if not _holds_out(target, seconds)]
    print(f"{len(targets)} targets, {seconds} s each; broken: {', '.join(broken) or 'none'}")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Fuzz the parsers.")
    parser.add_argument("targets", nargs="*", help="all when none is named")
    parser.add_argument("--seconds", type=int, default=120, help="for all of them together")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser


def _names() -> list[str]:
    from tests.fuzz.targets import TARGETS

    return list(TARGETS)


def _holds_out(target: str, seconds: int) -> bool:
    print(f"== {target}", flush=True)
    command = [sys.executable, "-m", "tests.fuzz.run", "--child", "--seconds", str(seconds), target]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _fuzz(target: str, seconds: int) -> None:
    """Never returns: libFuzzer ends the process, with 0 when the time is up."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.targets import TARGETS
    corpus, seeds = FOUND / "corpus" / target, SEEDS / target
    corpus.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={FOUND}/broken-{target}-",
        "-timeout=10",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    folders = [str(corpus), *([str(seeds)] if seeds.is_dir() else [])]
    atheris.Setup([sys.argv[0], *options, *folders], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())

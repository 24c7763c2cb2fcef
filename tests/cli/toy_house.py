"""A supervisor with one toy process, run as `python -m tests.cli.toy_house`: a line of JSON with
the toy's pid after each of its starts. Arguments: `--no-restart`; `--broken`: a toy that fails."""

import json
import os
import sys

from app import log
from app.cli.child import Program
from app.cli.supervisor import Ended, StartFailed, Supervisor

TOY = "import os, json, signal; print(json.dumps({'ready': True, 'pid': os.getpid()}), flush=True)"
TOY += "; signal.pause()"


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    log.configure("text")
    code = "raise SystemExit(7)" if "--broken" in sys.argv else TOY
    supervisor = Supervisor(restart="--no-restart" not in sys.argv)
    program = Program("Toy", [sys.executable, "-c", code], os.environ)

    def tell() -> None:
        say(json.dumps(supervisor.announced("Toy")))

    try:
        supervisor.start(program)
        supervisor.on_change = tell
        tell()
        supervisor.run()
    except (StartFailed, Ended) as error:
        say(str(error))
        return 1
    finally:
        supervisor.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

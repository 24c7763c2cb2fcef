"""Another project's place: a virtual environment with the wheel, and this checkout out of reach."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

#: Made by scripts/setup, with all that the wheel and the example need, but without the wheel.
ENVIRONMENT = Path(sys.prefix) / "example"

#: So that a test decides which of the other plugins are there.
OTHER_PLUGINS = ("asyncio", "base_url", "playwright", "xdist")


@dataclass(frozen=True)
class Outside:
    """Runs programs there, in the folder `project`."""

    project: Path

    def write(self, **files: str) -> None:
        """Modules of the project by name, without `.py`."""
        for name, text in files.items():
            (self.project / f"{name}.py").write_text(text)

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(ENVIRONMENT / "bin/python"), *arguments],
            cwd=self.project,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def pytest(
        self, *arguments: str, beside: tuple[str, ...] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """`beside` names the other plugins that are to be loaded."""
        return self.python(*self.pytest_command(*arguments, beside=beside), **environment)

    @staticmethod
    def pytest_command(*arguments: str, beside: tuple[str, ...] = ()) -> list[str]:
        absent = [f"-pno:{name}" for name in OTHER_PLUGINS if name not in beside]
        return ["-m", "pytest", "-p", "no:cacheprovider", *absent, *arguments]

    @staticmethod
    def environment(**more: str) -> dict[str, str]:
        """What a fresh shell has: no PYTHONPATH, no setting of this test run."""
        kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
        return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **more}

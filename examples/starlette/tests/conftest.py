"""The site as a process of its own, as it would run anywhere."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from push_service.testing.push_service_process import PushServiceProcess

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def site(push_service: PushServiceProcess, tmp_path: Path) -> Iterator[str]:
    """Its address. With `push_service.environment` it sends to our push service; nothing in it
    knows of that."""
    environment = os.environ | push_service.environment | {"SOUP_KEY": str(tmp_path / "key.pem")}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.fileno()
        server = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app.main:app", "--fd", str(number)],
            cwd=PROJECT,
            env=environment,
            pass_fds=[number],
        )
        # Whoever comes before the server is ready waits at the listener.
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.terminate()
        server.wait()


@pytest.fixture
def push_origins(site: str) -> list[str]:
    """The browsers may show notifications of the site: nobody is there to answer the question."""
    return [site]

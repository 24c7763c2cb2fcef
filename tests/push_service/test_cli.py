"""The command: its ready line, its files, its refusals, and the https port."""

import json
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from push_service.cli import SECRET, command
from push_service.testing.push_service_process import PushServiceProcess


@pytest.fixture(scope="module")
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServiceProcess]:
    with PushServiceProcess(tmp_path_factory.mktemp("data"), tls=True) as process:
        yield process


def test_https_port_answers_as_its_own_authority_says(push_service: PushServiceProcess) -> None:
    # W-8
    context = ssl.create_default_context(cafile=str(push_service.ca))
    address = urlsplit(push_service.https).netloc
    connection = HTTPSConnection(address, timeout=10, context=context)
    for _ in range(2):  # on one connection
        connection.request("POST", "/push/lab_nobody", b"x", {"TTL": "1"})
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)["errno"]) == (404, 102)
    connection.close()


def test_what_is_stored_is_for_its_owner_only(push_service: PushServiceProcess) -> None:  # W-1
    for path in push_service.data.rglob("*"):
        if path != push_service.log:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_browser_flags_are_those_of_the_running_service(push_service: PushServiceProcess) -> None:
    #
    arguments = ["--data", str(push_service.data), "--print-browser-flags"]
    flags = json.loads(CliRunner().invoke(command, arguments).output)
    assert f"--gcm-checkin-url={push_service.http}/checkin" in flags["chromium"]["args"]
    assert flags["firefox"]["prefs"]["dom.push.serverURL"].startswith("ws://127.0.0.1:")


def test_browser_flags_need_a_service_that_ran(tmp_path: Path) -> None:
    answer = CliRunner().invoke(command, ["--data", str(tmp_path), "--print-browser-flags"])
    assert answer.exit_code == 1
    assert "no push service has run" in answer.output


def test_lab_needs_a_secret(tmp_path: Path) -> None:
    answer = CliRunner(env={SECRET: "short"}).invoke(command, ["--data", str(tmp_path), "--lab"])
    assert answer.exit_code == 2
    assert SECRET in answer.output


def test_port_in_use_is_said_in_a_sentence(
    push_service: PushServiceProcess, tmp_path: Path
) -> None:  # W-9
    port = push_service.http.rpartition(":")[2]
    arguments = [sys.executable, "-m", "push_service", "--data", str(tmp_path), "--port", port]
    answer = subprocess.run(arguments, capture_output=True, text=True, timeout=20, check=False)
    assert answer.returncode == 1
    assert "Address already in use" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_service_without_lab_has_no_lab(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "push_service", "--data", str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["tls"] is None
        connection = HTTPConnection(urlsplit(ready["http"]).netloc, timeout=10)
        connection.request("GET", "/lab/journal")
        assert connection.getresponse().status == 404
        connection.close()
        process.terminate()
    assert process.returncode == 0

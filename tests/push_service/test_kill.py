"""Devices and senders by the hundred while the push service is killed again and again."""

import json
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from push_service.testing.journal import JournalClient
from push_service.testing.push_service_process import PushServiceProcess
from tests.waiting import until


@pytest.mark.parametrize(
    ("devices", "messages", "kills"),
    [(20, 1200, 2), pytest.param(200, 20_000, 5, marks=pytest.mark.slow)],
)
def test_each_message_is_acknowledged_exactly_as_accepted(
    tmp_path: Path, devices: int, messages: int, kills: int
) -> None:  # W-9
    with PushServiceProcess(tmp_path) as push_service:
        plan = {"url": push_service.http, "devices": devices, "messages": messages}
        report, acknowledged = run(plan, push_service, kills)
    assert messages - 16 <= report["accepted"] <= messages  # 16 senders may be one short each
    assert report["unanswered"] > 0, "no kill hit a request"
    assert {name: report[name] for name in ("lost", "unasked", "twice", "disordered")} == {
        "lost": 0,
        "unasked": 0,
        "twice": 0,
        "disordered": 0,
    }
    assert max(acknowledged.values()) == 1


def run(
    plan: dict[str, Any], push_service: PushServiceProcess, kills: int
) -> tuple[dict[str, Any], Counter[str]]:
    """The fleet's report, and how often the journals say that each message was acknowledged."""
    acknowledged: Counter[str] = Counter()
    between = plan["messages"] // (kills + 1)
    next_kill, report = between, None
    command = [sys.executable, "-m", "bench.push_service.fleet", json.dumps(plan)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as fleet:
        assert fleet.stdout is not None
        readers = [read(push_service.journal, acknowledged)]
        for line in fleet.stdout:
            said = json.loads(line)
            report = said.get("report")
            if said.get("accepted", 0) >= next_kill and kills:
                kills, next_kill = kills - 1, next_kill + between
                push_service.restart()
                readers.append(read(push_service.journal, acknowledged))
        until(lambda: held(push_service.data) == 0)
        push_service.kill()
        for reader in readers:
            reader.join()
    assert report is not None
    assert kills == 0
    return report, acknowledged


def read(journal: JournalClient, acknowledged: Counter[str]) -> threading.Thread:
    """Count acknowledgements until this journal's push service dies."""

    def count() -> None:
        with suppress(OSError, HTTPException):
            for event in journal.follow(timeout=300):
                acknowledged[str(event.message_id)] += event.kind == "message.acknowledged"

    reader = threading.Thread(target=count)
    reader.start()
    return reader


def held(data: Path) -> int:
    with sqlite3.connect(data / "push-service.db") as database:
        (number,) = database.execute("SELECT count(*) FROM messages").fetchone()
    return int(number)

"""The diagram has words for everything that the app tells it, and need not name its kind."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KIND = re.compile(r'"((?:node|notification|send|subscription|vapid)\.[a-z-]+)"')
#: What a page, a worker and the push service tell of.
REPORTS = {
    "static/js": re.compile(r'(?:report|tell)\(\s*"([a-z]+\.[a-z-]+)"'),
    "push_service": re.compile(r'"((?:message|subscription|user_agent|device)\.[a-z_]+)"'),
}


# W-11
def test_every_event_of_the_app_has_words() -> None:
    told = {
        kind for file in (ROOT / "app").rglob("*.py") for kind in KIND.findall(file.read_text())
    }
    drawn = set(KIND.findall((ROOT / "static/js/codelab/diagram/messages.js").read_text()))
    assert "notification.created" in told
    assert told - drawn == set()


# W-11
def test_every_event_of_the_others_has_words() -> None:
    messages = (ROOT / "static/js/codelab/diagram/messages.js").read_text()
    for folder, pattern in REPORTS.items():
        files = [file for file in (ROOT / folder).rglob("*.[jp][sy]") if file.name != "messages.js"]
        told = {kind for file in files for kind in pattern.findall(file.read_text())}
        assert len(told) > 9
        assert [kind for kind in told if f'"{kind}":' not in messages] == []

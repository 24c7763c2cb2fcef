"""The diagram has words for everything that the app tells it, and need not name its kind."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KIND = re.compile(r'"((?:node|notification|send|subscription|vapid)\.[a-z-]+)"')


# W-11
def test_every_event_of_the_app_has_words() -> None:
    told = {
        kind for file in (ROOT / "app").rglob("*.py") for kind in KIND.findall(file.read_text())
    }
    drawn = set(KIND.findall((ROOT / "static/js/codelab/diagram/messages.js").read_text()))
    assert "notification.created" in told
    assert told - drawn == set()

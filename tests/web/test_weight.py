"""How much the first page weighs on the wire."""

import gzip
import re

import pytest
from flask.testing import FlaskClient

from app.codelab.steps import STEPS
from tests.web.conftest import Browser

LIMIT = 60_000
CODELAB_LIMIT = 100_000
IMPORT_MAP = re.compile(r'"pushlab/": "([^"]+)"')

HREFS = re.compile(r'(?:href|src)="(/(?:static|manifest)[^"]+)"')
IMPORTS = re.compile(r'(?:from|import) ?\(?"((?:pushlab/|\./|\.\./)[^"]+)"')


def weigh(client: FlaskClient, page: str) -> dict[str, int]:
    """Compressed bytes of the page and of everything it loads, by path."""
    html = fetch(client, page)
    weights = {page: len(gzip.compress(html))}
    waiting = HREFS.findall(html.decode())
    while waiting:
        path = waiting.pop()
        if path not in weights:
            body = fetch(client, path)
            weights[path] = len(gzip.compress(body))
            waiting += [resolve(path, name, html.decode()) for name in imports(path, body)]
    return weights


def fetch(client: FlaskClient, path: str) -> bytes:
    with client.get(path) as response:
        assert response.status_code == 200, path
        return response.get_data()


def imports(path: str, body: bytes) -> list[str]:
    return IMPORTS.findall(body.decode()) if path.endswith(".js") else []


def resolve(path: str, name: str, html: str) -> str:
    """The page's import map has one entry; else relative to the importing module."""
    if name.startswith("pushlab/"):
        (folder,) = IMPORT_MAP.findall(html)
        return f"{folder}{name.removeprefix('pushlab/')}"
    folder = path.rsplit("/", 1)[0]
    while name.startswith("../"):
        folder, name = folder.rsplit("/", 1)[0], name[3:]
    return f"{folder}/{name.removeprefix('./')}"


def test_first_page_is_light(stranger: Browser) -> None:
    weights = weigh(stranger.client, "/")
    assert len(weights) > 5
    assert sum(weights.values()) < LIMIT, weights


def test_signed_in_page_is_light(browser: Browser) -> None:
    weights = weigh(browser.client, "/")
    assert any("/js/push/" in path for path in weights)
    assert sum(weights.values()) < LIMIT, weights


# W-11
@pytest.mark.parametrize("slug", [step.slug for step in STEPS])
def test_page_of_a_step_is_light(browser: Browser, slug: str) -> None:
    weights = weigh(browser.client, f"/codelab/{slug}")
    assert any("/js/codelab/run.js" in path for path in weights)
    assert not any("send_form" in path for path in weights)  # the inbox's page alone has it
    assert sum(weights.values()) < CODELAB_LIMIT, weights

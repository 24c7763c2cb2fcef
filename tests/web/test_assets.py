"""Files under the address of their version: a page and its worker are of one version each."""

import re
import shutil
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.config import Settings, load
from app.web.assets import PARTS, ROOT, version_of
from tests.web.conftest import Browser
from tests.web.test_weight import weigh

PAGES = ("/", "/offline", "/codelab", "/codelab/keys", "/account", "/devices", "/api/docs")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What the version is made of, to be changed."""
    for part in PARTS:
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    return tmp_path


@pytest.mark.parametrize("name", ["static/css/base.css", "templates/home.html", PARTS[2]])
def test_any_change_is_another_version(copy: Path, name: str) -> None:
    assert version_of(copy) == version_of(ROOT)
    (copy / name).write_bytes((copy / name).read_bytes() + b" ")
    assert version_of(copy) != version_of(ROOT)


def test_moved_file_is_another_version(copy: Path) -> None:
    (copy / "static/css/base.css").rename(copy / "static/css/other.css")
    assert version_of(copy) != version_of(ROOT)


def test_page_and_worker_name_files_of_one_version(app: Flask, browser: Browser) -> None:
    version = app.config["ASSETS_VERSION"]
    for path in (
        "/",
        "/offline",
        "/codelab",
        "/account",
        "/devices",
        "/service-worker.js",
        "/api/docs",
    ):
        text = browser.client.get(path).get_data(as_text=True)
        named = re.findall(r"/static/(v-\w+/)?", text)
        assert named, path
        assert set(named) == {f"v-{version}/"}, path


def test_file_of_another_version_is_not_there(app: Flask, browser: Browser) -> None:
    here = f"/static/v-{app.config['ASSETS_VERSION']}/css/base.css"
    other = "/static/v-000000000000/css/base.css"
    for path, status in ((here, 200), (other, 404), ("/static/css/base.css", 200)):
        with browser.client.get(path) as response:
            assert response.status_code == status, path


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"lab": True}, "no-cache"),
        ({"lab": True, "cache_assets": True}, "public, max-age=31536000, immutable"),
        ({}, "public, max-age=31536000, immutable"),
        ({"cache_assets": False}, "no-cache"),
    ],
)
def test_browser_keeps_files_but_where_they_are_edited(
    settings: Settings, given: dict[str, bool], kept: str
) -> None:
    made = create_app(load({}, instance_dir=settings.instance_dir, **given))
    here = f"/static/v-{made.config['ASSETS_VERSION']}/css/base.css"
    with made.test_client().get(here) as response:
        assert response.headers["Cache-Control"] == kept


def test_shell_is_what_the_offline_page_loads(browser: Browser) -> None:
    """A module that is missing in the worker's list would be missing without a connection."""
    shell = (ROOT / "static/js/worker/shell.js").read_text()
    kept = set(re.findall(r'^  "([\w./-]+)",$', shell, re.MULTILINE))
    loaded = {path.split("/", 3)[3] for path in weigh(browser.client, "/offline") if "/v-" in path}
    assert {path for path in loaded if path.startswith(("css/", "js/"))} <= kept


# W-13
def test_icon_is_asked_for_without_a_session(app: Flask) -> None:
    with app.test_client().get("/favicon.ico") as answer:
        assert answer.status_code == 200
        assert answer.mimetype == "image/png"
        assert "Set-Cookie" not in answer.headers

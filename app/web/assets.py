"""Styles, scripts and icons under an address that carries their version: a page, a worker and their
caches are each of one version, whatever is deployed while they live. Another version is a 404."""

import hashlib
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, current_app, send_from_directory

from app.config import Settings

ROOT = Path(__file__).resolve().parents[2]
#: What a browser gets of us: a change in any of it is another version.
PARTS = ("static", "templates", "service-worker.js")
YEAR = 31_536_000

pages = Blueprint("assets", __name__)


def register(app: Flask, settings: Settings) -> None:
    """`asset("css/base.css")` in templates is the address of that file in this version."""
    version = version_of(ROOT)
    app.config["ASSETS_VERSION"] = version
    # In the lab files are edited while it runs, and a learner wants to see it.
    cached = not settings.lab if settings.cache_assets is None else settings.cache_assets
    app.config["ASSETS_CACHE"] = f"public, max-age={YEAR}, immutable" if cached else "no-cache"
    app.jinja_env.globals["asset"] = lambda path: f"{folder_of(version)}{path}"
    app.register_blueprint(pages)


def folder_of(version: str) -> str:
    return f"/static/v-{version}/"


def version_of(root: Path) -> str:
    """Derived from the names and the content of all files."""
    digest = hashlib.sha256()
    for part in PARTS:
        files = sorted(path for path in [root / part, *(root / part).rglob("*")] if path.is_file())
        for path in files:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(root)} {content}\n".encode())
    return digest.hexdigest()[:12]


@pages.get("/static/v-<version>/<path:filename>")
def asset(version: str, filename: str) -> Response:
    if version != current_app.config["ASSETS_VERSION"]:
        abort(404)
    response = send_from_directory(ROOT / "static", filename)
    response.headers["Cache-Control"] = current_app.config["ASSETS_CACHE"]
    return response

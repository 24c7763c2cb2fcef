"""The files that make the site an installable app. Both live at the root: a worker's scope is the
folder it is served from."""

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

ROOT = Path(__file__).resolve().parents[2]

pages = Blueprint("pwa", __name__)


@pages.get("/manifest.json")
def manifest() -> Response:
    return send_from_directory(ROOT, "manifest.json", mimetype="application/manifest+json")


@pages.get("/service-worker.js")
def service_worker() -> Response:
    """Never from a cache: a browser that keeps an old worker keeps its faults too."""
    response = send_from_directory(ROOT, "service-worker.js", mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response

"""The files that make the site an installable app. They live at the root: a worker's scope is the
folder it is served from."""

from pathlib import Path

from flask import Blueprint, Response, current_app, send_from_directory

from app.web.assets import folder_of

ROOT = Path(__file__).resolve().parents[2]
DAY = 86_400

pages = Blueprint("pwa", __name__)


@pages.get("/manifest.json")
def manifest() -> Response:
    return send_from_directory(ROOT, "manifest.json", mimetype="application/manifest+json")


@pages.get("/favicon.ico")
def favicon() -> Response:
    """Asked for by browsers beside every file that is no page. Not found would be a page of its own
    with a session of its own, which may arrive after somebody has signed in, and sign them out."""
    return send_from_directory(ROOT / "static" / "icons", "icon-192.png", max_age=DAY)


@pages.get("/service-worker.js")
def service_worker() -> Response:
    """With the modules of this version, so that a change in any file makes another worker. Never
    from a cache: a browser that keeps an old worker keeps its faults too."""
    folder = folder_of(current_app.config["ASSETS_VERSION"])
    source = (ROOT / "service-worker.js").read_text().replace("./static/", f".{folder}")
    response = Response(source, mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    return response

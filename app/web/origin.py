"""Who may call the JSON API from a browser: pages of our own origin only. JSON, SameSite cookies
and this check stand where a form has its CSRF token, which a service worker could not have."""

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from app.errors import ForeignOrigin

SAFE = ("GET", "HEAD", "OPTIONS")
#: `none` is the address bar; requests without the header come from programs, not from browsers.
OWN_SITES = (None, "same-origin", "none")
#: Blueprints of what people open.
PAGES = ("pages", "auth")


def register(app: Flask, public_url: str) -> None:
    """Refuse what another site's page sends, and any WebSocket handshake it starts."""

    @app.before_request
    def refuse_foreign_origins() -> None:
        guarded = request.path.startswith("/api/") and request.method not in SAFE
        if guarded or request.path == "/pns":
            check(public_url)

    @app.before_request
    def leave_localhost() -> Response | None:
        """People type `localhost`. That is another origin: the page would come, and all that it
        asks for be refused. Other names stay: a proxy may have put its own into Host."""
        if request.method != "GET" or request.blueprint not in PAGES:
            return None
        own_host = public_url.partition("://")[2]
        typed = request.host.lower()
        if typed == own_host or typed.replace("localhost", "127.0.0.1") != own_host:
            return None
        return redirect(public_url + request.full_path.rstrip("?"))


def check(public_url: str) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() != public_url:
        raise ForeignOrigin(f"Open the app at {public_url}; this request came from {origin[:200]}.")
    if request.headers.get("Sec-Fetch-Site") not in OWN_SITES:
        raise ForeignOrigin(f"Open the app at {public_url}.")

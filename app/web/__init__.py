"""Everything that speaks HTTP: pages, JSON API, PWA files. `wiring` calls one of the two below."""

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect

from app.config import Settings
from app.pns import endpoint
from app.web import (
    api,
    assets,
    auth,
    bonnet,
    caller,
    codelab,
    ops,
    origin,
    pages,
    paths,
    problems,
    pwa,
    rate_counters,
    security,
    visitor,
)


def register_private(app: Flask, settings: Settings) -> None:
    """For a process without pages: who asks, how problems are told, health."""
    paths.register(app)
    problems.register(app)
    origin.register(app, settings.public_url)
    security.register(app, settings)
    visitor.register(app)
    app.register_blueprint(ops.pages)


def register(app: Flask, settings: Settings) -> None:
    """Everything: what a process without pages has, and the pages."""
    register_private(app, settings)
    # Before the CSRF check, so that guesses without a token count too.
    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri=rate_counters.URI,
        enabled=not settings.lab,
        on_breach=problems.on_limit,
    )
    # A node's gate bounds them, and a storm of them has no time to look for limits.
    limiter.request_filter(lambda: request.path == endpoint.PATH)
    csrf = CSRFProtect(app)
    app.register_blueprint(auth.register(limiter))
    assets.register(app, settings)
    for part in (pages, codelab, bonnet, pwa):
        app.register_blueprint(part.pages)
    app.context_processor(pages.page_context)
    caller.limit_programs(limiter, api.notifications.api, settings.token_requests)
    api.register(app, limiter, lab_mode=settings.lab)
    # The JSON API is guarded by `origin`: a service worker has no CSRF token.
    for name, blueprint in app.blueprints.items():
        if name.startswith("api_"):
            csrf.exempt(blueprint)

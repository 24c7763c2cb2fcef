"""Everything that speaks HTTP: pages, JSON API, PWA files. `wiring` calls one of the two below."""

from flask import Flask
from flask_wtf import CSRFProtect

from app.config import Settings
from app.web import (
    api,
    assets,
    auth,
    bonnet,
    budgets,
    codelab,
    ops,
    origin,
    pages,
    paths,
    problems,
    pwa,
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
    budgets.register(app, settings)
    auth.limit(app)
    csrf = CSRFProtect(app)
    assets.register(app, settings)
    for part in (auth, pages, codelab, bonnet, pwa):
        app.register_blueprint(part.pages)
    app.context_processor(pages.page_context)
    api.register(app, lab_mode=settings.lab)
    # The JSON API is guarded by `origin`: a service worker has no CSRF token.
    for name, blueprint in app.blueprints.items():
        if name.startswith("api_"):
            csrf.exempt(blueprint)

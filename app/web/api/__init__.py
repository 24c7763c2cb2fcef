"""The JSON API, one file per noun."""

from flask import Flask
from flask_limiter import Limiter

from app.web.api import (
    account,
    bonnet,
    codelab,
    devices,
    docs,
    journal,
    lab,
    notifications,
    openapi,
    ops,
    scheduled,
    session,
    subscriptions,
)


def register(app: Flask, limiter: Limiter, *, lab_mode: bool) -> None:
    app.register_blueprint(account.register(limiter), url_prefix="/api")
    app.register_blueprint(journal.register(app), url_prefix="/api")
    for part in (
        session,
        subscriptions,
        devices,
        notifications,
        scheduled,
        codelab,
        ops,
        openapi,
        docs,
    ):
        app.register_blueprint(part.api, url_prefix="/api")
    if lab_mode:
        for part in (lab, bonnet):
            app.register_blueprint(part.api, url_prefix="/api")

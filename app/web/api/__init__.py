"""The JSON API, one file per noun."""

from flask import Flask

from app.web.api import (
    devices,
    docs,
    journal,
    lab,
    notifications,
    openapi,
    scheduled,
    session,
    subscriptions,
)


def register(app: Flask, *, lab_mode: bool) -> None:
    for part in (
        session,
        subscriptions,
        devices,
        notifications,
        scheduled,
        journal,
        openapi,
        docs,
    ):
        app.register_blueprint(part.api, url_prefix="/api")
    if lab_mode:
        app.register_blueprint(lab.api, url_prefix="/api")

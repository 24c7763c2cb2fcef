"""The JSON API, one file per noun."""

from flask import Flask

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


def register(app: Flask, *, lab_mode: bool) -> None:
    for part in (
        account,
        journal,
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

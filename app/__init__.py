"""The App Server: accounts, devices, subscriptions, notifications, PNS nodes, Web Push."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.config import Settings


def create_app(settings: Settings) -> Flask:
    """The WSGI application for `settings`, wired but not started. Nothing is imported before it is
    called, so that a command can patch the process for gevent first."""
    from app.wiring import wire

    return wire(settings)

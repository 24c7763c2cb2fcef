"""What may stand in a part of an address: no control characters. No id has any, PostgreSQL refuses
NUL, and so every such address is one that is not there."""

from flask import Flask
from werkzeug.routing import BaseConverter


class Visible(BaseConverter):
    """What `<name>` in a route takes."""

    regex = r"[^/\x00-\x1f\x7f]+"
    part_isolating = True  # it ends at a slash, like the one that it replaces


def register(app: Flask) -> None:
    """Before any route is added."""
    app.url_map.converters["default"] = Visible

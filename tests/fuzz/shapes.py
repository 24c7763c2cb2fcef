"""Every request body of the API, found by itself: a new route's body is fuzzed without a word."""

import app.web.api  # noqa: F401  (registers the shapes)
from app.web.api.body import Body


def _all(shape: type[Body]) -> list[type[Body]]:
    return [found for sub in shape.__subclasses__() for found in (sub, *_all(sub))]


#: By name: those that stand for a whole body.
BODIES = {shape.__name__: shape for shape in _all(Body) if shape.__name__.endswith("Body")}

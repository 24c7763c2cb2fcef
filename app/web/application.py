"""The Flask application that `wiring` makes."""

from flask import Flask, Response, request

from app.net import upgrade


class Application(Flask):
    """Flask, which does nothing more to an answer when a WebSocket's handshake was the request: its
    101 has been sent long since, and a session or headers added now would reach nobody."""

    def process_response(self, response: Response) -> Response:
        if upgrade.is_answered(request.environ):
            return response
        return super().process_response(response)

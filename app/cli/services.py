"""The database for commands that run beside the app, with its tables up to date."""

from app import config, create_app, wiring
from app.web.services import Services


def open_services() -> Services:
    """The parts of a process by the settings of the environment; none of them is running."""
    app = create_app(config.load())
    wiring.migrate(app)
    services: Services = app.extensions["pushlab"]
    return services

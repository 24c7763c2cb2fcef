"""Structured logs on stderr: one event, its fields, never a secret. Every layer above may log."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

#: Fields that are never written, whoever passes them.
SECRET = {"private_key", "secret_key", "session_id", "authorization", "cookie", "token", "password"}


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank the fields that must not be in a log, whoever passes them."""
    return {name: "…" if name.lower() in SECRET else value for name, value in event.items()}


def configure(log_format: Literal["text", "json"]) -> None:
    """Set up logging for this process; the commands call it once."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            hide_secrets,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of one part of the app."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return logger

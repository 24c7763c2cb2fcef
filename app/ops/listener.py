"""A private port for `/metrics`: for processes without a port of their own (a sender), and for
scrapers without a token. It answers everybody who reaches it, so it belongs into the operator's
network. Made, started and stopped by wiring."""

from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_wsgi_server

from app.config import ConfigError


class MetricsListener:
    """Listens at `where` (HOST:PORT) from `start` to `stop`; an empty `where` listens nowhere."""

    def __init__(self, where: str, registry: CollectorRegistry) -> None:
        self._where = where
        self._registry = registry
        self._server: WSGIServer | None = None

    @property
    def port(self) -> int | None:
        return self._server.server_port if self._server else None

    def start(self) -> None:
        """Raises ConfigError when the port cannot be had."""
        if not self._where:
            return
        host, _, port = self._where.rpartition(":")
        try:
            self._server, self._thread = start_wsgi_server(
                int(port), host.strip("[]"), self._registry
            )
        except (OSError, OverflowError) as error:
            raise ConfigError(f"PUSHLAB_METRICS_LISTEN={self._where}: {error}") from None

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            self._thread.join()

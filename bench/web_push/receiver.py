"""The receiving end: nginx, which answers 201 over kept-alive TLS and costs next to nothing, so
that it is the senders that are measured."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from push_service.certificates import ensure_certificates

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  keepalive_timeout 3600s;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / {{
      add_header Location https://localhost/message/1;
      add_header TTL 60;
      return 201;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Receiver:
    """`ca` is the PEM file of the authority that vouches for it."""

    url: str
    ca: Path
    pid: int

    def cpu_seconds(self) -> float:
        """User and system time so far, of its worker too."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(_cpu_seconds(pid) for pid in [str(self.pid), *children])


def _cpu_seconds(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def receiver(folder: Path) -> Iterator[Receiver]:
    """Running; ended with the block."""
    certificates = ensure_certificates(folder)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    configuration = folder / "nginx.conf"
    paths = {"certificate": certificates.certificate, "key": certificates.key}
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, **paths))
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise RuntimeError("nginx is not installed: make setup")
    command = [program, "-c", str(configuration), "-e", str(folder / "error.log")]
    with subprocess.Popen(command) as process:
        try:
            _wait_until_listening(port, process)
            yield Receiver(f"https://localhost:{port}", certificates.ca, process.pid)
        finally:
            process.terminate()


def _wait_until_listening(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            continue
        return
    raise RuntimeError("nginx ended; its reason is above")

"""The push service's TLS identity: made once, for this machine and Google's push hosts only,
readable by nobody else."""

import base64
import hashlib
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest
from cryptography import x509

from push_service.certificates import Certificates, ensure_certificates


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return ensure_certificates(tmp_path_factory.mktemp("data") / "push-service")


def handshake(
    certificates: Certificates, trust: ssl.SSLContext, hostname: str
) -> dict[str, object]:
    """What a client that trusts `trust` sees of our server's certificate."""
    ours, theirs = socket.socketpair()
    server = threading.Thread(target=serve, args=(certificates, ours))
    server.start()
    try:
        with trust.wrap_socket(theirs, server_hostname=hostname) as client:
            return dict(client.getpeercert() or {})
    finally:
        theirs.close()
        server.join()


def serve(certificates: Certificates, connection: socket.socket) -> None:
    try:
        with certificates.build_context().wrap_socket(connection, server_side=True) as server:
            server.recv(1)
    except OSError:  # the client did not like what it saw
        connection.close()


#
@pytest.mark.parametrize("hostname", ["localhost", "127.0.0.1", "::1"])
def test_certificate_is_trusted_through_its_authority(
    certificates: Certificates, hostname: str
) -> None:
    trust = ssl.create_default_context(cafile=str(certificates.ca))
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    assert handshake(certificates, trust, hostname)["subject"]


#
def test_certificate_vouches_for_no_other_name(certificates: Certificates) -> None:
    trust = ssl.create_default_context(cafile=str(certificates.ca))
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(certificates, trust, "example.com")


#
def test_certificate_is_a_strangers_without_its_authority(certificates: Certificates) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificates, ssl.create_default_context(), "localhost")


# W-9
def test_certificates_are_made_once(certificates: Certificates) -> None:
    again = ensure_certificates(certificates.directory.parent)
    assert again == certificates
    assert again.spki == certificates.spki


# W-9
def test_certificates_of_a_faster_process_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faster = ensure_certificates(tmp_path).spki
    # What a process sees that looked before the other had finished.
    monkeypatch.setattr(Path, "exists", lambda path: False)
    with pytest.raises(OSError, match="not empty"):
        ensure_certificates(tmp_path)
    monkeypatch.undo()
    assert ensure_certificates(tmp_path).spki == faster


# W-9
def test_private_files_are_for_the_owner_alone(certificates: Certificates) -> None:
    assert certificates.key.stat().st_mode & 0o777 == 0o600
    assert certificates.directory.stat().st_mode & 0o777 == 0o700


# W-9
def test_authority_key_is_not_kept(certificates: Certificates) -> None:
    names = {path.name for path in certificates.directory.iterdir()}
    assert names == {"ca.pem", "certificate.pem", "key.pem"}


#
def test_spki_is_the_hash_of_the_leaf_key(certificates: Certificates) -> None:
    key = subprocess.run(
        ["openssl", "x509", "-in", certificates.certificate, "-noout", "-pubkey"],
        capture_output=True,
        check=True,
    ).stdout
    der = base64.b64decode(b"".join(key.splitlines()[1:-1]))
    assert certificates.spki == base64.b64encode(hashlib.sha256(der).digest()).decode()


#
def test_certificate_key_is_p256(certificates: Certificates) -> None:
    certificate = x509.load_pem_x509_certificate(certificates.certificate.read_bytes())
    assert certificate.public_key().curve.name == "secp256r1"  # type: ignore[union-attr]

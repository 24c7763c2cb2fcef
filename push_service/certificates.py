"""The push service's own TLS identity. Used by push_service.cli.

Chromium speaks MCS over TLS only, and some senders know nothing but https. So the push service
makes a local certificate authority and, signed by it, one certificate for this machine's loopback
names and for the hosts that Chromium's endpoints name (see tunnel). A browser is told the hash of
the certificate's key (`spki`), other clients are given the authority (`ca`). The authority's
private key is thrown away once it has signed: nobody can ever use it to vouch for anything else.
"""

import ssl
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from push_service.model import GOOGLE_HOSTS

LIFETIME = timedelta(days=3650)
NAMES = (
    x509.DNSName("localhost"),
    *map(x509.DNSName, GOOGLE_HOSTS),
    x509.IPAddress(ip_address("127.0.0.1")),
    x509.IPAddress(ip_address("::1")),
)


@dataclass(frozen=True)
class Certificates:
    """Where the PEM files are."""

    directory: Path

    @property
    def ca(self) -> Path:
        """The authority's certificate, for a client's trust store."""
        return self.directory / "ca.pem"

    @property
    def certificate(self) -> Path:
        return self.directory / "certificate.pem"

    @property
    def key(self) -> Path:
        """The private key of the certificate; mode 0600."""
        return self.directory / "key.pem"

    @property
    def spki(self) -> str:
        """Base64 of the SHA-256 of the certificate's public key.

        As --ignore-certificate-errors-spki-list of Chromium wants it.
        """
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        public_key = certificate.public_key()
        spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b64encode(sha256(spki).digest()).decode()

    def build_context(self) -> ssl.SSLContext:
        """What a server needs to answer as this certificate's subject."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def ensure_certificates(data: Path) -> Certificates:
    """The certificates in the push service's data directory, made when there are none."""
    certificates = Certificates(data / "tls")
    if not certificates.directory.exists():
        _publish(certificates.directory)
    return certificates


def _publish(directory: Path) -> None:
    """Make all files first, then let them appear at once under their name."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".tls-") as temporary:
        new = Path(temporary) / "tls"
        new.mkdir(mode=0o700)
        for name, content in _make_files():
            (new / name).touch(mode=0o600)
            (new / name).write_bytes(content)
        try:
            new.rename(directory)
        except OSError:
            # Another process may have been faster: then its files are as good.
            if not directory.exists():
                raise


def _make_files() -> Iterator[tuple[str, bytes]]:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _make_authority(authority_key)
    yield "ca.pem", authority.public_bytes(Encoding.PEM)
    certificate = _make_certificate(key.public_key(), authority, authority_key)
    yield "certificate.pem", certificate.public_bytes(Encoding.PEM)
    yield "key.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _make_authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("pushlab local authority")
    return (
        _build(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def _make_certificate(
    public_key: ec.EllipticCurvePublicKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _build(_name("localhost"), authority.subject, public_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(NAMES), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, SHA256())
    )


def _build(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    # A day back: the clock of a container may lag behind that of its host.
    start = datetime.now(UTC) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )

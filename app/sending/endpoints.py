"""Which endpoints we accept and where a message for one really goes. An endpoint is user input that
makes our server send a request, so it is judged by its parsed parts, never by a look-alike prefix.
Called by web, before a subscription is stored, and by webpush for every message."""

import ipaddress
import re
from dataclasses import dataclass

from app.config import Settings
from app.errors import InvalidInput
from app.subscriptions import origin_of

#: Real endpoints have some 150 to 700 characters; the database itself sets no limit.
MAX_LENGTH = 4096

#: Chrome, Edge on Android and others; `jmt17` is what Debian's Chromium publishes.
VENDOR_HOSTS = frozenset({"fcm.googleapis.com", "jmt17.google.com"})
#: Mozilla, Windows (WNS), Apple.
VENDOR_DOMAINS = (".push.services.mozilla.com", ".notify.windows.com", ".push.apple.com")

#: What our own push service takes messages at: `/push/<token>` and the vendors' paths.
_OUR_PATH = re.compile(
    r"/(?:push|fcm/send|wp|preprod/wp|wpush/v2)/[a-z0-9._~:-]+", re.IGNORECASE | re.ASCII
)
#: RFC 1123 section 2.1: letters, digits and inner hyphens, never empty.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
#: Narrower than RFC 3986 on purpose: no user information, no fragment, no backslash, ASCII only,
#: so that there is nothing that two parsers could read differently.
_SHAPE = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{{1,5}}))?"
    r"(?P<path>/[a-z0-9._~:/?@!$&'()*+,;=%-]+)",
    re.IGNORECASE | re.ASCII,
)
#: Clients resolve these, so the path that is sent would not be the path that was checked.
_DOT_SEGMENT = re.compile(r"/(\.|%2e){1,2}([/?]|$)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Target:
    """Where the request goes. Behind a trusted one may be a private address: it is ours."""

    url: str
    trusted: bool


def check_endpoint(endpoint: str, settings: Settings) -> None:
    """Raises InvalidInput naming the field `endpoint` and what is wrong with it."""
    reason = why_refused(endpoint, settings)
    if reason:
        raise InvalidInput.field("endpoint", reason)


def why_refused(endpoint: str, settings: Settings) -> str | None:
    """A sentence for whoever sent the endpoint; None when we would send to it."""
    if len(endpoint) > MAX_LENGTH:
        return f"Must not be longer than {MAX_LENGTH} characters."
    parts = _SHAPE.fullmatch(endpoint)
    if parts is None or _DOT_SEGMENT.search(parts["path"]):
        return "Must be the absolute URL that the browser's subscription has as its endpoint."
    if _is_at_ours(endpoint, settings):
        return None if _OUR_PATH.fullmatch(parts["path"]) else "Must be a path for push messages."
    return _why_no_vendor(parts)


def _why_no_vendor(parts: re.Match[str]) -> str | None:
    host = parts["host"].lower()
    if parts["scheme"].lower() != "https":
        return "Must begin with https://."
    if parts["port"] not in (None, _DEFAULT_PORTS["https"]):
        return "Must use the default port of https."
    if host not in VENDOR_HOSTS and not host.endswith(VENDOR_DOMAINS):
        return f"{host} is not a push service that we send to."
    return None


def target_of(endpoint: str, settings: Settings) -> Target:
    """The URL to send to: another one than the endpoint when PUSHLAB_PUSH_ROUTES says so."""
    for prefix, url in settings.push_routes:
        if endpoint.startswith(prefix):
            return Target(url + endpoint.removeprefix(prefix), trusted=True)
    return Target(endpoint, trusted=_is_at_ours(endpoint, settings))


def _is_at_ours(endpoint: str, settings: Settings) -> bool:
    ours = settings.push_service_url
    if settings.push_service != "local" or ours is None:
        return False
    return origin_of(endpoint) == origin_of(ours)


def is_public(address: str) -> bool:
    """True when the IP address belongs to the public internet, also behind IPv4-in-IPv6 forms."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = _embedded(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a mapped, 6to4, Teredo or NAT64 address leads to."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)

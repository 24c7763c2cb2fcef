"""Which endpoints we send to. Endpoints are user input: this is the guard against SSRF."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

import pytest
import yarl
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from app.config import Settings, load
from app.errors import InvalidInput
from app.sending.endpoints import (
    VENDOR_DOMAINS,
    VENDOR_HOSTS,
    check_endpoint,
    is_public,
    target_of,
    why_refused,
)
from app.subscriptions import origin_of

VENDORS = load({})
LOCAL = load(
    {},
    push_service="local",
    push_service_url="http://127.0.0.1:9000",
    push_routes="https://jmt17.google.com/fcm/send/lab_=http://127.0.0.1:9000/fcm/send/lab_",
)

GOOD = [
    "https://fcm.googleapis.com/fcm/send/abc:APA91b-_",
    "https://jmt17.google.com/fcm/send/abc",
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
    "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAC%2bSg%3d%3d",
    "https://web.push.apple.com/QGuQyavXutnMH",
    "https://api.push.apple.com/3/device/x",
    "https://fcm.googleapis.com:443/fcm/send/abc",
    "HTTPS://FCM.GoogleAPIs.com/fcm/send/abc",
]
BAD = [
    "",
    "no url",
    "/fcm/send/abc",
    "//fcm.googleapis.com/fcm/send/abc",
    "http://fcm.googleapis.com/fcm/send/abc",
    "ftp://fcm.googleapis.com/x",
    "javascript:alert(1)",
    "https://fcm.googleapis.com",
    "https://fcm.googleapis.com/",
    "https://fcm.googleapis.com:8443/x",
    "https://fcm.googleapis.com.attacker.example/x",
    "https://attacker.example/fcm.googleapis.com/x",
    "https://attacker.example/a.push.apple.com/x",
    "https://attacker.example?.push.apple.com/x",
    "https://attacker.example#.push.apple.com/x",
    "https://attacker.example\\.push.apple.com/x",
    "https://fcm.googleapis.com@attacker.example/x",
    "https://user:pass@fcm.googleapis.com/x",
    "https://push.apple.com/x",
    "https://.push.apple.com/x",
    "https://a..push.apple.com/x",
    "https://-.push.apple.com/x",
    "https://a-.push.apple.com/x",
    "https://" + "a" * 64 + ".push.apple.com/x",
    "https://notpush.apple.com/x",
    "https://fcm.googleapis.com./x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://2130706433/x",
    "https://0x7f.1/x",
    "https://localhost/x",
    "https://169.254.169.254/latest/meta-data",
    "https://fcm.googleapis.com /x",
    "https://fcm.googleapis.com/x y",
    "https://fcm.googleapis.com/x\r\nHost: attacker.example",
    "https://fcm.googleapis.com\t/x",
    "https://fcm.googleapis.com%2eattacker.example/x",
    "https://\uff46cm.googleapis.com/x",
    "https://fcm.googleapis.com/ä",
    "https://fcm.googleapis.com/x/../y",
    "https://fcm.googleapis.com/%2E%2e/y",
    "https://fcm.googleapis.com/x#fragment",
    "https://fcm.googleapis.com/" + "x" * 10_000,
    "http://127.0.0.1:9000/push/abc",
    "https://updates.push.services.mozilla.com:80/x",
]


# W-8, X-5
@pytest.mark.parametrize("endpoint", GOOD)
def test_vendor_endpoint_is_accepted(endpoint: str) -> None:
    check_endpoint(endpoint, VENDORS)


# W-6
@pytest.mark.parametrize("endpoint", BAD)
def test_other_endpoint_is_refused_by_name(endpoint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_endpoint(endpoint, VENDORS)
    [error] = caught.value.errors
    assert error.field == "endpoint"
    assert error.reason.endswith(".")


# W-6
@pytest.mark.parametrize("path", ["push", "fcm/send", "wp", "preprod/wp", "wpush/v2"])
def test_our_own_push_service_is_accepted_when_configured(path: str) -> None:
    check_endpoint(f"http://127.0.0.1:9000/{path}/lab_abc-_", LOCAL)


# W-6 (SSRF: its lab face and its registration are at the same origin)
@pytest.mark.parametrize(
    "path",
    ["lab/faults", "register", "checkin", "push/", "push", "push/a/b", "push/a?b", "x/push/a"],
)
def test_other_path_of_our_push_service_is_refused(path: str) -> None:
    assert (
        why_refused(f"http://127.0.0.1:9000/{path}", LOCAL) == "Must be a path for push messages."
    )


# W-6
@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:9001/push/lab_abc",
        "https://127.0.0.1:9000/push/lab_abc",
        "http://127.0.0.1/push/lab_abc",
        "http://localhost:9000/push/lab_abc",
        "http://127.0.0.1:9000@attacker.example/push",
        "http://127.0.0.1:90000/push/lab_abc",
        "http://127.0.0.1:9000.attacker.example/push",
        "http://127.0.0.1:9000/push/lab_abc/../../lab/faults/x",
    ],
)
def test_only_the_exact_origin_is_ours(endpoint: str) -> None:
    assert why_refused(endpoint, LOCAL)


hosts = st.one_of(
    st.sampled_from(sorted(VENDOR_HOSTS)),
    st.sampled_from([f"x{domain}" for domain in VENDOR_DOMAINS]),
    st.sampled_from(["attacker.example", "127.0.0.1", "[::1]", "localhost"]),
)
glue = st.text(alphabet="@:/\\?#%.;&=[] \t\r\n\x00abc0", max_size=4)


# W-6
@given(
    st.one_of(
        st.tuples(st.just("https://"), glue, hosts, glue, hosts, glue, st.just("/x")).map("".join),
        st.text(),
        st.text().map(lambda text: f"https://fcm.googleapis.com{text}"),
    )
)
@example("https://fcm.googleapis.com\\@attacker.example/x")
def test_accepted_endpoint_means_the_same_host_to_every_parser(endpoint: str) -> None:
    if why_refused(endpoint, VENDORS):
        return
    seen = {urlsplit(endpoint).hostname, parse_url(endpoint).host, yarl.URL(endpoint).host}
    [host] = seen
    assert host
    assert host in VENDOR_HOSTS or host.endswith(VENDOR_DOMAINS)
    assert urlsplit(endpoint).port in (None, 443)


# W-6
@given(st.text(alphabet="abpush/.%2e?&;~:-_", max_size=20))
@example("push/lab_abc")
def test_accepted_path_of_ours_takes_messages(rest: str) -> None:
    endpoint = f"http://127.0.0.1:9000/{rest}"
    if why_refused(endpoint, LOCAL):
        return
    path, query = urlsplit(endpoint).path, urlsplit(endpoint).query
    assert (path.startswith("/push/"), path.count("/"), query) == (True, 2, "")
    assert path == parse_url(endpoint).path == yarl.URL(endpoint).path


# W-6
@given(st.text(alphabet="a-.", max_size=10))
@example("")
@example("a.")
def test_accepted_vendor_host_has_no_empty_label(prefix: str) -> None:
    if not why_refused(f"https://{prefix}.push.apple.com/x", VENDORS):
        for label in prefix.split("."):
            assert label.strip("-") == label != ""


# W-9 (RFC 8292 section 2)
@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        (GOOD[0], "https://fcm.googleapis.com"),
        ("https://FCM.googleapis.com:443/x", "https://fcm.googleapis.com"),
        ("http://127.0.0.1:9000/push/x", "http://127.0.0.1:9000"),
        ("http://push.example:80/push/x", "http://push.example"),
    ],
)
def test_origin_is_written_as_browsers_do(endpoint: str, origin: str) -> None:
    assert origin_of(endpoint) == origin


# W-8, X-5
def test_route_leads_lab_tokens_to_the_local_service() -> None:
    target = target_of("https://jmt17.google.com/fcm/send/lab_abc", LOCAL)
    assert (target.url, target.trusted) == ("http://127.0.0.1:9000/fcm/send/lab_abc", True)


#
def test_route_leaves_a_real_endpoint_alone() -> None:
    real = "https://jmt17.google.com/fcm/send/real"
    target = target_of(real, LOCAL)
    assert (target.url, target.trusted) == (real, False)


@pytest.mark.parametrize("settings", [VENDORS, LOCAL])
def test_only_ours_is_trusted(settings: Settings) -> None:
    target = target_of("http://127.0.0.1:9000/push/lab_x", settings)
    assert target.trusted is (settings is LOCAL)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
    ],
)
def test_private_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="127.0.0.0/8"))
def test_private_address_stays_private_inside_ipv6(inner: Any) -> None:
    number = int(inner)
    for prefix, shift in (("::ffff:0:0", 0), ("64:ff9b::", 0), ("2002::", 80)):
        outer = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | number << shift)
        assert not is_public(str(outer))

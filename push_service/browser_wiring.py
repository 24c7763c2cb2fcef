"""What a stock browser must be told at its start so that it uses a push service.

Values only. Used by push_service.cli (`--print-browser-flags`) and push_service.testing.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


def browser_flags(ready: Mapping[str, Any]) -> dict[str, Any]:
    """Both browsers', for a push service that has said `ready`; a JSON object."""
    return {
        "chromium": {"args": chromium_flags(ready["http"], ready["mcs"], ready["spki"])},
        "firefox": {"prefs": firefox_preferences(ready["http"])},
    }


def chromium_flags(http: str, mcs: str, spki: str) -> list[str]:
    """Command line switches of Chromium.

    `http` is the push service's origin, `mcs` the host and port of its MCS socket, `spki` the hash
    of that socket's certificate key (the browser then trusts this one key; for anything else the
    web's usual rules stay in force). The switch needs a --user-data-dir beside it.
    """
    return [
        f"--gcm-checkin-url={http}/checkin",
        f"--gcm-registration-url={http}/register",
        f"--gcm-mcs-endpoint=https://{mcs}",
        f"--ignore-certificate-errors-spki-list={spki}",
    ]


def firefox_preferences(http: str) -> dict[str, str | int | bool]:
    """Preferences of Firefox, as in a profile's user.js."""
    return {
        "dom.push.serverURL": f"ws://{urlsplit(http).netloc}/",
        "dom.push.testing.allowInsecureServerURL": True,
        # Automation switches the connection off.
        "dom.push.connection.enabled": True,
        # Without a desktop nobody else would show the notification, and the worker would fail.
        "alerts.useSystemBackend": False,
        # After a lost connection: half a second instead of five, doubling.
        "dom.push.retryBaseInterval": 500,
    }

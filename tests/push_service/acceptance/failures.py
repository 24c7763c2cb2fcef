"""Calls of `subscribe()` that a page gets wrong, and what each browser says of them.

The scripts are given the sender's public key; the site's page defines `attempt`.
"""

from dataclasses import dataclass

# (0, y) for some y: 65 bytes that begin with 4, on no curve.
OFF_THE_CURVE = "BA" + "A" * 84 + "E"

NO_KEY = "() => attempt({ userVisibleOnly: true })"
SHORT_KEY = "() => attempt({ userVisibleOnly: true, applicationServerKey: 'AAAA' })"
EMPTY_KEY = "() => attempt({ userVisibleOnly: true, applicationServerKey: '' })"
STANDARD_BASE64 = "() => attempt({ userVisibleOnly: true, applicationServerKey: '+/+/' })"
NO_POINT = f"() => attempt({{ userVisibleOnly: true, applicationServerKey: '{OFF_THE_CURVE}' }})"
SILENT = "(key) => attempt({ applicationServerKey: key })"
SILENT_ON_PURPOSE = "(key) => attempt({ userVisibleOnly: false, applicationServerKey: key })"
NO_WORKER = """async (key) => {
  const registration = await navigator.serviceWorker.register("/worker.js", { scope: "/none/" });
  try {
    await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    return "subscribed";
  } catch (error) {
    return String(error);
  } finally {
    await registration.unregister();
  }
}"""
WORKER_OF_WRONG_TYPE = """() => navigator.serviceWorker.register("/").catch(String)"""
WORKER_NOT_FOUND = """() => navigator.serviceWorker.register("/nowhere.js").catch(String)"""


@dataclass(frozen=True)
class Failure:
    """`words` are in what the page is told."""

    name: str
    script: str
    words: str


CHROMIUM = [
    Failure("no key", NO_KEY, "AbortError: Registration failed - missing applicationServerKey"),
    Failure("short key", SHORT_KEY, "applicationServerKey is not valid"),
    Failure("empty key", EMPTY_KEY, "applicationServerKey is not valid"),
    Failure("standard base64", STANDARD_BASE64, "InvalidCharacterError"),
    # Chromium does not look; the push service does.
    Failure("off the curve", NO_POINT, "AbortError: Registration failed - push service error"),
    Failure("userVisibleOnly missing", SILENT, "NotAllowedError: Registration failed"),
    Failure("userVisibleOnly false", SILENT_ON_PURPOSE, "NotAllowedError: Registration failed"),
    Failure("no active worker", NO_WORKER, "no active Service Worker"),
    Failure("worker is no script", WORKER_OF_WRONG_TYPE, "SecurityError"),
    Failure("worker not found", WORKER_NOT_FOUND, "bad HTTP response code (404)"),
]

FIREFOX = [
    Failure("no key", NO_KEY, "subscribed"),
    Failure("short key", SHORT_KEY, "InvalidAccessError: Invalid raw ECDSA P-256 public key."),
    Failure("empty key", EMPTY_KEY, "InvalidAccessError"),
    Failure("standard base64", STANDARD_BASE64, "InvalidCharacterError"),
    Failure("off the curve", NO_POINT, "InvalidAccessError: Invalid raw ECDSA P-256 public key."),
    Failure("userVisibleOnly missing", SILENT, "subscribed"),
    Failure("userVisibleOnly false", SILENT_ON_PURPOSE, "subscribed"),
    Failure("worker is no script", WORKER_OF_WRONG_TYPE, "SecurityError"),
    Failure("worker not found", WORKER_NOT_FOUND, "TypeError"),
]

"""The ten steps (W-1 … W-10), each done by a real browser and looked at from the other side: the
evidence of a step is what the actor that *received* something says about it."""

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from e2e.app_journal import DidNotHappenError
from e2e.device import Device, token_of
from e2e.http import Visitor
from push_service.testing.journal import JournalClient

PUBLIC_KEY_LENGTH = 87  # 65 bytes in base64url


@dataclass(frozen=True, slots=True)
class Step:
    """One step: who received, and `happen`, which does it and returns the evidence."""

    number: int
    actor: str
    title: str
    happen: Callable[[], str]


def expect(holds: object, what: str) -> None:
    """Raise DidNotHappenError with the sentence when it does not hold."""
    if not holds:
        raise DidNotHappenError(what)


def short(text: str) -> str:
    """A key or an id, long enough to compare."""
    return f"{text[:8]}…"


class TenSteps:
    """The walk of one device. The browser is launched and has no permission yet; `sender` is
    somebody else, signed in."""

    def __init__(self, device: Device, sender: Visitor) -> None:
        self._device = device
        self._sender = sender
        self._app = device.lab.journal
        self._user = ""
        self._key = ""
        self._endpoint = ""
        self._notification: dict[str, Any] = {}
        self._message_id = ""

    def __iter__(self) -> Iterator[Step]:
        yield Step(1, "app-server", "VAPID keys are made once", self._keys)
        yield Step(2, "client", "the user allows notifications", self._permission)
        yield Step(3, "push-service", "subscribe() with the public key", self._subscribe)
        yield Step(4, "client", "an endpoint comes back", self._endpoint_made)
        yield Step(5, "app-server", "POST /api/subscribe", self._posted)
        yield Step(6, "app-server", "stored for that user", self._stored)
        yield Step(7, "app-server", "something happens", self._event)
        yield Step(8, "push-service", "encrypted, signed, sent", self._sent)
        yield Step(9, "push-service", "checked, and held while offline", self._held)
        yield Step(10, "service-worker", "woken, and shown", self._shown)

    @property
    def _push_service(self) -> JournalClient:
        return self._device.lab.push_service.journal

    @property
    def _token(self) -> str:
        return token_of(self._endpoint)

    def _keys(self) -> str:
        made = self._app.wait_for("vapid.key-made")
        self._key = made["detail"]["public_key"]
        path = self._device.lab.folder / "vapid" / "current.pem"
        mode = stat.S_IMODE(path.stat().st_mode)
        expect(mode == 0o600, f"{path} has mode {mode:o}")
        expect(len(self._key) == PUBLIC_KEY_LENGTH, f"{self._key} is no public key")
        return f"public key {short(self._key)}; private key on disk, mode {mode:o}"

    def _permission(self) -> str:
        device = self._device
        device.hold_the_question()
        self._user = device.enter_as_guest()
        device.wait_until_live()
        device.wait_for_card("default")
        asked = self._app.events("permission.asked", connection_id=device.connection_id)
        expect(not asked, "the page asked before anybody clicked")
        mark = self._app.cursor()
        device.turn_on()
        device.allow()
        device.wait_for_card("subscribed")
        self._endpoint = device.endpoint
        answered = self._app.wait_for("permission.answered", after=mark)
        return f"asked after a click; the page was told “{answered['detail']['permission']}”"

    def _subscribe(self) -> str:
        created = self._push_service.wait_for("subscription.created", token=self._token)
        expect(created.detail["key"] == self._key, "subscribed with another key than step 1's")
        return f"{created.detail['browser']} subscribed with {short(self._key)}"

    def _endpoint_made(self) -> str:
        done = self._app.wait_for("subscribe.done", endpoint=self._endpoint)
        same = self._push_service.events("subscription.created", token=self._token)
        expect(len(same) == 1, "two subscriptions share an endpoint")
        host = done["detail"]["endpoint"].split("/")[2]
        return f"endpoint at {host}, {len(self._token)} characters nobody can guess"

    def _posted(self) -> str:
        stored = self._app.wait_for("subscription.stored", endpoint=self._endpoint)
        ours = self._device.subscription or {}
        sent = ours["keys"]["p256dh"]
        expect(stored["detail"]["p256dh"] == sent, "the key that arrived is another one")
        return f"endpoint and p256dh {short(sent)} arrived"

    def _stored(self) -> str:
        _status, answer = self._device.fetch("GET", "/api/devices")
        with_push = [each for each in answer["devices"] if each["push"]]
        expect(len(with_push) == 1, f"the server lists {len(with_push)} devices with push")
        return f"{self._user} has “{with_push[0]['name']}”, reachable by push"

    def _event(self) -> str:
        self._device.user_agent = self._device.browser.wait_until_linked(self._endpoint)
        self._device.close()
        title = f"Hello, {self._user}"
        created = self._sender.notify(title, to=self._user, body="From somebody else")
        event = self._app.wait_for(
            "notification.created", notification_id=created["notification_id"]
        )
        self._notification = {"title": title, **created}
        return f"another user wrote; {lower(event['summary'])}"

    def _sent(self) -> str:
        accepted = self._push_service.wait_for("message.accepted", token=self._token)
        self._message_id = str(accepted.message_id)
        detail = accepted.detail
        clear = self._notification["title"]
        expect(clear not in detail["ciphertext"], "the text can be read on the way")
        return f"{detail['bytes']} bytes of {detail['encoding']} arrived, TTL {detail['ttl']} s"

    def _held(self) -> str:
        journal, message = self._push_service, self._message_id
        accepted = journal.wait_for("message.accepted", message_id=message)
        expect(accepted.detail["vapid"], "nobody checked the signature")
        held = journal.wait_for("message.held", message_id=message)
        early = journal.events("message.delivered", message_id=message)
        expect(not early, "handed over to a browser that is closed")
        self._device.launch()
        delivered = journal.wait_for("message.delivered", message_id=message, timeout=30)
        return f"signature good; held {delivered.at - held.at:.1f} s until the browser was back"

    def _shown(self) -> str:
        wanted = self._notification["notification_id"]
        self._app.wait_for("push.received", notification_id=wanted)
        self._app.wait_for("notification.shown", notification_id=wanted, actor="service-worker")
        on_screen = self._device.system_notifications()
        expect(
            any(each["tag"] == wanted for each in on_screen),
            f"the worker says shown, getNotifications() says {on_screen}",
        )
        return f"“{self._notification['title']}” on the screen, no page was open"


def lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")

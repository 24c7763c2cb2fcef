"""The ten steps (W-1 … W-10): name, place, who acts, and the lines that do it. What is said about
each is in `templates/steps/`, what proves it in `static/js/codelab/steps/checks.js`."""

from dataclasses import dataclass
from functools import cache
from typing import Literal

from app.codelab.questions import QUESTIONS, Question
from app.codelab.source import Excerpt, Pointer, find

Actor = Literal["client", "app-server", "push-service", "service-worker"]
CLIENT: Actor = "client"
APP: Actor = "app-server"
PUSH: Actor = "push-service"
WORKER: Actor = "service-worker"


@dataclass(frozen=True, slots=True)
class Step:
    """`name` is short, for the rail; `actors` in the order in which they act."""

    number: int
    slug: str
    name: str
    title: str
    lead: str
    actors: tuple[Actor, ...]
    pointers: tuple[Pointer, ...]

    @property
    def question(self) -> Question:
        return QUESTIONS[self.slug]


STEPS = (
    Step(
        1,
        "keys",
        "Keys",
        "A pair of keys, made once",
        "The App Server proves who it is with a private key that it never shows to anybody.",
        (APP, CLIENT),
        (
            Pointer("app/sending/vapid.py", "load", "Makes the pair at the first start."),
            Pointer("app/web/api/session.py", "vapid_public_key", "Gives the public half away."),
        ),
    ),
    Step(
        2,
        "permission",
        "Permission",
        "May this site notify you?",
        "Nothing goes on without your yes, and a page has few chances to ask for it.",
        (CLIENT,),
        (
            Pointer(
                "static/js/push/subscription.js",
                "Subscription.#askPermission",
                "Asks, after a click and never before.",
            ),
        ),
    ),
    Step(
        3,
        "subscribe",
        "Subscribe",
        "subscribe(), with the public key",
        "One call of the page, and the browser turns to its maker’s Push Service.",
        (CLIENT, PUSH),
        (
            Pointer(
                "static/js/shared/push_manager.js",
                "subscribe",
                "Subscribes, and replaces a subscription that another key made.",
            ),
        ),
    ),
    Step(
        4,
        "endpoint",
        "Endpoint",
        "An address that nobody can guess",
        "The Push Service checks the key and makes up a web address for this one browser.",
        (PUSH, CLIENT),
        (
            Pointer("push_service/wire/vapid.py", "public_key", "Refuses what is no key."),
            Pointer("push_service/hub.py", "Hub.subscribe", "Makes the address."),
        ),
    ),
    Step(
        5,
        "hand-over",
        "Hand over",
        "The address must reach the App Server",
        "The weakest moment of all: browser and Push Service are ready, and the App Server knows "
        "nothing.",
        (CLIENT, APP),
        (
            Pointer(
                "static/js/shared/handover.js", "handOver", "Tries once, and says what to do next."
            ),
            Pointer(
                "static/js/push/subscription.js",
                "Subscription.#handOver",
                "Tries again until the server has it.",
            ),
        ),
    ),
    Step(
        6,
        "store",
        "Store",
        "A row for this device",
        "The App Server writes the subscription down, beside those of your other devices.",
        (APP,),
        (
            Pointer("app/subscriptions.py", "store", "The same endpoint twice is one row."),
            Pointer("app/subscriptions.py", "_replace_older", "A device has one subscription."),
        ),
    ),
    Step(
        7,
        "event",
        "Event",
        "Something happens",
        "Somebody writes, a program calls, a reminder is due: from here on your browser is not "
        "needed.",
        (APP,),
        (
            Pointer(
                "app/notifications/transaction.py",
                "create_all",
                "Notification and what is to be sent, in one transaction.",
            ),
        ),
    ),
    Step(
        8,
        "send",
        "Send",
        "Encrypted, signed, sent",
        "The App Server closes the letter for your browser alone, signs the envelope and posts it.",
        (APP, PUSH),
        (
            Pointer(
                "app/sending/webpush.py",
                "WebPush._post",
                "Encrypts with the browser’s keys, and posts.",
            ),
            Pointer(
                "app/sending/vapid.py", "VapidKeys._sign", "Signs: for whom, until when, by whom."
            ),
            Pointer(
                "app/sending/webpush.py", "WebPush._headers", "What can be read on the envelope."
            ),
        ),
    ),
    Step(
        9,
        "hold",
        "Hold",
        "Checked at the door, kept until you are there",
        "The Push Service lets nobody in but the key’s owner, and waits for your browser.",
        (PUSH,),
        (
            Pointer(
                "push_service/wire/vapid.py",
                "Verifier.verify",
                "Who signed, for us, and still valid?",
            ),
            Pointer("push_service/hub.py", "Hub._offer", "Hands it over, or holds it."),
        ),
    ),
    Step(
        10,
        "show",
        "Show",
        "Woken up, with no page open",
        "The browser decrypts the message, starts the Service Worker, and it shows the "
        "notification.",
        (PUSH, WORKER),
        (
            Pointer("static/js/worker/push.js", "onPush", "What the worker does when it is woken."),
            Pointer("static/js/worker/screen.js", "present", "Shows it: here, or in an open page."),
        ),
    ),
)


def find_step(slug: str) -> Step | None:
    return next((each for each in STEPS if each.slug == slug), None)


@cache
def excerpts(step: Step) -> tuple[Excerpt, ...]:
    """The lines of this process’s source. Raises LookupError when a name is gone."""
    return tuple(find(pointer) for pointer in step.pointers)

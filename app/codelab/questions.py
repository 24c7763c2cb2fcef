"""One question for each step, answerable from what was just seen (W-14). Each choice has its
explanation, the wrong ones too: they are what people believe."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """`word` is stored when somebody takes it: never change one."""

    word: str
    text: str
    because: str


@dataclass(frozen=True, slots=True)
class Question:
    """`right` is the word of the right choice."""

    asks: str
    choices: tuple[Choice, ...]
    right: str

    def find(self, word: str) -> Choice | None:
        return next((each for each in self.choices if each.word == word), None)

    @property
    def answer(self) -> Choice:
        (found,) = (each for each in self.choices if each.word == self.right)
        return found


QUESTIONS: dict[str, Question] = {
    "keys": Question(
        "Somebody copies everything that your browser has received so far. What can they do with "
        "it?",
        (
            Choice(
                "send",
                "Send notifications in the name of this app.",
                "For that they need the private key, which signs. It was in no answer of the "
                "server.",
            ),
            Choice(
                "check",
                "Check who signed a message, and no more.",
                "The page got the public key alone. It proves a signature and cannot make one.",
            ),
            Choice(
                "read",
                "Read messages on their way.",
                "VAPID keys sign. What encrypts is another pair, made by the browser in step 4.",
            ),
        ),
        "check",
    ),
    "permission": Question(
        "You have allowed notifications, and nothing else has happened yet. Can the App Server "
        "reach you?",
        (
            Choice(
                "yes",
                "Yes: that is what the permission says.",
                "The permission is a note in your browser about this site. The App Server is not "
                "told.",
            ),
            Choice(
                "open",
                "Only while the page is open.",
                "With the page open it could, but over the page’s own connection, which needs no "
                "permission.",
            ),
            Choice(
                "no",
                "No: it has no address to send to.",
                "The permission is the first half. The address comes with the subscription.",
            ),
        ),
        "no",
    ),
    "subscribe": Question(
        "Why does subscribe() carry the App Server’s public key?",
        (
            Choice(
                "bind",
                "So that only the owner of its private half may send here.",
                "The Push Service ties the endpoint to this key, and refuses what another one "
                "signed.",
            ),
            Choice(
                "encrypt",
                "So that the Push Service can encrypt the messages.",
                "It encrypts nothing. The App Server does, with keys that the browser makes.",
            ),
            Choice(
                "find",
                "So that the Push Service can find the App Server.",
                "It never calls the App Server: it waits for its POSTs, from wherever they come.",
            ),
        ),
        "bind",
    ),
    "endpoint": Question(
        "Who decided what the endpoint’s address looks like?",
        (
            Choice(
                "app",
                "The App Server: messages start there.",
                "It had no part in it. At this moment it does not even know that there is an "
                "endpoint.",
            ),
            Choice(
                "push-service",
                "The Push Service.",
                "It drew a long random token, so the address can be guessed by nobody.",
            ),
            Choice(
                "page",
                "The page, when it called subscribe().",
                "The page gave a key and got an address back. It could choose neither host nor "
                "path.",
            ),
        ),
        "push-service",
    ),
    "hand-over": Question(
        "Which single datum must reach the App Server, or everything before was in vain?",
        (
            Choice(
                "permission",
                "The user’s permission.",
                "The browser keeps that to itself, and enforces it itself.",
            ),
            Choice(
                "key",
                "The public key.",
                "It came from there.",
            ),
            Choice(
                "subscription",
                "The subscription: endpoint and the browser’s two keys.",
                "Without it there is no address and nothing to encrypt with. If this POST fails, "
                "browser and Push Service are ready and nobody ever sends. So ours is repeated.",
            ),
        ),
        "subscription",
    ),
    "store": Question(
        "You clear this browser’s data tonight. When does the App Server learn of it?",
        (
            Choice(
                "once",
                "At once: the browser takes its leave.",
                "Nobody tells the App Server. The row stays as it is.",
            ),
            Choice(
                "next",
                "When it sends the next time.",
                "The Push Service answers 404 or 410 for an endpoint that is gone, and the row "
                "is removed.",
            ),
            Choice(
                "never",
                "Never: the row stays for good.",
                "It would if nothing were ever sent. The next message brings a 404 or 410, and "
                "that is enough.",
            ),
        ),
        "next",
    ),
    "event": Question(
        "Which program must be running for this step?",
        (
            Choice(
                "page",
                "The page: it shows the notification later.",
                "Close it and try: somebody else’s message is stored all the same.",
            ),
            Choice(
                "app",
                "The App Server alone.",
                "An event is a row in its database. Browser and Push Service may be off.",
            ),
            Choice(
                "worker",
                "The Service Worker: it listens for events.",
                "It sleeps until a push message wakes it, and that is step 10.",
            ),
        ),
        "app",
    ),
    "send": Question(
        "What of this message could the Push Service read?",
        (
            Choice(
                "all",
                "Everything: it has to deliver it.",
                "To deliver it needs the endpoint and a few headers. The body is for the "
                "browser’s keys.",
            ),
            Choice(
                "title",
                "The title, but not the text.",
                "Both are in the encrypted body. Look at the bytes: neither can be found in them.",
            ),
            Choice(
                "headers",
                "Who signed, for which endpoint, how urgent, how long to keep, how long it is.",
                "The headers are open and the body is not. Size and time alone tell something, "
                "too.",
            ),
        ),
        "headers",
    ),
    "hold": Question(
        "The TTL is 60 seconds, and the phone is off for five minutes. What happens?",
        (
            Choice(
                "late",
                "It is shown five minutes late.",
                "TTL is what forbids that: old news is not delivered as if it were new.",
            ),
            Choice(
                "back",
                "The App Server gets it back.",
                "The App Server had its 201, and that was the last that it heard of it.",
            ),
            Choice(
                "dropped",
                "It is dropped, and nobody is told.",
                "That is the deal of a TTL. What must not be lost needs a second way: our inbox "
                "has it all the same.",
            ),
        ),
        "dropped",
    ),
    "show": Question(
        "In which of the ten steps must the page be open?",
        (
            Choice(
                "all",
                "In all of them.",
                "You have just closed it, and the notification came.",
            ),
            Choice(
                "first",
                "In 2, 3 and 5: where the Client asks, subscribes and hands over.",
                "Those run in the page. 1, 6, 7 and 8 run in the App Server, 4 and 9 in the Push "
                "Service, and 10 in the Service Worker, which needs no page.",
            ),
            Choice(
                "last",
                "Only in 10: something has to show it.",
                "It is the browser and the system that show it. The worker was woken without any "
                "page.",
            ),
        ),
        "first",
    ),
}

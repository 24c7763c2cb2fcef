"""The peer: pywebpush as its README has it, with a `requests` session that keeps connections."""

import os

import requests
from py_vapid import Vapid
from pywebpush import webpush

from bench.web_push.contestant import read_plan, run


def main() -> None:
    plan = read_plan()
    os.environ["REQUESTS_CA_BUNDLE"] = plan.ca
    key, session = Vapid.from_string(plan.private_key), requests.Session()

    def send(subscription: dict[str, object]) -> int:
        # Fresh claims each time: it puts the endpoint's `aud` into the given ones.
        claims = {"sub": "mailto:bench@example.com"}
        answer = webpush(
            subscription,
            plan.payload,
            vapid_private_key=key,
            vapid_claims=claims,
            ttl=60,
            requests_session=session,
        )
        return int(answer.status_code)

    run(lambda: sum(send(one) == 201 for one in plan.subscriptions))


if __name__ == "__main__":
    main()

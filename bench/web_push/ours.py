"""Ours: the sender's own `WebPush`, from many greenlets."""

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402

from app import config  # noqa: E402
from app.sending import vapid  # noqa: E402
from app.sending.webpush import Message, WebPush  # noqa: E402
from bench.web_push.contestant import Plan, read_plan, run  # noqa: E402


def settings_of(plan: Plan) -> config.Settings:
    return config.load(
        {},
        instance_dir=plan.folder,
        push_service="local",
        push_service_url=plan.url,
        push_ca=plan.ca,
        vapid_private_key=plan.private_key,
        # The share of one push service is a quarter.
        sender_greenlets=4 * plan.at_once,
    )


def main() -> None:
    plan = read_plan()
    settings = settings_of(plan)
    keys = vapid.load(settings)
    webpush = WebPush(settings, keys)
    messages = [
        Message(
            endpoint=one["endpoint"],
            p256dh=one["keys"]["p256dh"],
            auth=one["keys"]["auth"],
            vapid_key_id=keys.current.id,
            payload=plan.payload.encode(),
            ttl=60,
            urgency="normal",
            topic=None,
        )
        for one in plan.subscriptions
    ]

    def send_all() -> int:
        """Workers that take one after the other, as those of the sender do."""
        waiting = iter(messages)
        sent: list[bool] = []

        def work() -> None:
            sent.extend(webpush.send(message).status == 201 for message in waiting)

        gevent.joinall([gevent.spawn(work) for _ in range(plan.at_once)])
        return sum(sent)

    run(send_all)


if __name__ == "__main__":
    main()

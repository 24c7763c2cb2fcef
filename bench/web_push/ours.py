"""Ours: the sender's own `WebPush`, from many greenlets."""

from gevent import monkey

monkey.patch_all()

from gevent.pool import Pool  # noqa: E402

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
        outcomes = Pool(plan.at_once).imap_unordered(webpush.send, messages)
        return sum(outcome.status == 201 for outcome in outcomes)

    run(send_all)


if __name__ == "__main__":
    main()

"""The peer: pywebpush's asynchronous form, one aiohttp session, many at once."""

import asyncio
import ssl
from typing import Any

import aiohttp
from py_vapid import Vapid
from pywebpush import webpush_async

from bench.web_push.contestant import Plan, read_plan, run


class Sending:
    """One loop and one session for all rounds."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.key = Vapid.from_string(plan.private_key)
        self.loop = asyncio.new_event_loop()
        self.session = self.loop.run_until_complete(self._open())
        self.slots = asyncio.Semaphore(plan.at_once)

    async def _open(self) -> aiohttp.ClientSession:
        context = ssl.create_default_context(cafile=self.plan.ca)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ssl=context))

    async def _send(self, subscription: dict[str, Any]) -> int:
        async with self.slots:
            answer = await webpush_async(
                subscription,
                self.plan.payload,
                vapid_private_key=self.key,
                vapid_claims={"sub": "mailto:bench@example.com"},
                ttl=60,
                aiohttp_session=self.session,
            )
            return int(answer.status)

    def send_all(self) -> int:
        async def everything() -> list[int]:
            return await asyncio.gather(*map(self._send, self.plan.subscriptions))

        return self.loop.run_until_complete(everything()).count(201)


if __name__ == "__main__":
    run(Sending(read_plan()).send_all)

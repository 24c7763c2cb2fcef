"""The peer: aiohttp takes a POST, stores it in SQLite (write-ahead log), and answers 201.

It checks no signature, knows no subscription, delivers nothing and waits for no acknowledgement.
"""

import json
import sqlite3
import sys

from aiohttp import web

SCHEMA = "CREATE TABLE messages (id INTEGER PRIMARY KEY, token TEXT, ttl INTEGER, body BLOB)"


def build(path: str) -> web.Application:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute(SCHEMA)

    async def store(request: web.Request) -> web.Response:
        row = request.match_info["token"], int(request.headers["TTL"]), await request.read()
        cursor = database.execute("INSERT INTO messages (token, ttl, body) VALUES (?, ?, ?)", row)
        return web.Response(status=201, headers={"Location": f"/message/{cursor.lastrowid}"})

    application = web.Application()
    application.router.add_post("/push/{token}", store)
    return application


def _announce(runner_port: int) -> None:
    print(json.dumps({"http": f"http://127.0.0.1:{runner_port}"}), flush=True)


async def _on_startup(path: str) -> None:
    runner = web.AppRunner(build(path), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    _announce(runner.addresses[0][1])


def main() -> None:
    import asyncio

    loop = asyncio.new_event_loop()
    loop.run_until_complete(_on_startup(sys.argv[1]))
    loop.run_forever()


if __name__ == "__main__":
    main()

"""The site: a page, its worker, and three things to ask of it."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from app.guests import Guests

HERE = Path(__file__).parent

guests = Guests()


async def page(_request: Request) -> Response:
    return FileResponse(HERE / "page.html")


async def worker(_request: Request) -> Response:
    return FileResponse(HERE / "worker.js", media_type="text/javascript")


async def key(_request: Request) -> Response:
    """The public key that browsers subscribe with."""
    return JSONResponse({"key": guests.public_key})


async def subscribe(request: Request) -> Response:
    """What the page got from `pushManager.subscribe()`."""
    guests.add(await request.json())
    return Response(status_code=204)


async def soup(request: Request) -> Response:
    """The kitchen's text goes to every guest."""
    text = (await request.body()).decode()
    told = await run_in_threadpool(guests.tell, text)
    return JSONResponse({"told": told, "guests": len(guests)})


app = Starlette(
    routes=[
        Route("/", page),
        Route("/worker.js", worker),
        Route("/key", key),
        Route("/subscriptions", subscribe, methods=["POST"]),
        Route("/soup", soup, methods=["POST"]),
    ]
)

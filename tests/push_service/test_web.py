"""Which handler gets which request."""

import pytest

from push_service.web import Answer, Request, Response, Router
from push_service.wire import errors
from push_service.wire.errors import Refusal


def echo(request: Request) -> Answer:
    return Response(200, request.segment.encode())


def refuse(request: Request) -> Answer:
    return Response(200, request.body)


@pytest.fixture
def router() -> Router:
    router = Router()
    router.add("GET", "/", echo)
    router.add("POST", "/push/<token>", echo)
    router.add("PUT", "/body", refuse)
    return router


def ask(router: Router, method: str, target: str, content: bytes | None = b"") -> Response:
    answer = router.answer(Request(method, target, {}, content))
    assert isinstance(answer, Response)
    return answer


@pytest.mark.parametrize("target", ["/push/abc", "/push/abc?x=/y", "http://host:1/push/abc?x"])
def test_router_finds_the_handler_of_a_free_segment(router: Router, target: str) -> None:  # W-9
    assert ask(router, "POST", target).body == b"abc"


@pytest.mark.parametrize("target", ["/x", "/push", "/push/a/b", "//push/a", "*", "", "http://[/x"])
def test_router_says_404_for_other_paths(router: Router, target: str) -> None:  # W-9
    assert ask(router, "POST", target).status == 404


def test_router_says_which_methods_there_are(router: Router) -> None:  # W-9
    answer = ask(router, "GET", "/push/abc")
    assert (answer.status, dict(answer.headers)["Allow"]) == (405, "POST")


def test_router_turns_refusals_into_answers(router: Router) -> None:  # W-9
    assert ask(router, "PUT", "/body", None).status == 413


def test_request_reads_the_first_of_a_parameter() -> None:
    request = Request("GET", "/a?after=1&after=2&empty=")
    assert (request.parameter("after"), request.parameter("none")) == ("1", None)


@pytest.mark.parametrize("status", [400, 418, 503])
def test_every_status_has_an_error(status: int) -> None:  # W-9
    refusal = Refusal(errors.of_status(status))
    assert refusal.error.status == status
    assert refusal.why

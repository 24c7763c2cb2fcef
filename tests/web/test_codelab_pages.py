"""`/codelab/<slug>` and `/api/codelab/answers`: ten pages for anybody, and one's own answers."""

import html
import re

import pytest
from flask import Flask

from app.codelab.steps import STEPS, excerpts
from tests.web.conftest import Browser

SLUGS = [step.slug for step in STEPS]


def page(browser: Browser, path: str) -> str:
    answer = browser.client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


# W-14
def test_anybody_may_read_the_steps_and_begin_there(stranger: Browser) -> None:
    for step in STEPS:
        text = page(stranger, f"/codelab/{step.slug}")
        assert html.escape(step.question.answer.because) in text.replace("&#39;", "&#x27;")
        assert f"/guest?next=/codelab/{step.slug}" in text
        assert "codelab/steps/page.js" not in text
    assert stranger.submit("/guest?next=/codelab/send", "/").headers["Location"] == "/codelab/send"


# W-14
def test_page_shows_the_lines_of_the_source(browser: Browser) -> None:
    for step in STEPS:
        text = html.unescape(page(browser, f"/codelab/{step.slug}"))
        for excerpt in excerpts(step):
            assert excerpt.text in text
            where = f"lines {excerpt.first_line} to {excerpt.last_line}"
            assert f"{excerpt.pointer.path}, {where}" in text


# W-14
def test_steps_lead_from_the_first_to_the_last_and_back(browser: Browser) -> None:
    links = [
        re.findall(r'rel="(\w+)" href="([^"]+)"', page(browser, f"/codelab/{slug}"))
        for slug in SLUGS
    ]
    forth = [dict(each).get("next") for each in links]
    back = [dict(each).get("prev") for each in links]
    assert forth == [*(f"/codelab/{slug}" for slug in SLUGS[1:]), None]
    assert back == [None, *(f"/codelab/{slug}" for slug in SLUGS[:-1])]


def test_step_that_is_not_there_is_not_found(browser: Browser) -> None:
    assert browser.client.get("/codelab/eleven").status_code == 404


# W-14
def test_answer_is_kept_and_explained(browser: Browser) -> None:
    wrong = browser.client.put("/api/codelab/answers/keys", json={"choice": "send"}).get_json()
    assert (wrong["right"], wrong["choice"]) == (False, "send")
    right = browser.client.put("/api/codelab/answers/keys", json={"choice": "check"}).get_json()
    assert right["right"]
    assert right["because"] == STEPS[0].question.answer.because
    browser.client.put("/api/codelab/answers/show", json={"choice": "all"})
    (first, last) = browser.client.get("/api/codelab/answers").get_json()["answers"]
    assert first == right
    assert (last["step"], last["right"]) == ("show", False)


# W-14
def test_answers_are_ones_own(app: Flask, browser: Browser, stranger: Browser) -> None:
    browser.client.put("/api/codelab/answers/keys", json={"choice": "check"})
    assert stranger.client.get("/api/codelab/answers").status_code == 401
    assert (
        stranger.client.put("/api/codelab/answers/keys", json={"choice": "check"}).status_code
        == 401
    )
    other = Browser(app.test_client())
    other.enter_as_guest()
    assert other.client.get("/api/codelab/answers").get_json() == {"answers": []}


@pytest.mark.parametrize(
    ("step", "choice", "status"),
    [("keys", "bind", 422), ("keys", "", 422), ("nowhere", "check", 404)],
)
def test_answer_to_another_question_is_refused(
    browser: Browser, step: str, choice: str, status: int
) -> None:
    answer = browser.client.put(f"/api/codelab/answers/{step}", json={"choice": choice})
    assert answer.status_code == status
    assert browser.client.get("/api/codelab/answers").get_json() == {"answers": []}

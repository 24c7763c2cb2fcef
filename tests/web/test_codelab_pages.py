"""`/codelab/<slug>` and `/api/codelab/answers`: ten pages for anybody, and one's own answers."""

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.codelab.steps import STEPS, excerpts
from app.config import Settings, load
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
        assert html.escape(step.question.answer.because) in text
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


@pytest.mark.parametrize("slug", ["send", "hold", "show"])
def test_step_that_needs_a_subscription_leads_to_it(browser: Browser, slug: str) -> None:
    card = page(browser, f"/codelab/{slug}").split('id="do-title"')[1].split("</section>")[0]
    assert 'href="/codelab/permission"' in card


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


@pytest.fixture
def outside_the_lab(settings: Settings, empty_file: Path) -> Iterator[Browser]:
    """A guest of a server that keeps no journal."""
    settings = load({}, instance_dir=settings.instance_dir)
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    shutil.copy(empty_file, settings.instance_dir / "pushlab.db")
    made = create_app(settings)
    browser = Browser(made.test_client())
    browser.enter_as_guest()
    yield browser
    made.extensions["pushlab"].database.engine.dispose()


# X-5 W-14
def test_outside_the_lab_the_pages_say_what_cannot_be_seen(outside_the_lab: Browser) -> None:
    for slug in SLUGS:
        text = page(outside_the_lab, f"/codelab/{slug}")
        assert "keeps no journal" in text
        assert "steps/page.js" in text
    overview = page(outside_the_lab, "/codelab")
    assert "needs lab mode" in overview
    assert "/codelab/keys" in overview


# W-14
def test_guest_comes_in_where_the_button_was(stranger: Browser) -> None:
    for path in ("/codelab", "/codelab/bonnet/vapid", "/codelab/keys"):
        assert f"/guest?next={path}" in page(stranger, path)
    assert "/guest?next=/codelab/keys" in page(stranger, "/")

"""The answers to the questions of the codelab's steps (W-14): the caller's own."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app import clock
from app.codelab import answers
from app.codelab.steps import STEPS, Step, find_step
from app.errors import InvalidInput, NotFound
from app.models import CodelabAnswer, User
from app.web.api.body import Body, Text, read
from app.web.api.describe import Time, takes
from app.web.services import current_services
from app.web.visitor import require_visitor, write_as

api = Blueprint("api_codelab", __name__)


class AnswerBody(Body):
    """The word of one of the question's choices."""

    choice: Annotated[Text, Field(max_length=32)]


class AnswerAnswer(TypedDict):
    """`step` is the step's name in its page's address, `because` explains this choice."""

    step: str
    choice: str
    right: bool
    because: str
    answered_at: Time


class AnswersAnswer(TypedDict):
    """By step; a step that was not answered is not in it."""

    answers: list[AnswerAnswer]


@api.get("/codelab/answers")
def read_answers() -> AnswersAnswer:
    """What the caller has answered so far."""
    visitor = require_visitor()
    with current_services().database.read() as session:
        given = answers.of_user(session, visitor.user_id)
    known = [(STEPS[one.step - 1], one) for one in given]
    return {"answers": [_public(step, one) for step, one in known]}


@api.put("/codelab/answers/<step>")
@takes(AnswerBody)
def answer(step: str) -> AnswerAnswer:
    """Answer a step's question; the last answer counts."""
    visitor = require_visitor()
    body = read(AnswerBody)
    found = find_step(step)
    if found is None:
        raise NotFound("There is no such step.")
    if found.question.find(body.choice) is None:
        raise InvalidInput.field("choice", "Choose one of the question's answers.")

    def work(session: Session, user: User) -> AnswerAnswer:
        return _public(found, answers.keep(session, user.id, found, body.choice))

    return write_as(visitor, work)


def _public(step: Step, given: CodelabAnswer) -> AnswerAnswer:
    """A word that the question no longer has is explained by the right one."""
    choice = step.question.find(given.choice) or step.question.answer
    return {
        "step": step.slug,
        "choice": given.choice,
        "right": given.choice == step.question.right,
        "because": choice.because,
        "answered_at": clock.iso(given.answered_at),
    }

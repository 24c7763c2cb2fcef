"""What a user answered to the questions of the steps: the last answer counts. The rules, without
HTTP. Called by web."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.codelab.steps import Step
from app.models import CodelabAnswer


def keep(session: Session, user_id: int, step: Step, word: str) -> CodelabAnswer:
    """`word` is one of the question's. The caller holds the user lock."""
    answer = session.get(CodelabAnswer, (user_id, step.number))
    if answer is None:
        answer = CodelabAnswer(user_id=user_id, step=step.number)
        session.add(answer)
    answer.choice, answer.answered_at = word, clock.now()
    return answer


def of_user(session: Session, user_id: int) -> list[CodelabAnswer]:
    """By step."""
    mine = select(CodelabAnswer).where(CodelabAnswer.user_id == user_id)
    return list(session.scalars(mine.order_by(CodelabAnswer.step)))

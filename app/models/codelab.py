"""What learners answered."""

from sqlalchemy import Double, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model
from app.models.accounts import BigId


class CodelabAnswer(Model):
    """A user's last answer to the question of a step."""

    __tablename__ = "codelab_answers"

    user_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    #: 1 … 10.
    step: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    #: The word of the choice; see `app.codelab.questions`.
    choice: Mapped[str] = mapped_column(String(32))
    answered_at: Mapped[float] = mapped_column(Double)

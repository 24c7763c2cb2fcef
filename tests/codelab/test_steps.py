"""The ten steps as data: whole, in order, and each with what its page needs."""

from app.codelab.questions import QUESTIONS
from app.codelab.source import ROOT
from app.codelab.steps import STEPS, find_step


# W-14
def test_there_are_ten_in_order_each_with_a_page_of_its_own() -> None:
    assert [step.number for step in STEPS] == list(range(1, 11))
    slugs = [step.slug for step in STEPS]
    assert len(set(slugs)) == 10
    assert {path.stem for path in (ROOT / "templates/steps").glob("*.html")} == set(slugs)
    assert [find_step(slug) for slug in slugs] == list(STEPS)
    assert find_step("nowhere") is None


# W-14
def test_every_question_has_one_right_answer_and_explains_all() -> None:
    assert list(QUESTIONS) == [step.slug for step in STEPS]
    for question in QUESTIONS.values():
        words = [choice.word for choice in question.choices]
        assert len(words) == len(set(words)) >= 3
        assert question.answer.word == question.right
        assert all(choice.because.endswith(".") for choice in question.choices)
        assert all(len(word) <= 32 for word in words)


# W-14
def test_right_answer_is_not_always_at_the_same_place() -> None:
    places = [
        [choice.word for choice in question.choices].index(question.right)
        for question in QUESTIONS.values()
    ]
    assert max(places.count(place) for place in range(3)) < 6

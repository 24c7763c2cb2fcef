"""The journal: order, bounds, waiting, and numbers that outlast a restart."""

import threading

from push_service.journal import Journal
from tests.push_service.parts import Clock


def test_journal_returns_what_is_newer_in_order() -> None:
    journal = Journal(Clock())
    written = [journal.write("kind", f"{number}") for number in range(5)]
    assert journal.after(written[1].id) == written[2:]
    assert journal.after(written[1].id, limit=2) == written[2:4]
    assert journal.after(journal.cursor) == []
    assert journal.after(journal.cursor + 10) == []


def test_journal_keeps_the_newest_only() -> None:
    journal = Journal(Clock(), history=3)
    written = [journal.write("kind", f"{number}") for number in range(10)]
    assert journal.after(0) == written[-3:]


def test_numbers_go_on_in_the_next_process() -> None:
    clock = Clock()
    last = [Journal(clock).write("kind", "") for _ in range(100)][-1]
    clock.now += 0.1
    assert Journal(clock).write("kind", "").id > last.id


def test_wait_ends_with_the_next_event() -> None:
    journal, found = Journal(Clock()), []
    cursor = journal.cursor
    waiting = threading.Thread(target=lambda: found.append(journal.wait(cursor, 10)))
    waiting.start()
    journal.write("kind", "")
    waiting.join()
    assert found == [True]


def test_wait_ends_with_its_time() -> None:
    journal = Journal(Clock())
    assert not journal.wait(journal.cursor, 0)


def test_wait_with_a_cursor_of_the_last_process_waits_for_news() -> None:
    clock = Clock()
    before = Journal(clock).write("kind", "").id
    clock.now += 60
    journal = Journal(clock)
    assert not journal.wait(before, 0)
    written = journal.write("kind", "")
    assert journal.wait(before, 0)
    assert journal.after(before) == [written]

"""What processes told, turned into what happened in between."""

from collections import Counter
from dataclasses import replace

import pytest

from app.metrics import BUCKETS
from app.ops.cluster import Cluster, Queue
from app.ops.history import KEPT, History, quantile
from app.ops.sample import Sample, Service, Told

NOW = 1_000.0
OURS = "https://push.example"
EARLY = Sample(["app"], pid=1, started_at=0, connections=2, counts={"created": 10})


def sender(delivered: int = 0, gone: int = 0, none: int = 0, started_at: float = 0) -> Sample:
    """A sender that has got so many answers since it began, each within the first bucket."""
    answers = {"201": delivered, "410": gone, "none": none}
    seconds = [delivered + gone + none] + [0] * len(BUCKETS)
    return Sample(["sender"], 2, started_at, services={OURS: Service(answers, seconds)})


def told(**samples: Sample) -> dict[str, Told]:
    return {name: Told(sample, 0.0) for name, sample in samples.items()}


@pytest.fixture
def history() -> History:
    return History()


def test_what_happened_before_anybody_watched_is_not_counted(history: History) -> None:
    history.add(NOW, told(a=EARLY), Cluster())
    assert history.points[0].counts["created"] == 0
    assert history.points[0].connections == 2


def test_counts_are_of_the_time_between_two_points(history: History) -> None:
    for number, created in enumerate((10, 12, 12, 19)):
        sample = replace(EARLY, counts={"created": created})
        history.add(NOW + 5 * number, told(a=sample), Cluster())
    assert [point.counts["created"] for point in history.points] == [0, 2, 0, 7]


def test_process_that_has_just_begun_counts_from_zero(history: History) -> None:
    """A sender that ends and begins again is another one: nothing is negative, nothing is lost."""
    history.add(NOW, told(a=sender(delivered=100)), Cluster())
    history.add(NOW + 5, told(b=sender(delivered=3, started_at=NOW + 1)), Cluster())
    assert history.points[-1].together.answers == Counter({"201": 3})


def test_process_that_comes_into_sight_late_counts_from_there(history: History) -> None:
    history.add(NOW, told(), Cluster())
    history.add(NOW + 5, told(a=sender(delivered=100, started_at=NOW - 60)), Cluster())
    assert history.points[-1].together.sent == 0


def test_all_processes_are_added_up(history: History) -> None:
    history.add(NOW, told(a=sender(), b=sender(), c=EARLY), Cluster(pending=7))
    now = {"a": sender(delivered=2, gone=1), "b": sender(delivered=3, none=4)}
    history.add(NOW + 5, told(**now, c=EARLY), Cluster(pending=8, queues={OURS: Queue(9, 30.0)}))
    point = history.points[-1]
    assert point.together.kinds == {"delivered": 5, "gone": 1, "failed": 4}
    assert (point.connections, point.pending, point.queued, point.oldest) == (2, 8, 9, 30.0)
    assert history.traffic()[OURS].sent == 10


def test_history_is_bounded(history: History) -> None:
    for number in range(KEPT + 5):
        history.add(NOW + number, told(a=EARLY), Cluster())
    assert len(history.points) == KEPT
    assert history.points[0].at == NOW + 5


@pytest.mark.parametrize(
    ("seconds", "share", "expected"),
    [
        ({0: 10}, 0.5, BUCKETS[0] / 2),
        ({0: 10}, 1.0, BUCKETS[0]),
        ({0: 90, 7: 10}, 0.9, BUCKETS[0]),
        ({0: 90, 7: 10}, 0.95, (BUCKETS[6] + BUCKETS[7]) / 2),
        ({len(BUCKETS): 1}, 0.5, BUCKETS[-1]),
    ],
)
def test_quantile_lies_within_its_bucket(
    seconds: dict[int, int], share: float, expected: float
) -> None:
    assert quantile(seconds, share) == pytest.approx(expected)

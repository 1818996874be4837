"""Lengths of time on their way to ms."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marconi_redis import InvalidArgument, Queue
from marconi_redis.durations import Duration, millis


@pytest.mark.parametrize(
    ("length", "ms"),
    [
        (0, 0),
        (1, 1000),
        (0.1, 100),
        (0.3, 300),
        (1.1, 1100),
        (0.0001, 1),
        (-1, -1000),
        (timedelta(milliseconds=5), 5),
        (timedelta(microseconds=1), 1),
        (timedelta(days=3650), 315_360_000_000),
        (10**12, 10**15),
    ],
)
def test_no_length_gets_shorter_and_none_longer_by_how_floats_are(length: Duration, ms: int) -> None:
    assert millis("ttl", length) == ms


def test_a_length_without_end_is_a_year_on_this_side(queue: Queue) -> None:
    queue.post(1)
    patient = queue.store.with_deadline(timedelta.max)
    assert patient.deadline == 365 * 86_400
    found = patient.queue("shop", "orders").claim(wait=timedelta.max)
    assert found is not None


@pytest.mark.parametrize("wrong", ["1", None, True, float("nan"), float("inf")])
def test_what_is_no_length_is_refused_by_its_name(wrong: object) -> None:
    with pytest.raises(InvalidArgument, match="ttl"):
        millis("ttl", wrong)  # type: ignore[arg-type]

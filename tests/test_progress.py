"""Progress in the log, with a clock that the test turns."""

import logging

import pytest

from rnatracks import progress
from rnatracks.progress import Progress


class Clock:
    """One second passes with each thing done."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.mark.parametrize(
    ("skipped", "expected"),
    [
        (0, ["c: 3 of 20 things, 1 things/s, 17 s left", "c: 5 of 20", "c: 7 of 20"]),
        (10, ["c: 11 of 20 things, 1 things/s, 9 s left", "c: 13 of 20", "c: 15 of 20"]),
    ],
    ids=["from the start", "continued"],
)
def test_progress_is_reported_after_a_batch_and_each_tenth(
    skipped: int, expected: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was done before counts, but not for the speed."""
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    counting = Progress(20, "things", batch=3)
    counting.skip(skipped)
    with caplog.at_level(logging.INFO):
        for _ in range(20 - skipped):
            clock.seconds += 1
            counting.count("c")
    lines = [record.getMessage() for record in caplog.records]
    assert [line[: len(start)] for line, start in zip(lines, expected, strict=False)] == expected
    assert lines[-1] == "c: 20 of 20 things, 1 things/s, 0 s left"

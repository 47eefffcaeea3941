"""Hours asked for, beside sums by hand; `workflow/test_plan.py` hears Snakemake's own events."""

import logging

from snakemake.iocontainers import ResourceList
from snakemake_interface_logger_plugins.common import LogEvent

from rnatracks.planning.requested_hours import TITLE, RequestedHours


def job(rule: str, threads: int, **resources: int) -> dict:
    """What Snakemake says of a job."""
    return {
        "event": LogEvent.JOB_INFO,
        "rule_name": rule,
        "threads": threads,
        "resources": ResourceList(fromdict={"_cores": threads, "_nodes": 1, **resources}),
    }


def logged(*events: dict) -> list[str]:
    """What a logger that the handler listens to is told beside these events."""
    logger = logging.Logger("told")
    texts: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: texts.append(record.getMessage())
    logger.addHandler(listener)
    logger.addHandler(RequestedHours(logger))
    for event in events:
        logger.info("event", extra=event)
    return [text for text in texts if text != "event"]


COUNTS = {"event": LogEvent.RUN_INFO, "stats": {}}


def test_hours_are_threads_and_gpus_times_the_time_limit() -> None:
    jobs = [
        job("average", 1, runtime=90),
        job("train", 8, runtime=2880, gpu=4),
        job("average", 2, runtime=30),
        job("train", 8, runtime=60, gpu=1),
        job("all", 1),
    ]
    (text,) = logged(COUNTS, *jobs, COUNTS)
    rows = [line.split() for line in text.removeprefix(TITLE).splitlines()[3:]]
    assert rows == [
        ["train", "2", "392.0", "193.0"],
        ["average", "2", "2.5", "0.0"],
        ["total", "4", "394.5", "193.0"],
    ]


def test_a_run_that_only_counts_its_jobs_first_gets_no_table() -> None:
    assert logged(COUNTS, job("train", 8, runtime=60, gpu=1)) == []


def test_a_plan_of_nothing_gets_no_table() -> None:
    assert logged(COUNTS, COUNTS) == []

"""Maximum CPU-hours and GPU-hours requested by a plan; Snakemake's own table of a dry run only counts jobs."""

import logging
from collections import defaultdict
from dataclasses import dataclass

from snakemake_interface_logger_plugins.common import LogEvent
from tabulate import tabulate

TITLE = """\
Maximum requested: threads and GPUs times the time limit of the first attempt. Most jobs finish much earlier.
Threads per job are limited by --cores, which is 1 in a dry run without it."""


@dataclass
class Hours:
    """Totals over the jobs of a rule."""

    jobs: int = 0
    cpu: float = 0
    gpu: float = 0


class RequestedHours(logging.Handler):
    """Sums the resources requested by the jobs of a dry run and logs them as a table after Snakemake's own.

    It receives the events that Snakemake sends to logger plugins: one per job, and one with the counts of all jobs.
    A dry run sends the counts before and after the jobs, a real run only before them. Jobs without a time limit are
    left out.
    """

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger
        self._rules: defaultdict[str, Hours] = defaultdict(Hours)

    def emit(self, record: logging.LogRecord) -> None:
        """Count a job, or log the table."""
        event = vars(record).get("event")
        if event == LogEvent.JOB_INFO:
            self._count(record.rule_name, record.threads, dict(record.resources.items()))
        elif event == LogEvent.RUN_INFO and self._rules:
            self._logger.info(hours_table(self._rules))
            self._rules.clear()

    def _count(self, rule: str, threads: int, resources: dict[str, int]) -> None:
        if "runtime" in resources:
            hours = self._rules[rule]
            hours.jobs += 1
            hours.cpu += threads * resources["runtime"] / 60
            hours.gpu += resources.get("gpu", 0) * resources["runtime"] / 60


def hours_table(rules: dict[str, Hours]) -> str:
    """The table of all rules, sorted by GPU-hours, then by CPU-hours, largest first."""
    ordered = sorted(rules.items(), key=lambda item: (item[1].gpu, item[1].cpu), reverse=True)
    total = Hours(*(sum(column) for column in zip(*((h.jobs, h.cpu, h.gpu) for h in rules.values()), strict=True)))
    rows = [(name, hours.jobs, hours.cpu, hours.gpu) for name, hours in [*ordered, ("total", total)]]
    table = tabulate(rows, ["job", "count", "CPU-hours", "GPU-hours"], intfmt=",", floatfmt=",.1f")
    return f"{TITLE}\n{table}\n"

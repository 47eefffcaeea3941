"""Division of the global batch between processes, micro-batches and accumulation, such that it stays exactly as set."""

import logging
from dataclasses import dataclass

from ..errors import InputError
from .job import TrainingJob

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BatchShare:
    """Windows that a process reads at once, and how often it does so for one step."""

    micro_batch: int
    accumulated: int


def batch_share(job: TrainingJob, processes: int) -> BatchShare:
    """Divide the global batch between processes, with the largest micro-batch up to the configured one that divides it.

    Raises
    ------
    InputError
        If the global batch is not a multiple of the number of processes.
    """
    together = job.settings.global_batch_size
    each, left = divmod(together, processes)
    if left:
        key = f"config, {job.plan.training_key('global_batch_size')}"
        raise InputError(key, together, f"a multiple of the number of processes ({processes})")
    micro = max(size for size in range(1, min(each, job.settings.micro_batch_size) + 1) if each % size == 0)
    return BatchShare(micro_batch=micro, accumulated=each // micro)


def usable_processes(global_batch: int, processes: int, nodes: int) -> tuple[int, int]:
    """The most processes that divide the global batch, on as few nodes as that takes.

    Parameters
    ----------
    processes
        Processes per node, at most.
    nodes
        Number of nodes, at most.

    Returns
    -------
    Processes per node, and nodes.

    Examples
    --------
    >>> usable_processes(256, 8, 2), usable_processes(4, 8, 2), usable_processes(12, 4, 2), usable_processes(7, 8, 1)
    ((8, 2), (4, 1), (3, 2), (7, 1))
    """
    choices = [(each, used) for used in range(1, nodes + 1) for each in range(1, processes + 1)]
    dividing = [(each, used) for each, used in choices if global_batch % (each * used) == 0]
    return max(dividing, key=lambda choice: (choice[0] * choice[1], -choice[1]))


def log_division(job: TrainingJob, processes: int, available: int) -> None:
    """Log if not all GPUs are used, or if the micro-batch is smaller than configured, because the batch is too small.

    Parameters
    ----------
    processes
        Number of processes that are used.
    available
        Number of GPUs.
    """
    micro, settings = batch_share(job, processes).micro_batch, job.settings
    if processes < available or micro < settings.micro_batch_size:
        log.warning(
            "%s (%d) does not divide into %d GPUs x %d window(s): using %d GPU(s) x %d window(s)",
            job.plan.training_key("global_batch_size"),
            settings.global_batch_size,
            available,
            settings.micro_batch_size,
            processes,
            micro,
        )

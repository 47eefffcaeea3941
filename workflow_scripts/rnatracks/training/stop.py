"""Signals that ask a training to stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = 75  # EX_TEMPFAIL of sysexits.h: did not finish, worth running again
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


class StopRequest:
    """Whether a signal has asked this process to stop, and which one."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    @contextmanager
    def handling_signals(self) -> Iterator[None]:
        """Take SIGTERM, SIGINT and SIGUSR1 as requests; in the main thread only.

        Signals that were blocked until now arrive. At the end the former handlers come back, and what was blocked is
        blocked again: a worker that is about to end may well be asked twice, by the agent and by Slurm.

        Workers get their signals at different steps, so all must agree on them (an all-reduce) before any acts; and
        all must have saved (a barrier) before any ends, since the others are then sent SIGTERM, and SIGKILL 30 seconds
        later.
        """
        handlers = {number: signal.signal(number, self._note) for number in SIGNALS}
        mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)

"""Signals that request the stop of a training."""

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
        """Treat SIGTERM, SIGINT and SIGUSR1 as requests to stop; in the main thread only.

        Signals that were blocked until now are delivered. At the end, the former handlers are restored and the same
        signals are blocked again, because a worker that is about to end may be signalled twice, by the agent and by
        Slurm.

        Workers receive signals at different steps, so all must agree (an all-reduce) before any of them acts; and all
        must have saved (a barrier) before any of them ends, because the others are then sent SIGTERM, and SIGKILL 30
        seconds later.
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

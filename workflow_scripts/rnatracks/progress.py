"""Progress of long work in the log."""

import logging
import time

log = logging.getLogger(__name__)


class Progress:
    """Reports how much is done, how fast, and the time left: after the first batch, and at every further tenth.

    Parameters
    ----------
    total
        Number of things to do.
    things
        What they are called, such as `variants`.
    batch
        Number of things that are done together, so that the first report comes when one batch is done.
    """

    def __init__(self, total: int, things: str, batch: int) -> None:
        self.total, self.done = total, 0
        self._things, self._skipped = things, 0
        self._began, self._next = time.monotonic(), float(batch)

    def skip(self, number: int) -> None:
        """Count things that were done before, which say nothing about the speed."""
        self._skipped += number
        self.done += number

    def count(self, where: object) -> None:
        """Count one thing that is done; `where` begins the line of the log."""
        self.done += 1
        if self.done < self._next and self.done < self.total:
            return
        speed = (self.done - self._skipped) / max(time.monotonic() - self._began, 1e-9)
        numbers = f"{self.done:,}", f"{self.total:,}", self._things, speed, self._things
        log.info("%s: %s of %s %s, %.3g %s/s, %.0f s left", where, *numbers, (self.total - self.done) / speed)
        self._next = self.done + self.total / 10

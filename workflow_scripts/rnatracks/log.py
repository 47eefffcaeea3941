"""Logging for the scripts of rules: each script opens the log of its rule first."""

import logging
import sys
from pathlib import Path
from types import TracebackType

from .errors import InputError, StoppedError, WorkerError

log = logging.getLogger("rnatracks")


def open_log(path: str) -> None:
    """Log to the rule's file and to standard error; bad input ends the script with one line and no traceback."""
    Path(path).write_bytes(b"")  # empty it, then append to it, as the job's other processes do
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=[logging.FileHandler(path, encoding="utf-8"), logging.StreamHandler()],
    )
    logging.captureWarnings(True)
    sys.excepthook = _log_error


def _log_error(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, InputError | StoppedError | WorkerError):
        log.error("%s", error)
    else:
        log.critical("%s", kind.__name__, exc_info=(kind, error, traceback))

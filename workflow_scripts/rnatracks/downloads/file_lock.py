"""A lock on a file that several processes may want to write."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger(__name__)


@contextmanager
def file_lock(target: Path) -> Iterator[None]:
    """Lock a target against other processes; the lock is released when the process ends, however it ends."""
    path = target.with_name(f"{target.name}.lock")
    while True:
        with path.open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.info("waiting for another process that is fetching %s", target)
                fcntl.flock(stream, fcntl.LOCK_EX)
            if not _is_file_at(stream, path):
                continue  # its holder has deleted it meanwhile, so a lock on it protects nothing
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_file_at(stream: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False

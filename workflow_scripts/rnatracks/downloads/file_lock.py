"""A lock on a file that several processes would write."""

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
    """Keep other processes away from a target; the lock ends with the process, however that ends."""
    path = target.with_name(f"{target.name}.lock")
    while True:
        with path.open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.info("waiting for another process that fetches %s", target)
                fcntl.flock(stream, fcntl.LOCK_EX)
            if not _is_file_at(stream, path):
                continue  # its holder has deleted it meanwhile: a lock on it keeps nobody away
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

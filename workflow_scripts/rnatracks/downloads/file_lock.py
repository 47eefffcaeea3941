"""A lock on a file that several processes may want to write."""

import errno
import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError

log = logging.getLogger(__name__)


NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)  # what a file system without locks answers


@contextmanager
def file_lock(target: Path, *, wait: bool = True) -> Iterator[None]:
    """Lock a target against other processes; the lock is released when the process ends, however it ends.

    Parameters
    ----------
    wait
        Wait for another process that holds the lock. Otherwise it is an error, and a file system without locks is used
        without them.

    Raises
    ------
    InputError
        If another process holds the lock and `wait` is not set.
    """
    path = target.with_name(f"{target.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if not wait:
                    found = "a lock of another process that writes the same files"
                    raise InputError(path, found, "one at a time") from error
                log.info("waiting for another process that is fetching %s", target)
                fcntl.flock(stream, fcntl.LOCK_EX)
            except OSError as error:
                if wait or error.errno not in NO_LOCKS:
                    raise
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

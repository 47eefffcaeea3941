"""Memory of the C library, for trainings on a CPU."""

import ctypes
import sys

# From glibc's malloc.h.
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
LARGEST, PAD = 2**31 - 1, 64 << 20  # bytes


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next step; other C libraries are left alone.

    By default, each tensor above 32 MB is memory fresh from the system, which sets every page of it to zero, in each
    step again: up to a sixth of the time of a step.
    """
    if sys.platform != "linux" or not hasattr(library := ctypes.CDLL(None), "gnu_get_libc_version"):
        return
    for parameter, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, LARGEST), (M_TOP_PAD, PAD)):
        library.mallopt(parameter, value)

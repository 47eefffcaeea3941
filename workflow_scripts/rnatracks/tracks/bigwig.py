"""Coverage in bigWig files: checked, read in blocks, and written as a stream.

pyBigWig does the reading and writing. Memory is limited to one block of
`BLOCK_BASES` bases, whatever the genome's size, except at the end of writing: to make
the zoom levels, pyBigWig holds the intervals of one chromosome in memory, 14 bytes each.
"""

import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyBigWig
from numpy.typing import NDArray

from ..errors import InputError, alias_hint, alias_of, shorten
from ..files import atomic_write

log = logging.getLogger(__name__)

BLOCK_BASES = 1 << 20
BYTES_PER_BASE = (
    6  # bytes per base, including zoom levels; predicted tracks took at most 4.1 with 4 digits and 5.1 with all digits
)
MAGIC = (bytes.fromhex("26fc8f88"), bytes.fromhex("888ffc26"))  # little- and big-endian


def blocks(lengths: Mapping[str, int], size: int = BLOCK_BASES) -> Iterator[tuple[str, int, int]]:
    """Cut chromosomes into pieces (chrom, start, end) of at most `size` bases, in order."""
    for chrom, length in lengths.items():
        for start in range(0, length, size):
            yield chrom, start, min(start + size, length)


class Coverage:
    """A bigWig to read coverage from, as float32 with 0 where the file has no value.

    Parameters
    ----------
    path
        The file.
    sparse
        Whether a chromosome that is missing from the header is read as 0, because bedGraphToBigWig and
        other tools leave out chromosomes without reads. Otherwise reading it is an error.

    Raises
    ------
    InputError
        If the file is not a bigWig or is truncated; on reading, if the region is not
        in the file or its data are damaged.
    """

    def __init__(self, path: Path | str, *, sparse: bool = False) -> None:
        self.path = Path(path)
        self._sparse = sparse
        _check_magic(self.path)
        try:
            self._file = pyBigWig.open(str(self.path))
        except RuntimeError as error:
            raise InputError(self.path, "a damaged bigWig header or index", "a complete bigWig file") from error
        self.lengths: dict[str, int] = dict(self._file.chroms())

    def __enter__(self) -> "Coverage":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def values(self, chrom: str, start: int, end: int, *, missing: float = 0) -> NDArray[np.float32]:
        """Coverage of each base of chrom:start-end (0-based, half-open); `missing` where the file has no value."""
        if self._sparse and chrom not in self.lengths:
            return np.full(end - start, missing, np.float32)
        try:
            values = self._file.values(chrom, start, end, numpy=True)
        except RuntimeError as error:
            raise self._unreadable(chrom, start, end) from error
        if values.size == 0:  # pyBigWig returns this for a file without any interval
            return np.full(end - start, missing, np.float32)
        if not np.isnan(missing):
            values[np.isnan(values)] = missing
        return values

    def all_finite(self, chrom: str, start: int, end: int) -> bool:
        """Whether no NaN or infinite value is stored in chrom:start-end; bases may have no value."""
        if self._sparse and chrom not in self.lengths:
            return True
        try:
            total = self._file.stats(chrom, start, end, type="sum", exact=True)[0]
            if total is None:  # a sum that is NaN, or nothing to sum
                return not self._file.intervals(chrom, start, end)
        except RuntimeError as error:
            raise self._unreadable(chrom, start, end) from error
        return bool(np.isfinite(total))

    def require_chromosomes(self, names: Iterable[str]) -> None:
        """Raise `InputError` unless the file has these chromosomes.

        A sparse file must have at least one of them. Others may be missing, which is logged, but none may be
        in the file under another name.
        """
        names = list(names)
        missing = [chrom for chrom in names if chrom not in self.lengths]
        renamed = [chrom for chrom in missing if alias_of(chrom, self.lengths) is not None]
        if renamed or (missing and not (self._sparse and len(missing) < len(names))):
            wanted = renamed or missing
            raise InputError(
                self.path,
                f"chromosomes {shorten(self.lengths)}",
                f"{shorten(wanted)} among them{alias_hint(wanted[0], self.lengths)}",
            )
        if missing:
            log.warning("%s: no %s in its header; coverage there counts as 0", self.path, shorten(missing))

    def require(self, lengths: Mapping[str, int]) -> None:
        """Raise `InputError` unless the file has these chromosomes with these lengths."""
        self.require_chromosomes(lengths)
        for chrom, length in lengths.items():
            if self.lengths.get(chrom, length) != length:
                raise InputError(
                    f"{self.path}, {chrom}",
                    f"a length of {self.lengths[chrom]:,}",
                    f"{length:,} as in the genome: is the file for another assembly?",
                )

    def _unreadable(self, chrom: str, start: int, end: int) -> InputError:
        place = f"{self.path}, {chrom}:{start + 1}-{end}"
        length = self.lengths.get(chrom)
        if length is None:
            return InputError(place, f"chromosomes {shorten(self.lengths)}", f"{chrom!r} among them")
        if not 0 <= start < end <= length:
            return InputError(place, f"a chromosome of {length:,} bases", "a region within it")
        return InputError(place, "data that cannot be read", "an undamaged bigWig file")


class CoverageWriter:
    """A bigWig that is written block by block; every base gets a value, zeros included.

    Explicit zeros keep other tools from dropping bins as missing. Blocks must come
    in the order of `lengths` and from left to right, and hold finite values.
    """

    def __init__(self, path: Path, lengths: Mapping[str, int]) -> None:
        self._file = pyBigWig.open(str(path), "w")
        self._file.addHeader(list(lengths.items()))
        self._lengths = dict(lengths)
        self._order = {chrom: number for number, chrom in enumerate(lengths)}
        self._reached = (0, 0)  # number of the chromosome, end of the last block

    def __enter__(self) -> "CoverageWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, chrom: str, start: int, values: NDArray[np.floating]) -> None:
        """Append the values of bases from `start` onwards, as runs or one by one, whichever is smaller."""
        if len(values) == 0:
            return
        values = np.asarray(values, np.float32)  # as bigWigs store them
        if not np.isfinite(values).all():
            raise ValueError(f"{chrom}, the block from {start}: NaN or infinite coverage")
        end = start + len(values)
        if (self._order[chrom], start) < self._reached or not 0 <= start < end <= self._lengths[chrom]:
            raise ValueError(f"{chrom}, the block from {start} to {end}: not after the last one, or beyond an end")
        self._reached = (self._order[chrom], end)
        bounds = np.flatnonzero(values[1:] != values[:-1]) + 1
        if 3 * len(bounds) > len(values):
            self._file.addEntries(chrom, start, values=values, span=1, step=1)
            return
        first = np.concatenate([[0], bounds])
        last = np.concatenate([bounds, [len(values)]])
        # They are sorted; checking that takes pyBigWig a third of its time.
        self._file.addEntries(
            [chrom] * len(first), start + first, ends=start + last, values=values[first], validate=False
        )


def write_coverage(target: Path, lengths: Mapping[str, int], arrays: Iterable[NDArray[np.floating]]) -> None:
    """Write arrays that are consecutive along the genome, in the order of `lengths`.

    Each chromosome is one array or several. They may be memory maps: they are read block by
    block. `target` appears only when complete.

    Raises
    ------
    ValueError
        If an array is empty or crosses a chromosome's end, arrays are missing or left over, or a value is not finite.
    InputError
        If the disk has less free space than a track in which all values differ would take: pyBigWig hangs
        when the disk is full.
    """
    with atomic_write(target) as partial:
        needed, free = BYTES_PER_BASE * sum(lengths.values()), shutil.disk_usage(partial.parent).free
        if free < needed:
            raise InputError(
                target, f"{free:,} bytes free on its disk", f"{needed:,} or more, {BYTES_PER_BASE} per base"
            )
        _write_arrays(partial, lengths, iter(arrays))


def _write_arrays(path: Path, lengths: Mapping[str, int], arrays: Iterator[NDArray[np.floating]]) -> None:
    with CoverageWriter(path, lengths) as writer:
        for chrom, length in lengths.items():
            position = 0
            while position < length:
                array = next(arrays, np.empty(0))
                if not 0 < len(array) <= length - position:
                    raise ValueError(f"{chrom}, from {position}: {len(array)} values, not 1 to {length - position}")
                for _, start, end in blocks({chrom: len(array)}):
                    writer.add(chrom, position + start, np.asarray(array[start:end]))
                position += len(array)
        if next(arrays, None) is not None:
            raise ValueError("an array beyond the last chromosome")


def _check_magic(path: Path) -> None:
    """Check that a bigWig begins and ends with the same magic number; a truncated one lacks it at the end.

    pyBigWig itself opens many truncated files without an error, and crashes on others.
    """
    if not path.is_file():
        raise InputError(path, "no such file", "a bigWig")
    with path.open("rb") as stream:
        first = stream.read(4)
        stream.seek(max(path.stat().st_size - 4, 0))
        last = stream.read(4)
    if first not in MAGIC:
        raise InputError(path, f"a file that begins with {first!r}", "a bigWig")
    if last != first:
        raise InputError(
            path, f"{path.stat().st_size:,} bytes without the magic number at the end", "a complete bigWig file"
        )

"""The bases of a genome, read by position."""

import logging
from pathlib import Path
from typing import Protocol

import numpy as np
import pyfaidx
from numpy.typing import NDArray

from ..errors import InputError
from ..files import GZIP_MAGIC
from .fasta import SYMBOLS, chromosome_lengths, index_fits

log = logging.getLogger(__name__)

# How each character of a file is read: A, C, G and T in either case are known, other symbols are N; 0 is not a base.
UNKNOWN = ord("N")
READ_AS = np.zeros(256, np.uint8)
READ_AS[[*SYMBOLS]] = UNKNOWN
for _base in b"ACGT":
    READ_AS[[_base, _base + 32]] = _base
# Complement of each base, as read.
COMPLEMENT = np.full(256, UNKNOWN, np.uint8)
COMPLEMENT[[*b"ACGT"]] = [*b"TGCA"]


class HasBases(Protocol):
    """Whatever gives the bases of a stretch as `Genome` does."""

    def bases(self, chrom: str, start: int, end: int) -> NDArray[np.uint8]:
        """Bases of chrom:start-end (0-based, half-open)."""


class Genome:
    """Bases of a prepared FASTA, as the ASCII codes of A, C, G, T and N (uint8).

    Bases are known where the file has A, C, G or T, in either case. Every other letter is read as N.
    """

    def __init__(self, fasta: Path | str) -> None:
        self.path = Path(fasta)
        self._fasta = pyfaidx.Fasta(str(fasta), as_raw=True, rebuild=False)
        self.lengths = chromosome_lengths(Path(fasta))

    def bases(self, chrom: str, start: int, end: int) -> NDArray[np.uint8]:
        """Bases of chrom:start-end (0-based, half-open); N beyond the chromosome's ends.

        Raises
        ------
        InputError
            If one of the characters is not a base, such as a blank.
        """
        inner_start, inner_end = max(start, 0), min(end, self.lengths[chrom])
        bases = np.full(end - start, UNKNOWN, np.uint8)
        if inner_start < inner_end:
            text = self._fasta[chrom][inner_start:inner_end]
            codes = np.frombuffer(text.encode("ascii", "replace"), np.uint8)
            read = READ_AS[codes]
            if not read.all():
                at = int(read.argmin())
                where = f"{self.path}, {chrom}:{inner_start + at + 1:,}"
                raise InputError(where, f"the character {text[at]!r} in the sequence", "one letter per base")
            bases[inner_start - start : inner_end - start] = read
        return bases


def open_genome(fasta: Path) -> Genome:
    """Open a FASTA file, and index it if its index is missing, older than the file, damaged or of another file.

    Raises
    ------
    InputError
        If the file is missing, compressed or not FASTA, or an index that it needs cannot be written next to it.
    """
    if not fasta.is_file():
        raise InputError(fasta, "no such file", "a FASTA file")
    with fasta.open("rb") as stream:
        first = stream.read(2)
    if first == GZIP_MAGIC:
        raise InputError(fasta, "a compressed file", "an uncompressed FASTA file")
    if not first.startswith(b">"):
        raise InputError(fasta, f"{first!r} at the start" if first else "an empty file", "a FASTA record ('>')")
    if index_fits(fasta):
        return Genome(fasta)
    index = Path(f"{fasta}.fai")
    log.info("indexing %s", fasta)
    try:
        index.unlink(missing_ok=True)
        pyfaidx.Faidx(str(fasta)).close()
    except RuntimeError as error:  # pyfaidx raises it for blank lines at the end
        raise InputError(fasta, "lines that cannot be indexed (blank lines at the end)", "a FASTA file") from error
    except (pyfaidx.FastaIndexingError, ValueError) as error:
        raise InputError(fasta, f"lines that cannot be indexed ({error})", "a FASTA file") from error
    except OSError as error:
        raise InputError(index, f"no usable index, and none can be written ({error})", "an index") from error
    return Genome(fasta)

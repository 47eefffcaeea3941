"""FASTA files: copying, indexing and checking them once, and testing whether an index belongs to its file."""

import codecs
import csv
import gzip
import logging
import string
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx

from ..errors import InputError, shorten
from ..files import atomic_write, open_plain_or_gzip

log = logging.getLogger(__name__)

SYMBOLS = frozenset(string.ascii_letters.encode() + b"*-.")  # characters that stand for a base, known or not
LINE_BASES = 60
MAX_HEADER = 1 << 14  # bytes before a sequence that are searched for its header


@dataclass(frozen=True)
class Composition:
    """A chromosome's length in bases, and the count of each letter in it that is not A, C, G or T (N included)."""

    length: int
    other_letters: Mapping[str, int]

    @property
    def unknown(self) -> int:
        """Bases that count as unknown."""
        return sum(self.other_letters.values())


def fasta_record(name: str, bases: bytes) -> bytes:
    """A record of a FASTA file, with `LINE_BASES` bases per line."""
    lines = [bases[start : start + LINE_BASES] for start in range(0, len(bases), LINE_BASES)]
    return b"\n".join([b">" + name.encode(), *lines, b""])


def prepare_fasta(source: Path, target: Path, chromosomes: Collection[str]) -> dict[str, Composition]:
    """Copy a plain or gzipped FASTA to `target` uncompressed, index it, and check its chromosomes.

    Returns
    -------
    The composition of each of `chromosomes`, in their order. Letters other than A, C, G, T and N are logged.

    Raises
    ------
    InputError
        If the file is empty, damaged, cannot be indexed, lacks a chosen chromosome, or contains
        characters that are not bases; neither `target` nor its index is then left behind.
    """
    # pyfaidx writes the index next to the partial copy, under the same name that atomic_write uses for it.
    with atomic_write(Path(f"{target}.fai")), atomic_write(target) as partial:
        with open_plain_or_gzip(source) as stream, partial.open("wb") as copy:
            try:
                copy.writelines(clean_lines(stream))
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise InputError(source, f"damaged gzip data ({error})", "a complete gzip file") from error
        with partial.open("rb") as stream:
            first = stream.read(1)
        if first != b">":
            raise InputError(source, f"{first!r} at the start" if first else "an empty file", "a FASTA record ('>')")
        try:
            pyfaidx.Faidx(str(partial)).close()
        except (pyfaidx.FastaIndexingError, ValueError) as error:
            raise InputError(
                source,
                f"lines that cannot be indexed ({error})",
                "FASTA records with equal line lengths and unique names",
            ) from error
        index = _read_index(partial)
        missing = [chrom for chrom in chromosomes if chrom not in index.index or not index.loc[chrom, "length"]]
        if missing:
            raise InputError(source, f"sequences {shorten(index.index)}", f"{shorten(missing)} among them, not empty")
        return {chrom: _examine(partial, index.loc[chrom].to_dict(), f"{source}, {chrom}") for chrom in chromosomes}


def clean_lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Lines of a FASTA file with any line endings, without its byte order mark, trailing blanks or blank lines."""
    lines = (line for chunk in stream for line in chunk.rstrip(b"\r\n").split(b"\r"))
    for number, line in enumerate(lines):
        text = (line if number else line.removeprefix(codecs.BOM_UTF8)).rstrip()
        if text:
            yield text + b"\n"


def composition_table(compositions: Mapping[str, Composition]) -> pd.DataFrame:
    """Columns `chrom`, `length`, `unknown` (bases) and `other_letters`, such as `N: 3,000, X: 10`."""
    rows = [
        (chrom, found.length, found.unknown, ", ".join(f"{name}: {n:,}" for name, n in found.other_letters.items()))
        for chrom, found in compositions.items()
    ]
    return pd.DataFrame(rows, columns=["chrom", "length", "unknown", "other_letters"])


def _examine(fasta: Path, record: Mapping[str, int], where: str) -> Composition:
    """Count the letters of a whole sequence, located by its record in the index."""
    counts = np.zeros(256, np.int64)
    with fasta.open("rb") as stream:
        stream.seek(record["offset"])
        left = _end_of_record(record) - record["offset"]
        while left:
            chunk = stream.read(min(left, 1 << 22))
            left -= len(chunk)
            others = np.frombuffer(chunk.translate(None, b"ACGTacgt\r\n"), np.uint8)
            counts += np.bincount(others, minlength=256)
    letters: dict[str, int] = {}
    for code in np.flatnonzero(counts):
        letter = chr(code).upper()
        if code not in SYMBOLS:
            raise InputError(where, f"the character {chr(code)!r} in the sequence", "one letter per base")
        letters[letter] = letters.get(letter, 0) + int(counts[code])
    for letter, count in letters.items():
        if letter != "N":
            log.warning("%s: %s bases are %s and count as unknown, like N", where, f"{count:,}", letter)
    return Composition(record["length"], letters)


def _read_index(fasta: Path) -> pd.DataFrame:
    """The `.fai` of a FASTA file by name, columns `length offset bases width`; the last two describe a full line."""
    columns = ["name", "length", "offset", "bases", "width"]
    kinds = dict.fromkeys(columns, "int64") | {"name": str}
    return pd.read_csv(
        f"{fasta}.fai",
        sep="\t",
        names=columns,
        index_col="name",
        dtype=kinds,
        keep_default_na=False,
        quoting=csv.QUOTE_NONE,
    )


def _end_of_record(record: Mapping[str, int]) -> int:
    """Position in the file just after the last base of a record of the index."""
    lines, rest = divmod(record["length"], max(record["bases"], 1))
    return record["offset"] + lines * record["width"] + rest - (record["width"] - record["bases"] if not rest else 0)


def index_fits(fasta: Path) -> bool:
    """Whether an uncompressed FASTA file has a `.fai` that belongs to it.

    The index must not be older than the file; each of its records must follow a header with its name, and the
    last one must end where the file does.
    """
    path = Path(f"{fasta}.fai")
    if not path.is_file() or path.stat().st_mtime < fasta.stat().st_mtime:
        return False
    try:
        index = _read_index(fasta)
    except (ValueError, KeyError, OSError):  # KeyError: more columns, as in the index of a FASTQ file
        return False
    if index.empty:
        return False
    with fasta.open("rb") as stream:
        for name, offset in index["offset"].items():
            stream.seek(max(offset - MAX_HEADER, 0))
            header = stream.read(min(offset, MAX_HEADER)).rstrip(b"\r\n").rpartition(b"\n")[2]
            if header[:1] != b">" or header[1:].split()[:1] != [str(name).encode()]:
                return False
        stream.seek(max(map(_end_of_record, index.to_dict("records"))) - 1)
        last_base, behind = stream.read(1), stream.read(MAX_HEADER)
        return bool(last_base.strip()) and not behind.strip()


def chromosome_lengths(fasta: Path, chromosomes: Collection[str] | None = None) -> dict[str, int]:
    """Lengths from the `.fai` of a prepared FASTA: of all its sequences, or of `chromosomes` in their order."""
    lengths = _read_index(fasta)["length"].to_dict()
    return lengths if chromosomes is None else {chrom: lengths[chrom] for chrom in chromosomes}

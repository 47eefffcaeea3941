"""VCF files as lines of text, plain, gzipped or bgzipped.

The lines are read as text because pysam gives records without the numbers of their lines and one message for every
fault, and cannot read a file that is gzipped but not bgzipped. Genotypes, which take it most of the time, are not used.
"""

import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError
from ..files import numbered_lines, open_plain_or_gzip

VCF_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")


class VcfRecord(NamedTuple):
    """The number of a line, from 1, and its first five columns; `pos` is 1-based, alleles are as in the file."""

    line: int
    chrom: str
    pos: int
    id: str
    ref: str
    alts: list[str]

    @classmethod
    def of(cls, path: Path, number: int, fields: list[str]) -> "VcfRecord":
        """A record from its columns; raises `InputError` if its position is not a number."""
        chrom, pos, name, ref, alts = fields[:5]
        if not (pos.isascii() and pos.isdecimal()):
            raise InputError(f"{path}, line {number}, POS", repr(pos), "a whole number")
        return cls(number, chrom, int(pos), name, ref, alts.split(","))


def vcf_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Lines of a VCF file, with their numbers from 1; blank lines are left out.

    Yields
    ------
    Of the header, the line as one text; of a record, its columns, where all from the ninth on (genotypes) are one text.

    Raises
    ------
    InputError
        If it is not a VCF file, is damaged, or a record has not as many columns as the header.
    """
    with suppress(OSError, EOFError, zlib.error), open_plain_or_gzip(path) as stream:  # reported below
        if stream.read(3) == b"BCF":
            raise InputError(path, "a BCF file", "a VCF file (bcftools view writes it)")
    columns = number = 0
    for number, line in numbered_lines(path):
        where = f"{path}, line {number}"
        if number == 1 and not line.startswith("##fileformat=VCF"):
            raise InputError(where, repr(line[:40]), "a VCF file, which starts with '##fileformat=VCF'")
        if not line.strip():
            continue
        if not columns:
            if not line.startswith("##"):
                if tuple(line.split("\t")[: len(VCF_COLUMNS)]) != VCF_COLUMNS:
                    expected = f"column names, separated by tabs: {' '.join(VCF_COLUMNS)}"
                    raise InputError(where, repr(line[:60]), expected)
                columns = line.count("\t") + 1
            yield number, [line]
            continue
        found = line.count("\t") + 1
        if found != columns:
            raise InputError(where, f"{found} columns separated by tabs", f"{columns}, as in the file's header")
        if line.startswith("#"):
            raise InputError(where, f"a line of a header after the header: {line[:40]!r}", "a record")
        yield number, line.split("\t", len(VCF_COLUMNS))
    if not columns:
        raise InputError(
            path, "no line of column names" if number else "an empty file", f"a VCF file with {VCF_COLUMNS[0]}"
        )

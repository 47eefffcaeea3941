"""Genes, transcripts and exons of GTF files, whichever program wrote them, with their attributes, line by line."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError
from ..files import numbered_lines

FEATURES = ("gene", "transcript", "exon")
COLUMNS = 9
IDS = ("gene_id", "transcript_id")


class Record(NamedTuple):
    """A gene, transcript or exon on a strand: chrom:start-end (0-based, half-open), on line `line` (from 1).

    `text` is the line itself; `transcript_id`, `gene_name` and `gene_type` are empty where the record has none.
    """

    line: int
    text: str
    chrom: str
    feature: str
    start: int
    end: int
    strand: str
    gene_id: str
    transcript_id: str
    gene_name: str
    gene_type: str


class GtfReader:
    """Records of the chosen chromosomes, in the order of the file.

    Parameters
    ----------
    path
        GTF file, plain or gzipped.
    lengths
        Lengths of the chosen chromosomes; records on others are skipped.

    Attributes
    ----------
    seen
        All chromosomes in the file; complete once the file has been read to the end.
    comments
        Comment lines before the first record.
    """

    def __init__(self, path: Path, lengths: Mapping[str, int]) -> None:
        self.path = path
        self.seen: set[str] = set()
        self.comments: list[str] = []
        self._lengths = lengths

    def __iter__(self) -> Iterator[Record]:
        """Read the file.

        Raises
        ------
        InputError
            For the first line that cannot be read, or that lacks a gene id or strand; the message names the line.
        """
        for number, line in numbered_lines(self.path):
            if is_comment(line):
                if line.startswith("#") and not self.seen:
                    self.comments.append(line)
                continue
            fields = _split(line, f"{self.path}, line {number}")
            self.seen.add(fields[0])
            if fields[0] in self._lengths and fields[2] in FEATURES:
                yield self._record(number, line, fields)

    def _record(self, number: int, line: str, fields: list[str]) -> Record:
        where = f"{self.path}, line {number}"
        chrom, _, feature, first, last, _, strand, _, text = fields
        start, end = _interval(first, last, where)
        if end > self._lengths[chrom]:
            expected = (
                f"an end within {chrom}, which has {self._lengths[chrom]:,} bases: is the file for another assembly?"
            )
            raise InputError(where, f"a record that ends at {end:,}", expected)
        attributes = read_attributes(text, where)
        gene_id = attributes.get("gene_id", "")
        if not gene_id:
            hint = " (convert GFF3 first, for example with gffread -T)" if re.search(r"\b(ID|Parent)=", text) else ""
            raise InputError(where, f"a record without a gene_id: {text!r:.80}", f'gene_id "..." in column 9{hint}')
        if strand not in ("+", "-"):
            raise InputError(f"{where}, gene {gene_id}", f"strand {strand!r}", "+ or -")
        return Record(
            line=number,
            text=line,
            chrom=chrom,
            feature=feature,
            start=start,
            end=end,
            strand=strand,
            gene_id=gene_id,
            transcript_id=attributes.get("transcript_id", ""),
            gene_name=attributes.get("gene_name", ""),
            gene_type=attributes.get("gene_type", "") or attributes.get("gene_biotype", ""),
        )


def is_comment(line: str) -> bool:
    """Whether a line of a GTF or BED file is blank, a comment, or a UCSC `track` or `browser` line."""
    return line.startswith("#") or not line.strip() or line.split(None, 1)[0] in ("track", "browser")


def check_line(line: str, where: str) -> None:
    """Raise `InputError` unless a non-comment line has the 9 columns of a GTF and, if it is used, valid positions."""
    fields = _split(line, where)
    if fields[2] in FEATURES:
        _interval(fields[3], fields[4], where)


def _split(line: str, where: str) -> list[str]:
    fields = line.split("\t")
    if len(fields) < COLUMNS or any(map(str.strip, fields[COLUMNS:])):
        raise InputError(where, f"{len(fields)} columns", f"the {COLUMNS} columns of a GTF")
    return fields[:COLUMNS]  # spreadsheets add empty columns


def _interval(first: str, last: str, where: str) -> tuple[int, int]:
    """Start and end (0-based, half-open) from columns 4 and 5, which are 1-based and inclusive."""
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise InputError(where, f"start {first!r} and end {last!r}", "whole numbers, 1 <= start <= end")
    return int(first) - 1, int(last)


def read_attributes(text: str, where: str) -> dict[str, str]:
    """Attributes of a GTF record by key; for a repeated key, the first value.

    Values may be quoted or bare. A semicolon ends an attribute, with or without a blank
    after it, unless it is inside quotes. An empty value counts as missing and is left out.

    Raises
    ------
    InputError
        If a quote is not closed, or a record has two different gene or transcript ids.

    Examples
    --------
    >>> read_attributes('gene_id "G1";product "a; b"; exon_number 2; gene_name "";', "line 1")
    {'gene_id': 'G1', 'product': 'a; b', 'exon_number': '2'}
    """
    *pieces, rest = text.split('"')  # text outside and inside quotes, alternating
    if len(pieces) % 2:
        raise InputError(where, "an unclosed quote", 'attributes such as gene_id "..."; in column 9')
    found: list[tuple[str, str]] = []
    for outside, quoted in zip(pieces[::2], pieces[1::2], strict=True):
        bare, _, key = outside.rpartition(";")
        found += _bare_attributes(bare)
        found.append((key.strip(), quoted.strip()))
    attributes: dict[str, str] = {}
    for key, value in [*found, *_bare_attributes(rest)]:
        if key in ("", ",") or not value:  # another value of the previous attribute, or an empty one
            continue
        if attributes.setdefault(key, value) != value and key in IDS:
            raise InputError(where, f"{key} {attributes[key]!r} and {value!r}", f"one {key}")
    return attributes


def _bare_attributes(text: str) -> list[tuple[str, str]]:
    """Keys and values of unquoted attributes, from text without quotes."""
    return [(pair[0], pair[1].strip()) for each in text.split(";") if len(pair := each.split(None, 1)) == 2]

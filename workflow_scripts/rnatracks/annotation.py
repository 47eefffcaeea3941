"""Genes and exons from a GTF, and the regions that people type."""

import gzip
import io
import logging
import re
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyranges as pr

from .errors import InputError, prefix_hint, shorten
from .files import gzipped_whole, open_plain_or_gzip

log = logging.getLogger(__name__)

FEATURES = ("gene", "transcript", "exon")
GENE_COLUMNS = (
    *("gene_id", "gene_name", "gene_type", "chrom", "strand", "start", "end"),
    *("exonic_length", "shared_fraction"),
)
EXON_COLUMNS = ("chrom", "start", "end", "gene_id", "strand")
RANGE_COLUMNS = {"chrom": "Chromosome", "start": "Start", "end": "End", "strand": "Strand"}  # what pyranges calls them


def prepare_gtf(source: Path, target: Path, chromosomes: Collection[str]) -> None:
    """Copy the gene, transcript and exon records of the chosen chromosomes to a gzipped GTF.

    Raises
    ------
    InputError
        If no exon lies on a chosen chromosome, a line cannot be read, or the file is damaged.
    """
    chosen, seen, exons = set(chromosomes), set(), 0
    with gzipped_whole(target) as copy:
        with io.TextIOWrapper(open_plain_or_gzip(source), encoding="utf-8") as lines:
            try:
                for number, line in enumerate(lines, 1):
                    if line.startswith("#") or not line.strip():
                        if line.startswith("#") and not seen:  # pyranges reads no comment below a record
                            copy.write(line)
                        continue
                    fields = line.split("\t")
                    if len(fields) != 9:
                        raise InputError(f"{source}, line {number}", f"{len(fields)} columns", "the 9 columns of a GTF")
                    seen.add(fields[0])
                    if fields[0] in chosen and fields[2] in FEATURES:
                        _check_interval(f"{source}, line {number}", fields[3], fields[4])
                        copy.write(line)
                        exons += fields[2] == "exon"
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise InputError(source, f"damaged gzip data ({error})", "a complete gzip file") from error
            except UnicodeDecodeError as error:
                raise InputError(source, f"bytes that are no text ({error})", "UTF-8 text") from error
        if exons == 0:
            raise InputError(
                source,
                f"no exon record on {shorten(chromosomes)}",
                f"some (chromosomes in the file: {shorten(sorted(seen)) or 'none'})",
            )


def _check_interval(where: str, start: str, end: str) -> None:
    if not (start.isdecimal() and end.isdecimal() and 1 <= int(start) <= int(end)):
        raise InputError(where, f"start {start!r} and end {end!r}", "whole numbers, 1 <= start <= end")


def read_gtf(gtf: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Genes and the union of each gene's exons, from a prepared GTF.

    Returns
    -------
    genes
        Columns `GENE_COLUMNS`, one row a gene, in the order of the file.
        `exonic_length` is the number of bases in the union of its exons, and
        `shared_fraction` the share of them that are in exons of another gene
        of its strand too.
    exons
        Columns `EXON_COLUMNS`: disjoint intervals within a gene. Different
        genes may overlap each other.

    Notes
    -----
    Coordinates are 0-based and half-open. A gene id that stands on several
    chromosomes or strands becomes several genes, told apart by `|chrom|strand`.

    Raises
    ------
    InputError
        If a record has no `gene_id`, or no strand.
    """
    try:
        records = pr.read_gtf(str(gtf), as_df=True)
    except ValueError as error:
        raise InputError(
            gtf, f"attributes that cannot be read ({error})", 'GTF attributes: gene_id "..."; ...'
        ) from error
    if "gene_id" not in records or records["gene_id"].isna().any():
        raise InputError(gtf, "a record without a gene_id", "a gene_id in every gene, transcript and exon record")
    for column, fallback in (("gene_name", "gene_id"), ("gene_type", "gene_biotype")):
        if column not in records:
            records[column] = records.get(fallback, "")
    records = records.astype({"Chromosome": str, "Strand": str, "Feature": str, "gene_id": str})
    stranded = records["Strand"].isin(["+", "-"])
    if not stranded.all():
        row = records.loc[~stranded].iloc[0]
        raise InputError(f"{gtf}, gene {row['gene_id']}", f"strand {row['Strand']!r}", "+ or -")
    records["gene_id"] = _unambiguous_ids(records)
    exons = _exon_unions(records.loc[records["Feature"] == "exon"])
    genes = records.groupby("gene_id", sort=False).agg(
        gene_name=("gene_name", "first"),
        gene_type=("gene_type", "first"),
        chrom=("Chromosome", "first"),
        strand=("Strand", "first"),
        start=("Start", "min"),
        end=("End", "max"),
    )
    genes["gene_name"] = genes["gene_name"].fillna(genes.index.to_series()).astype(str)
    genes["gene_type"] = genes["gene_type"].fillna("").astype(str)
    genes["exonic_length"] = exonic_lengths(exons).reindex(genes.index)
    without = genes.index[genes["exonic_length"].isna()]
    if len(without):
        log.warning("%d genes have no exon record and are left out: %s ...", len(without), ", ".join(without[:3]))
        genes = genes.drop(without)
    genes["exonic_length"] = genes["exonic_length"].astype("int64")
    own = exonic_lengths(own_exons(exons)).reindex(genes.index, fill_value=0)
    genes["shared_fraction"] = (genes["exonic_length"] - own) / genes["exonic_length"]
    return genes.reset_index()[list(GENE_COLUMNS)], exons


def _unambiguous_ids(records: pd.DataFrame) -> pd.Series:
    places = records[["gene_id", "Chromosome", "Strand"]].drop_duplicates()
    ambiguous = places.loc[places["gene_id"].duplicated(), "gene_id"].unique()
    if len(ambiguous) == 0:
        return records["gene_id"]
    log.warning(
        "%d gene ids stand on several chromosomes or strands and are split: %s", len(ambiguous), shorten(ambiguous, 3)
    )
    split = records["gene_id"] + "|" + records["Chromosome"] + "|" + records["Strand"]
    return records["gene_id"].where(~records["gene_id"].isin(ambiguous), split)


def _exon_unions(exons: pd.DataFrame) -> pd.DataFrame:
    columns = ["Chromosome", "Start", "End", "Strand", "gene_id"]
    return _exon_table(pr.PyRanges(exons[columns]).merge(strand=True, by="gene_id").df)


def _exon_table(ranges: pd.DataFrame) -> pd.DataFrame:
    """Columns `EXON_COLUMNS` of a PyRanges table, which has none at all where it has no rows."""
    table = ranges.rename(columns={theirs: ours for ours, theirs in RANGE_COLUMNS.items()})
    table = table.reindex(columns=list(EXON_COLUMNS)).astype({"chrom": str, "strand": str, "gene_id": str})
    return table.sort_values(["chrom", "start", "end", "gene_id"], ignore_index=True)


def exonic_lengths(exons: pd.DataFrame) -> pd.Series:
    """Exonic bases of each gene that has any, indexed by `gene_id`."""
    return (exons["end"] - exons["start"]).groupby(exons["gene_id"]).sum()


def own_exons(exons: pd.DataFrame, *, stranded: bool = True) -> pd.DataFrame:
    """What is left of exons without the bases that two genes share: coverage there cannot be told apart.

    Parameters
    ----------
    exons
        Columns `EXON_COLUMNS`, disjoint within a gene.
    stranded
        Whether genes of one strand alone share bases; otherwise genes of both do, as
        on an unstranded track.

    Returns
    -------
    Columns `EXON_COLUMNS`. A gene without a base of its own has no row.
    """
    if exons.empty:
        return exons
    strandedness = "same" if stranded else False
    ranges = pr.PyRanges(exons.rename(columns=RANGE_COLUMNS))
    pieces = ranges.split(strand=stranded).count_overlaps(ranges, strandedness=strandedness)
    return _exon_table(ranges.subtract(pieces[pieces.NumberOverlaps > 1], strandedness=strandedness).df)


def write_genes(genes: pd.DataFrame, target: Path) -> None:
    """Write the table of genes (columns `GENE_COLUMNS`), gzipped."""
    _write_table(genes, target)


def read_genes(path: Path) -> pd.DataFrame:
    """Read back what `write_genes` wrote."""
    texts = dict.fromkeys(("gene_id", "gene_name", "gene_type", "chrom", "strand"), str)
    return pd.read_csv(path, sep="\t", dtype=texts, keep_default_na=False)


def write_exons(exons: pd.DataFrame, target: Path) -> None:
    """Write exons (columns `EXON_COLUMNS`) as gzipped BED with a `#` header line and a score of 0."""
    _write_table(exons.assign(score=0)[["chrom", "start", "end", "gene_id", "score", "strand"]], target, "#")


def read_exons(path: Path) -> pd.DataFrame:
    """Read back what `write_exons` wrote."""
    names = ["chrom", "start", "end", "gene_id", "score", "strand"]
    texts = dict.fromkeys(("gene_id", "chrom", "strand"), str)
    return pd.read_csv(path, sep="\t", header=None, skiprows=1, names=names, dtype=texts, keep_default_na=False)[
        list(EXON_COLUMNS)
    ]


def _write_table(table: pd.DataFrame, target: Path, mark: str = "") -> None:
    table = table.rename(columns={table.columns[0]: mark + table.columns[0]})
    with gzipped_whole(target) as stream:
        table.to_csv(stream, sep="\t", index=False)


@dataclass(frozen=True)
class Region:
    """A stretch of a chromosome, 0-based and half-open; printed 1-based and inclusive."""

    chrom: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.chrom}:{self.start + 1:,}-{self.end:,}"


REGION = re.compile(r"(?P<chrom>[^:\s]+):(?P<start>\d[\d,]*)[-–](?P<end>\d[\d,]*)")


def locate(text: str, genes: pd.DataFrame, lengths: Mapping[str, int], margin: float = 0.2) -> Region:
    """Turn what a person types into a region.

    Parameters
    ----------
    text
        `chr19:39,407,000-39,439,000` (1-based, inclusive; an en dash will do), or a gene's name or id.
    genes
        Columns `GENE_COLUMNS`.
    lengths
        Lengths of the chromosomes that there are.
    margin
        Share of a gene's length shown on either side of it.

    Raises
    ------
    InputError
        If the region is not on a chromosome, no gene has that name, or the gene's place is not there.

    Notes
    -----
    Of several genes of one name the first in `genes` is taken, and the log says so.
    """
    text = text.strip()
    match = REGION.fullmatch(text)
    if match:
        chrom = match["chrom"]
        start, end = (int(match[key].replace(",", "")) for key in ("start", "end"))
        if chrom not in lengths:
            raise InputError(f"locus {text!r}", f"chromosome {chrom!r}", f"one of {shorten(lengths)}")
        if not 1 <= start <= end <= lengths[chrom]:
            raise InputError(f"locus {text!r}", f"{start}-{end}", f"1 <= start <= end <= {lengths[chrom]:,}")
        return Region(chrom, start - 1, end)
    named = genes.loc[(genes["gene_name"] == text) | (genes["gene_id"] == text)]
    if named.empty:
        raise InputError(
            f"locus {text!r}", "no gene of that name or id", "a gene in the annotation, or chrom:start-end"
        )
    gene = named.iloc[0]
    if len(named) > 1:
        log.warning("%d genes are called %s; %s is taken", len(named), text, gene["gene_id"])
    chrom, start, end = gene["chrom"], int(gene["start"]), int(gene["end"])
    if end > lengths.get(chrom, 0):
        where, found = f"locus {text!r}", f"a gene at {Region(chrom, start, end)}"
        if chrom not in lengths:
            raise InputError(where, found, f"one on {shorten(lengths)}{prefix_hint(chrom, lengths)}")
        raise InputError(where, found, f"one within {lengths[chrom]:,} bases: is it another assembly?")
    pad = int(margin * (end - start)) + 200
    return Region(chrom, max(0, start - pad), min(lengths[chrom], end + pad))

"""Genes and exons from a GTF."""

import difflib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyranges as pr

from ..errors import InputError, alias_of, shorten
from ..files import atomic_gzip
from .gtf import GtfReader, Record
from .tables import EXON_COLUMNS, GENE_COLUMNS, exonic_lengths

log = logging.getLogger(__name__)

RANGE_COLUMNS = {"chrom": "Chromosome", "start": "Start", "end": "End", "strand": "Strand"}  # what pyranges calls them
# Exons of one gene further apart than this are at two places; the longest human introns are 1.2 million bases long.
MAX_INTRON = 2_000_000


@dataclass(frozen=True)
class Annotation:
    """Genes of the chosen chromosomes; coordinates are 0-based and half-open.

    Parameters
    ----------
    genes
        Columns `GENE_COLUMNS`, one row per gene, in the order of the file.
        `exonic_length` is the number of bases in the union of its exons, and
        `shared_fraction` the fraction of them that are also in exons of another
        gene on its strand.
    exons
        Columns `EXON_COLUMNS`: the union of each gene's exons, disjoint within a gene.
        Different genes may overlap each other.
    bodies
        The same columns: the union of the spans of each gene's transcripts, from first to
        last exon. A base in it that is in no exon is in an intron.
    """

    genes: pd.DataFrame
    exons: pd.DataFrame
    bodies: pd.DataFrame


def read_gtf(source: Path, lengths: Mapping[str, int]) -> Annotation:
    """Read genes and exons from a GTF, plain or gzipped.

    Parameters
    ----------
    source
        The file.
    lengths
        Lengths of the chosen chromosomes; records on others are skipped.

    Raises
    ------
    InputError
        If no exon lies on a chosen chromosome, a record cannot be read, or the file is damaged.

    Notes
    -----
    A gene id that occurs at several places is split into several genes, with `|chrom|strand` added to
    their ids, and also `|start` (1-based) if several places are on one strand of a chromosome. There, two
    places are different if their gene records do not touch or, without gene records, if their exons are more
    than `MAX_INTRON` bases apart. The gap between transcripts of a gene that do not overlap is not an intron,
    and neither is the gap between copies of a transcript. Copies of a transcript are told apart in the same way
    as those of a gene, but by transcript records.
    Exons without a `transcript_id` count as one transcript.
    """
    reader = GtfReader(source, lengths)
    return _annotation(reader, reader, lengths)


def prepare_gtf(source: Path, target: Path, lengths: Mapping[str, int]) -> Annotation:
    """Do what `read_gtf` does, and copy the records that were read to a gzipped GTF, atomically."""
    reader = GtfReader(source, lengths)
    with atomic_gzip(target) as copy:

        def copied() -> Iterator[Record]:
            for number, record in enumerate(reader):
                lines = [record.text] if number else [*reader.comments, record.text]
                copy.writelines(f"{line}\n" for line in lines)
                yield record

        return _annotation(reader, copied(), lengths)


def _annotation(reader: GtfReader, found: Iterable[Record], lengths: Mapping[str, int]) -> Annotation:
    records = pd.DataFrame((record[2:] for record in found), columns=list(Record._fields[2:]))
    exonic = records["feature"] == "exon"
    if not exonic.any():
        seen = shorten(sorted(reader.seen)) or "none"
        found = f"no exon record on {shorten(lengths)}"
        raise InputError(reader.path, found, f"exon records there (chromosomes in the file: {seen})")
    _warn_of_bare_chromosomes(reader, lengths, set(records.loc[exonic, "chrom"]))
    records["gene_id"] = _ids_of_one_place(records)
    exons = _merge(records[exonic], by="gene_id")
    texts = records[["gene_name", "gene_type"]]
    genes = records.assign(**texts.where(texts != "")).groupby("gene_id", sort=False)
    genes = genes.agg(
        gene_name=("gene_name", "first"),
        gene_type=("gene_type", "first"),
        chrom=("chrom", "first"),
        strand=("strand", "first"),
        start=("start", "min"),
        end=("end", "max"),
    )
    genes["gene_name"] = genes["gene_name"].fillna(genes.index.to_series())
    genes["gene_type"] = genes["gene_type"].fillna("")
    genes["exonic_length"] = exonic_lengths(exons).reindex(genes.index)
    without = genes.index[genes["exonic_length"].isna()]
    if len(without):
        log.warning("%d genes have no exon record and are left out: %s ...", len(without), ", ".join(without[:3]))
        genes = genes.drop(without)
    genes["exonic_length"] = genes["exonic_length"].astype("int64")
    own = exonic_lengths(own_exons(exons)).reindex(genes.index, fill_value=0)
    genes["shared_fraction"] = (genes["exonic_length"] - own) / genes["exonic_length"]
    return Annotation(genes.reset_index()[list(GENE_COLUMNS)], exons, _merge(_transcripts(records), by="gene_id"))


def _warn_of_bare_chromosomes(reader: GtfReader, lengths: Mapping[str, int], with_exons: set[str]) -> None:
    """Warn about chosen chromosomes without exons, where all coverage counts as intergenic."""
    others = sorted(reader.seen - set(lengths))
    for chrom in lengths:
        if chrom not in with_exons:
            near = alias_of(chrom, others) or next(iter(difflib.get_close_matches(chrom, others, n=1)), None)
            hint = f" (the nearest name in the file: {near!r})" if near else ""
            log.warning("%s: no gene on %s, so all coverage there counts as intergenic%s", reader.path, chrom, hint)


def _ids_of_one_place(records: pd.DataFrame) -> pd.Series:
    """Gene ids, with the place added if an id occurs at several places."""
    strand_of_gene = ["gene_id", "chrom", "strand"]
    records = records.assign(place=_places(records, "gene", ["gene_id"]))
    places = records.drop_duplicates([*strand_of_gene, "place"])
    ambiguous = places.loc[places["gene_id"].duplicated(), "gene_id"].unique()
    if len(ambiguous) == 0:
        return records["gene_id"]
    log.warning("%d gene ids occur at several places and are split: %s", len(ambiguous), shorten(ambiguous, 3))
    first = records.groupby([*strand_of_gene, "place"])["start"].transform("min") + 1
    several = records.groupby(strand_of_gene)["place"].transform("nunique") > 1
    split = records["gene_id"] + "|" + records["chrom"] + "|" + records["strand"]
    split += ("|" + first.astype(str)).where(several, "")
    return records["gene_id"].where(~records["gene_id"].isin(ambiguous), split)


def _transcripts(records: pd.DataFrame) -> pd.DataFrame:
    """The span of each transcript at each of its places, from its first to its last exon, columns `EXON_COLUMNS`."""
    keys = ["gene_id", "transcript_id"]
    parts = records[records["feature"] != "gene"]
    parts = parts.assign(place=_places(parts, "transcript", keys))
    places = parts[parts["feature"] == "exon"].groupby([*keys, "place", "chrom", "strand"], sort=False)
    return places.agg(start=("start", "min"), end=("end", "max")).reset_index()[list(EXON_COLUMNS)]


def _places(records: pd.DataFrame, holder: str, by: list[str]) -> pd.Series:
    """Place number of each record: that of the `holder` record that contains it, otherwise that of its neighbours."""
    places = _clusters(records, by, slack=0)
    loose = ~places.isin(places[records["feature"] == holder])
    if loose.any():
        places[loose] = -_clusters(records[loose], by, slack=MAX_INTRON)
    return places


def _clusters(records: pd.DataFrame, by: list[str], slack: int) -> pd.Series:
    """Cluster numbers from 1, shared by records on one strand with equal `by` that are at most `slack` bases apart."""
    ranges = records[["chrom", "start", "end", "strand", *by]].assign(row=records.index)
    clustered = pr.PyRanges(ranges.rename(columns=RANGE_COLUMNS)).cluster(strand=True, by=by, slack=slack)
    return clustered.df.set_index("row")["Cluster"].astype("int64").reindex(records.index)


def _merge(records: pd.DataFrame, by: str) -> pd.DataFrame:
    """Union of intervals of equal `by`, columns `EXON_COLUMNS`."""
    ranges = records[["chrom", "start", "end", "strand", by]].rename(columns=RANGE_COLUMNS)
    return _exon_table(pr.PyRanges(ranges).merge(strand=True, by=by).df)


def _exon_table(ranges: pd.DataFrame) -> pd.DataFrame:
    """Columns `EXON_COLUMNS` of a PyRanges table, which has no columns if it has no rows."""
    table = ranges.rename(columns={theirs: ours for ours, theirs in RANGE_COLUMNS.items()})
    table = table.reindex(columns=list(EXON_COLUMNS)).astype({"chrom": str, "strand": str, "gene_id": str})
    return table.sort_values(["chrom", "start", "end", "gene_id"], ignore_index=True)


def own_exons(exons: pd.DataFrame, *, stranded: bool = True) -> pd.DataFrame:
    """Exons without the bases that genes share, where coverage cannot be assigned to one gene.

    Parameters
    ----------
    exons
        Columns `EXON_COLUMNS`, disjoint within a gene.
    stranded
        Whether only genes on the same strand can share bases; otherwise genes on both
        strands can, as on an unstranded track.

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

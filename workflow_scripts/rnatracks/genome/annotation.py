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
# Exons of one gene further apart than this are of two places; the longest human introns have 1.2 million bases.
MAX_INTRON = 2_000_000


@dataclass(frozen=True)
class Annotation:
    """Genes of the chosen chromosomes; coordinates are 0-based and half-open.

    Parameters
    ----------
    genes
        Columns `GENE_COLUMNS`, one row a gene, in the order of the file.
        `exonic_length` is the number of bases in the union of its exons, and
        `shared_fraction` the share of them that are in exons of another gene
        of its strand too.
    exons
        Columns `EXON_COLUMNS`: the union of each gene's exons, disjoint within a gene.
        Different genes may overlap each other.
    bodies
        The same columns: the union of what each gene's transcripts span, from first to
        last exon. A base of it that is in no exon is in an intron.
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
        Lengths of the chosen chromosomes; records of others are passed over.

    Raises
    ------
    InputError
        If no exon lies on a chosen chromosome, a record cannot be read, or the file is damaged.

    Notes
    -----
    A gene id that is found at several places becomes several genes, with `|chrom|strand` added to
    their ids, and `|start` (1-based) where the places are on one strand. There, two places are two
    gene records that do not touch, or, without a gene record, exons more than `MAX_INTRON` bases
    apart. Transcripts of a gene that do not overlap have no intron between them, nor have copies
    of a transcript, which are told apart like those of a gene, by transcript records. Exons
    without a `transcript_id` count as those of one transcript.
    """
    reader = GtfReader(source, lengths)
    return _annotation(reader, reader, lengths)


def prepare_gtf(source: Path, target: Path, lengths: Mapping[str, int]) -> Annotation:
    """Do what `read_gtf` does, and copy the records that were read to a gzipped GTF; it is complete or absent."""
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
        raise InputError(reader.path, found, f"some (chromosomes in the file: {seen})")
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
    """Warn of chosen chromosomes that have no exon, so that all of their coverage counts as intergenic."""
    others = sorted(reader.seen - set(lengths))
    for chrom in lengths:
        if chrom not in with_exons:
            near = alias_of(chrom, others) or next(iter(difflib.get_close_matches(chrom, others, n=1)), None)
            hint = f" (the nearest name in the file: {near!r})" if near else ""
            log.warning("%s: no gene on %s, whose coverage all counts as intergenic%s", reader.path, chrom, hint)


def _ids_of_one_place(records: pd.DataFrame) -> pd.Series:
    """Gene ids, to which the place is added where an id is found at several."""
    strand_of_gene = ["gene_id", "chrom", "strand"]
    records = records.assign(place=_places(records, "gene", ["gene_id"]))
    places = records.drop_duplicates([*strand_of_gene, "place"])
    ambiguous = places.loc[places["gene_id"].duplicated(), "gene_id"].unique()
    if len(ambiguous) == 0:
        return records["gene_id"]
    log.warning("%d gene ids are found at several places and are split: %s", len(ambiguous), shorten(ambiguous, 3))
    first = records.groupby([*strand_of_gene, "place"])["start"].transform("min") + 1
    several = records.groupby(strand_of_gene)["place"].transform("nunique") > 1
    split = records["gene_id"] + "|" + records["chrom"] + "|" + records["strand"]
    split += ("|" + first.astype(str)).where(several, "")
    return records["gene_id"].where(~records["gene_id"].isin(ambiguous), split)


def _transcripts(records: pd.DataFrame) -> pd.DataFrame:
    """What each transcript spans at each of its places, from its first to its last exon, columns `EXON_COLUMNS`."""
    keys = ["gene_id", "transcript_id"]
    parts = records[records["feature"] != "gene"]
    parts = parts.assign(place=_places(parts, "transcript", keys))
    places = parts[parts["feature"] == "exon"].groupby([*keys, "place", "chrom", "strand"], sort=False)
    return places.agg(start=("start", "min"), end=("end", "max")).reset_index()[list(EXON_COLUMNS)]


def _places(records: pd.DataFrame, holder: str, by: list[str]) -> pd.Series:
    """Number of the place of each record: that of the `holder` record that holds it, else of those near it."""
    places = _clusters(records, by, slack=0)
    loose = ~places.isin(places[records["feature"] == holder])
    if loose.any():
        places[loose] = -_clusters(records[loose], by, slack=MAX_INTRON)
    return places


def _clusters(records: pd.DataFrame, by: list[str], slack: int) -> pd.Series:
    """A number, from 1 on, for records of one strand and of equal `by` that are at most `slack` bases apart."""
    ranges = records[["chrom", "start", "end", "strand", *by]].assign(row=records.index)
    clustered = pr.PyRanges(ranges.rename(columns=RANGE_COLUMNS)).cluster(strand=True, by=by, slack=slack)
    return clustered.df.set_index("row")["Cluster"].astype("int64").reindex(records.index)


def _merge(records: pd.DataFrame, by: str) -> pd.DataFrame:
    """Union of intervals of equal `by`, columns `EXON_COLUMNS`."""
    ranges = records[["chrom", "start", "end", "strand", by]].rename(columns=RANGE_COLUMNS)
    return _exon_table(pr.PyRanges(ranges).merge(strand=True, by=by).df)


def _exon_table(ranges: pd.DataFrame) -> pd.DataFrame:
    """Columns `EXON_COLUMNS` of a PyRanges table, which has none at all where it has no rows."""
    table = ranges.rename(columns={theirs: ours for ours, theirs in RANGE_COLUMNS.items()})
    table = table.reindex(columns=list(EXON_COLUMNS)).astype({"chrom": str, "strand": str, "gene_id": str})
    return table.sort_values(["chrom", "start", "end", "gene_id"], ignore_index=True)


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

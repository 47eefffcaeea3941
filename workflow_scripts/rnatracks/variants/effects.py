"""Expression of genes on both alleles of an edit, and the base that it changes most."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..genome.annotation import Annotation, own_exons
from ..genome.tables import on_strand, with_gene_numbers
from ..vocabulary import Strand, Track
from .alleles import AllelePair, Alleles

KEPT_GENES = 256  # whose exons' sums are remembered


def counted_exons(annotation: Annotation, strand: Strand, shared_exons: str) -> pd.DataFrame:
    """Exons, or parts of them, that count on tracks of a strand.

    Parameters
    ----------
    shared_exons
        How exonic bases that genes share are counted: `leave_out` or `count_for_each`, as in the configuration.
    """
    if shared_exons == "count_for_each":
        return annotation.exons
    return own_exons(annotation.exons, stranded=strand is not Strand.UNSTRANDED)


@dataclass(frozen=True)
class GeneEffect:
    """Expression of one gene on both alleles.

    Parameters
    ----------
    gene
        Row of the gene in the table of genes.
    tracks
        Numbers of the tracks that hold its reads, among the tracks of the model.
    reach
        Share of its exonic bases in tiles that hold the change. The others keep their reference values.
    reference, alternative
        Mean normalised coverage of its exonic bases on each allele, one per track, where an inserted exonic base counts
        and a deleted one does not; NaN if none is left.
    shifted
        The same as `reference`, of `AllelePair.shifted`: only the change itself is between it and `alternative`.
    """

    gene: int
    tracks: NDArray[np.intp]
    reach: float
    reference: NDArray[np.float64]
    alternative: NDArray[np.float64]
    shifted: NDArray[np.float64]


@dataclass(frozen=True)
class _Group:
    """Tracks of one strand, and the exons that count on them."""

    tracks: NDArray[np.intp]
    exons: dict[str, pd.DataFrame]  # by chromosome, in the order of genes


class GeneEffects:
    """Effects of edits on the genes that have exonic bases in tiles which hold the change.

    Parameters
    ----------
    alleles
        The model and the genome.
    genes
        Columns `GENE_COLUMNS`.
    exons
        Exons, columns `EXON_COLUMNS`.
    counted
        Those, or the parts of them, that count on the tracks of each strand of the model.
    """

    def __init__(
        self, alleles: Alleles, genes: pd.DataFrame, exons: pd.DataFrame, counted: Mapping[Strand, pd.DataFrame]
    ) -> None:
        self._alleles = alleles
        strands = [Track.parse(name).strand for name in alleles.model.config.tracks]
        self._groups = []
        for strand in dict.fromkeys(strands):
            own = with_gene_numbers(on_strand(counted[strand], strand), genes)
            for border in ("start", "end"):
                whole = pd.MultiIndex.from_frame(exons[["gene_id", border]])
                own[f"inner_{border}"] = ~pd.MultiIndex.from_frame(own[["gene_id", border]]).isin(whole)
            tracks = np.flatnonzero([each is strand for each in strands])
            self._groups.append(_Group(tracks, dict(iter(own.groupby("chrom")))))
        self._sums: OrderedDict[tuple[int, int], NDArray[np.float64]] = OrderedDict()

    def of(self, pair: AllelePair) -> list[GeneEffect]:
        """Effects on all genes in reach, by the strand of the tracks and then in the order of the table of genes."""
        effects, chrom = [], pair.edit.chrom
        for number, group in enumerate(self._groups):
            if chrom not in group.exons:
                continue
            on_chrom = group.exons[chrom]
            reached = on_chrom["gene"][(on_chrom["start"] < pair.end) & (on_chrom["end"] > pair.start)]
            for gene in reached.unique().tolist():
                first, last = np.searchsorted(on_chrom["gene"], [gene, gene + 1])
                effects.append(self._effect(pair, number, gene, on_chrom.iloc[first:last]))
        return effects

    def _effect(self, pair: AllelePair, number: int, gene: int, exons: pd.DataFrame) -> GeneEffect:
        chrom, tracks = pair.edit.chrom, self._groups[number].tracks
        starts, ends, inner_starts, inner_ends = (
            exons[column].to_numpy() for column in ("start", "end", "inner_start", "inner_end")
        )
        inside = np.clip([starts, ends], pair.start, pair.end)
        reference = _sums(pair.reference[tracks], inside - pair.start)
        shifted = reference
        if pair.shifted is not pair.reference:
            shifted = _sums(pair.shifted[tracks], inside - pair.start)
        new = np.array(pair.edited.edited_intervals(chrom, starts, ends, inner_starts, inner_ends))
        new_inside = np.clip(new, pair.start, pair.end + pair.edit.growth)
        alternative = _sums(pair.alternative[tracks], new_inside - pair.start).sum(axis=1)
        within, bases, new_bases = (int((last - first).sum()) for first, last in (inside, (starts, ends), new))
        outside: NDArray[np.float64] | float = 0.0
        if within < bases:
            whole = self._exon_sums(number, gene, chrom, starts, ends)
            partly = (starts < pair.start) | (ends > pair.end)
            outside = (whole - reference)[:, partly].sum(axis=1)
        return GeneEffect(
            gene,
            tracks,
            within / bases,
            (outside + reference.sum(axis=1)) / bases,
            (outside + alternative) / new_bases if new_bases else np.full(len(tracks), np.nan),
            (outside + shifted.sum(axis=1)) / bases,
        )

    def _exon_sums(
        self, number: int, gene: int, chrom: str, starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Sums of the reference over each exon of a gene, `[track, exon]`."""
        if (number, gene) in self._sums:
            self._sums.move_to_end((number, gene))
            return self._sums[number, gene]
        tracks, near = self._groups[number].tracks, self._alleles.tiles.size
        parts, first = [], 0
        for exon in range(1, len(starts) + 1):
            # Exons that share tiles are read together, but not so many that their coverage needs much memory.
            if exon < len(starts) and starts[exon] < ends[exon - 1] + near and ends[exon] < starts[first] + 4 * near:
                continue
            begin, end = int(starts[first]), int(ends[exon - 1])
            coverage = self._alleles.reference(chrom, begin, end)[tracks]
            parts.append(_sums(coverage, np.stack([starts[first:exon], ends[first:exon]]) - begin))
            first = exon
        self._sums[number, gene] = np.concatenate(parts, axis=1)
        if len(self._sums) > KEPT_GENES:
            self._sums.popitem(last=False)
        return self._sums[number, gene]


def _sums(coverage: NDArray[np.float32], intervals: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of coverage `[track, base]` over intervals, `[track, interval]`."""
    parts = [np.add.reduce(coverage[:, first:last], axis=1, dtype=np.float64) for first, last in intervals.T.tolist()]
    return np.stack(parts, axis=1)


def largest_base_change(pair: AllelePair, pseudocount: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The largest change of a base that both alleles have: log2((alternative + c) / (shifted + c)), and its place.

    Returns
    -------
    Log ratios and positions on the reference (0-based), one per track; of equal changes, the first. Without a base
    that both have in the tiles that hold the change, the log ratios are NaN.
    """
    rows, stretches = np.arange(len(pair.reference)), [*pair.counterparts()]
    best = np.full(len(rows), 0.0 if stretches else np.nan)
    places = np.full(len(rows), min(pair.edit.start, pair.end - 1), np.int64)  # an insertion may follow the last base
    for position, reference, alternative in stretches:
        ratios = (alternative.astype(np.float64) + pseudocount) / (reference.astype(np.float64) + pseudocount)
        for at in (ratios.argmax(axis=1), ratios.argmin(axis=1)):
            changes = np.log2(ratios[rows, at])
            larger = np.abs(changes) > np.abs(best)
            best, places = np.where(larger, changes, best), np.where(larger, position + at, places)
    return best, places

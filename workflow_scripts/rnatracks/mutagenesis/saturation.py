"""In silico saturation mutagenesis: every base of a region to the three others, and the effect of each change."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError
from ..files import atomic_write
from ..genome.edits import Edit
from ..genome.loci import REGION, Region, find_gene, locate
from ..genome.sequence import UNKNOWN, Genome
from ..prediction.predict import reads_both, touching_tiles
from ..progress import Progress
from ..tracks.bigwig import CoverageWriter
from ..tracks.expression import log2_ratio
from ..variants.alleles import AllelePair, Alleles
from ..variants.consequences import PROMOTER
from .gradients import gradient_effects
from .measured import Measured

log = logging.getLogger(__name__)

MAX_MUTATED_BASES = 2000  # by default: each base takes six tiles or more
COLUMN_BASES = np.frombuffer(b"ACGT", np.uint8)


class Method(StrEnum):
    """`exact`: each change is predicted. `gradient`: first-order effects of all changes from one pass backward."""

    EXACT = "exact"
    GRADIENT = "gradient"


@dataclass(frozen=True, kw_only=True)
class Mutagenesis:
    """Effects of all single-base changes of a region.

    Parameters
    ----------
    region
        The bases that are changed.
    bases
        As ASCII codes of A, C, G, T and N.
    effects
        log2((alternative + c) / (reference + c)) of the measured mean coverage, `[base, 4 (A, C, G, T), track]`;
        0 for the present base, NaN where it is N. With gradients, its first-order approximation.
    tracks
        Names of the tracks.
    measured
        Gene id or region whose mean coverage is compared.
    reference
        This mean on the reference, one per track.
    pseudocount
        c, in normalised coverage.
    """

    region: Region
    bases: NDArray[np.uint8]
    effects: NDArray[np.float32]
    tracks: tuple[str, ...]
    measured: str
    reference: NDArray[np.float64]
    pseudocount: float

    @property
    def mean_effects(self) -> NDArray[np.float32]:
        """Mean effect of the three changes of each base, `[base, track]`."""
        return self.effects.sum(axis=1) / np.float32(3)


def region_to_mutate(text: str, genes: pd.DataFrame, genome: Genome, max_bases: int = MAX_MUTATED_BASES) -> Region:
    """The region that a user types, or the surroundings of a gene's transcription start site.

    These are the `PROMOTER` bases before the site and as many of the gene, or half of `max_bases` of each if that is
    less: promoter, 5' UTR and, in a short gene, the first exons and introns.

    Raises
    ------
    InputError
        If the region or gene is not found, or the region is longer than `max_bases` or has no known base.
    """
    text = text.strip()
    if max_bases < 1:
        raise InputError("max bases", max_bases, "1 or more")
    if REGION.fullmatch(text):
        region = locate(text, genes, genome.lengths)
    elif genes.empty:
        raise InputError(f"locus {text!r}", "no region", "chrom:start-end; a gene name or id needs --gtf")
    else:
        gene = find_gene(text, genes, genome.lengths)
        site, flank = (
            int(gene["start"] if gene["strand"] == "+" else gene["end"]),
            min(PROMOTER, max(max_bases // 2, 1)),
        )
        region = Region(gene["chrom"], max(site - flank, 0), min(site + flank, genome.lengths[gene["chrom"]]))
        log.info("%s: %s, around the transcription start site of %s", text, region, gene["gene_id"])
    size = region.end - region.start
    if size > max_bases:
        raise InputError(f"locus {text!r}", f"{size:,} bases", f"at most {max_bases:,} (--max-bases allows more)")
    if (genome.bases(region.chrom, region.start, region.end) == UNKNOWN).all():
        raise InputError(f"locus {text!r}", "no base but N", "known bases")
    return region


def mutagenesis(
    alleles: Alleles, region: Region, measured: Measured, pseudocount: float, method: Method = Method.EXACT
) -> Mutagenesis:
    """Change every base of a region to the three others.

    Parameters
    ----------
    alleles
        The model and the genome; with `gradient`, the model must be in float32.
    region
        The bases to change.
    measured
        What the effect is on.
    pseudocount
        c of the log ratio, in normalised coverage.

    Raises
    ------
    InputError
        If no tile that holds a base of the region holds one that is measured, or a prediction is not finite.
    """
    genome, model = alleles.genome, alleles.model
    starts = touching_tiles(genome.lengths[region.chrom], region.start, region.end, alleles.tiles)
    reached = (starts[0], starts[-1] + alleles.tiles.size)
    inside = [(first < reached[1]) & (last > reached[0]) for first, last in map(measured.intervals, measured.tracks)]
    if measured.gene["chrom"].iloc[0] != region.chrom or not any(each.any() for each in inside):
        expected = f"exonic bases in windows of {alleles.tiles.size:,} bases that hold the changes"
        raise InputError(f"gene {measured.name}", f"none within reach of {region}", expected)
    effects = (exact_effects if method is Method.EXACT else gradient_effects)(alleles, region, measured, pseudocount)
    return Mutagenesis(
        region=region,
        bases=genome.bases(region.chrom, region.start, region.end),
        effects=effects,
        tracks=tuple(model.config.tracks[track] for track in measured.tracks),
        measured=measured.name,
        reference=measured.means(alleles),
        pseudocount=pseudocount,
    )


def exact_effects(alleles: Alleles, region: Region, measured: Measured, pseudocount: float) -> NDArray[np.float32]:
    """Effects of all changes of a region, each predicted: `[base, 4, track]`, as in `Mutagenesis`."""
    bases = alleles.genome.bases(region.chrom, region.start, region.end)
    effects = np.zeros((len(bases), 4, len(measured.tracks)), np.float32)
    effects[bases == UNKNOWN] = np.nan
    changes = [
        (row, column, Edit(region.chrom, region.start + row, region.start + row + 1, bytes([base])))
        for row, present in enumerate(bases)
        for column, base in enumerate(COLUMN_BASES)
        if present not in (base, UNKNOWN)
    ]
    columns = {track: column for column, track in enumerate(measured.tracks)}
    compare = measured.effects(alleles)
    for (row, base, _), pair in zip(changes, _watched(alleles, region, [edit for *_, edit in changes]), strict=True):
        for effect in compare.of(pair):
            ratios = log2_ratio(effect.alternative, effect.reference, pseudocount)
            for track, ratio in zip(effect.tracks.tolist(), ratios, strict=True):
                if track in columns:
                    effects[row, base, columns[track]] = ratio
    return effects


def _watched(alleles: Alleles, region: Region, edits: list[Edit]) -> Iterator[AllelePair]:
    """Both alleles of each edit; the log says how many windows it takes, and after the first batch how long."""
    length, tiles = alleles.genome.lengths[region.chrom], alleles.tiles
    passes = sum(len(touching_tiles(length, edit.start, edit.end, tiles)) for edit in edits)
    passes += len(touching_tiles(length, region.start, region.end, tiles))
    twice = ", each predicted from both strands" if reads_both(alleles.model, tiles) else ""
    log.info("%s: %d changes, about %d windows of %d bases%s", region, len(edits), passes, tiles.size, twice)
    progress = Progress(len(edits), "changes", alleles.edits_at_once)
    for pair in alleles.pairs(edits):
        yield pair
        progress.count(region)


def write_mutagenesis(result: Mutagenesis, folder: Path, name: str, genome: Genome) -> list[Path]:
    """Write the arrays to `NAME.npz`, and the mean effect of the three changes to one `NAME.{track}.bw` per track.

    Returns
    -------
    Paths of the files.
    """
    region, arrays = result.region, folder / f"{name}.npz"
    with atomic_write(arrays) as partial:
        np.savez_compressed(
            partial,
            effects=result.effects,
            bases=result.bases.view("S1").astype("U1"),
            tracks=result.tracks,
            chrom=region.chrom,
            start=region.start,
            measured=result.measured,
            reference=result.reference,
            pseudocount=result.pseudocount,
        )
    paths = [arrays]
    known = np.flatnonzero(result.bases != UNKNOWN)
    runs = np.split(known, np.flatnonzero(np.diff(known) > 1) + 1)
    for track, values in zip(result.tracks, result.mean_effects.T, strict=True):
        path = folder / f"{name}.{track}.bw"
        with atomic_write(path) as partial, CoverageWriter(partial, genome.lengths) as writer:
            for run in runs:
                writer.add(region.chrom, region.start + int(run[0]), values[run])
        paths.append(path)
    return paths

"""Alternative tracks of a model's strongest variants, as bigWigs."""

from pathlib import Path

import numpy as np
import pandas as pd

from ..files import atomic_write
from ..tracks.bigwig import CoverageWriter
from .alleles import AllelePair, Alleles
from .effect_summary import write_summary
from .effects import largest_base_change
from .top_variants import MAX_TOP_TRACKS, edit_of


def write_top(alleles: Alleles, top: pd.DataFrame, pseudocount: float, folder: Path, target: Path) -> None:
    """Predict the strongest variants and write their alternative tracks, then their table.

    A bigWig has the bases that both alleles have, at their places on the reference: inserted bases are left out, and
    deleted ones have no value.

    Parameters
    ----------
    alleles
        The model and the genome.
    top
        From `choose_top`.
    pseudocount
        Of the log ratios of single bases, by which tracks are chosen; in normalised coverage.
    folder
        Of the bigWigs, `{rank}.{track}.alternative.bw`.
    target
        The table: `top` and columns `first_base` and `last_base` (1-based, inclusive: what the tiles that hold the
        change cover) and `shown_tracks` (joined by commas).
    """
    folder.mkdir(parents=True, exist_ok=True)
    keys = zip(top["chrom"], top["pos"], top["ref_allele"], top["alt_allele"], strict=True)
    firsts, lasts, shown_tracks = [], [], []
    for row, pair in zip(top.itertuples(), alleles.pairs(edit_of(*key) for key in keys), strict=True):
        names = _most_changed(pair, alleles.model.config.tracks, row.track, pseudocount)
        for name in names:
            _write_alternative(alleles, pair, name, folder / f"{row.rank}.{name}.alternative.bw")
        firsts.append(pair.start + 1)
        lasts.append(pair.end)
        shown_tracks.append(",".join(names))
    write_summary(top.assign(first_base=firsts, last_base=lasts, shown_tracks=shown_tracks), target)


def _most_changed(pair: AllelePair, tracks: list[str], strongest: str, pseudocount: float) -> list[str]:
    """The track of the strongest effect, and those that change most at a base, in the model's order."""
    sizes = np.abs(largest_base_change(pair, pseudocount)[0])
    sizes[tracks.index(strongest)] = np.inf
    return [tracks[index] for index in sorted(np.argsort(-sizes, kind="stable")[:MAX_TOP_TRACKS])]


def _write_alternative(alleles: Alleles, pair: AllelePair, track: str, target: Path) -> None:
    row = alleles.model.config.tracks.index(track)
    with atomic_write(target) as partial, CoverageWriter(partial, alleles.genome.lengths) as writer:
        for position, _, alternative in pair.counterparts():
            writer.add(pair.edit.chrom, position, alternative[row])

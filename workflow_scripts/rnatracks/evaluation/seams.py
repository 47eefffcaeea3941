"""Seams of stitched tracks: how much neighbouring bases differ, by position in the grid of tiles."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..files import atomic_write
from ..prediction.stitching import Stitch
from ..tracks.bigwig import BLOCK_BASES, Coverage, blocks


def step_profile(
    coverage: Coverage, lengths: Mapping[str, int], period: int, block: int = BLOCK_BASES
) -> NDArray[np.float64]:
    """Mean absolute step from the previous base, as a function of the position in the grid of tiles.

    Tiles start at multiples of `period`, except perhaps the last one of a chromosome, which ends
    with it. The first base of a chromosome has no step.

    Parameters
    ----------
    coverage
        The track.
    lengths
        Chromosomes to include, with their lengths.
    period
        Distance between the starts of neighbouring tiles, in bases.
    block
        Bases read at a time; apart from rounding, the result does not depend on it.

    Returns
    -------
    Shape `[period]`: entry i is the mean of ``|t[p] - t[p - 1]|`` over bases p (0-based) with
    ``p % period == i``; NaN if there is no such base.
    """
    sums, counts = np.zeros(period), np.zeros(period, np.int64)
    for chrom, start, end in blocks(lengths, block):
        first = max(start - 1, 0)
        steps = np.abs(np.diff(coverage.values(chrom, first, end).astype(np.float64)))
        places = np.arange(first + 1, end) % period
        sums += np.bincount(places, steps, minlength=period)
        counts += np.bincount(places, minlength=period)
    with np.errstate(invalid="ignore"):
        return sums / counts


def relative(profile: NDArray[np.floating]) -> NDArray[np.floating]:
    """A profile divided by its own mean; all NaN if the track never changes."""
    mean = np.nanmean(profile) if np.isfinite(profile).any() else np.nan
    return profile / mean if mean > 0 else np.full(len(profile), np.nan)


def seam_places(size: int, overlap: int, mode: Stitch) -> list[int]:
    """Positions in the grid where a stitched track changes tiles; see `stitching.stitch`.

    If tiles are averaged, this is where one begins or ends. Otherwise it is halfway between the
    middles of two tiles or, with `context` and depending on the view of the track, where one begins
    or ends.

    Examples
    --------
    >>> seam_places(32_000, 16_000, Stitch.BLEND), seam_places(32_000, 16_000, Stitch.CENTER)
    ([0], [8000])
    """
    period = size - overlap
    edges = {0, size % period}
    halfway = {((size + period - 1) // 2 + 1) % period}
    match mode:
        case Stitch.BLEND | Stitch.MEAN | Stitch.MEAN_RAW:
            return sorted(edges)
        case Stitch.CENTER:
            return sorted(halfway)
        case Stitch.CONTEXT:
            return sorted(edges | halfway)


def write_profiles(target: Path, observed: NDArray[np.floating], predicted: NDArray[np.floating]) -> None:
    """Write the two step profiles of a track as a table; `target` is complete or absent."""
    table = pd.DataFrame({"place": np.arange(len(observed)), "observed": observed, "predicted": predicted})
    with atomic_write(target) as partial:
        table.to_csv(partial, sep="\t", index=False, float_format="%.6g")


def mean_profiles(paths: Sequence[Path]) -> pd.DataFrame:
    """Mean of the relative profiles of tracks: columns `observed` and `predicted`, one row per position."""
    total, count = 0, 0
    for path in paths:
        profile = pd.read_csv(path, sep="\t", index_col="place").apply(relative, raw=True)
        total, count = total + profile.fillna(0), count + profile.notna()
    return total / count.where(count > 0)

"""The level of observed tracks next to published ones: the mean over bases with signal, track by track."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, shorten
from ..samples.sheet_rows import read_rows
from ..tracks.average import TrackStatistics

PUBLISHED_MEAN_COLUMNS = ("track", "nonzero_mean")
NONZERO_MEAN_COLUMNS = ["track", "samples", "nonzero_mean", "published", "ratio", "far"]
# Between a track's nonzero mean and the published one, in either direction. It is more than 2, because a factor of
# exactly 2 is what strands that are scaled one by one would have.
MAX_FOLD = 2.5


def read_published_means(path: Path, tracks: Collection[str]) -> dict[str, float]:
    """Published nonzero means by track, in the order of the file.

    Parameters
    ----------
    path
        Tab-separated file with the columns `track` and `nonzero_mean`; lines that start with # are comments.
    tracks
        Names of the run's tracks, such as `NK.plus`.

    Raises
    ------
    InputError
        For a missing or further column, an unknown track, a track that occurs twice, or a mean that is not a positive
        number.
    """
    means: dict[str, float] = {}
    lines: dict[str, int] = {}
    for row in read_rows(path, PUBLISHED_MEAN_COLUMNS, (), (), ()):
        track, text = row["track"], row["nonzero_mean"]
        if track not in tracks:
            raise row.refuse("track", repr(track), f"tracks of this run: {shorten(tracks, 4)}")
        if track in lines:
            raise row.refuse("track", f"{track!r}, as in line {lines[track]}", "each track once")
        try:
            mean = float(text)
        except ValueError as error:
            raise row.refuse("nonzero_mean", repr(text), "a positive number") from error
        if not 0 < mean < np.inf:
            raise row.refuse("nonzero_mean", repr(text), "a positive number")
        means[track], lines[track] = mean, row.line
    if not means:
        raise InputError(path, "no track", "one row per track")
    return means


def compare_nonzero_means(statistics: Iterable[TrackStatistics], published: Mapping[str, float]) -> pd.DataFrame:
    """Set the nonzero mean of each track next to the published one.

    Parameters
    ----------
    statistics
        Of observed tracks; those without a published mean are left out.
    published
        As `read_published_means` gives them.

    Returns
    -------
    Columns `track`, `samples`, `nonzero_mean`, `published`, `ratio` (ours to theirs) and `far`, yes if the ratio is
    below 0.4 or above 2.5. The track that is furthest off, by the absolute logarithm of the ratio, comes first.
    """
    rows = pd.DataFrame(
        (
            (each.track, each.samples, each.nonzero_mean, published[each.track])
            for each in statistics
            if each.track in published
        ),
        columns=NONZERO_MEAN_COLUMNS[:4],
    )
    rows["ratio"] = rows["nonzero_mean"] / rows["published"]
    with np.errstate(divide="ignore"):  # a track without signal is infinitely far off
        fold = np.abs(np.log(rows["ratio"].to_numpy(float)))
    rows["far"] = np.where(fold > np.log(MAX_FOLD), "yes", "no")
    return rows.iloc[np.argsort(-fold, kind="stable")].reset_index(drop=True)


def read_nonzero_means(path: Path) -> pd.DataFrame:
    """Read the table that `compare_nonzero_means` made, as written to `qc/nonzero_means.tsv`."""
    return pd.read_csv(path, sep="\t", dtype={"track": str, "far": str}, keep_default_na=False)

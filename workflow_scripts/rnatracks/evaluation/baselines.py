"""What stands beside a score: what is attainable at all, and what baseline models reach."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..vocabulary import Track


def attainable(ceiling: float, *halves: Sequence[int]) -> float:
    """Correlation of a perfect prediction with the mean of all samples, from the correlation of its halves.

    Where a sample's noise has q times the variance of the truth, means of n1 and n2 samples
    correlate as 1 / r^2 = (1 + q / n1)(1 + q / n2), and the mean of all with the truth as
    1 / sqrt(1 + q / (n1 + n2)). Of equal halves that is sqrt(2r / (1 + r)), as by Spearman (1910)
    and Brown (1910).

    Parameters
    ----------
    ceiling
        The r of the halves.
    halves
        Number of samples in both halves; of a difference, those of both cell types, whose
        noise adds up.

    Returns
    -------
    NaN where r is NaN or negative.
    """
    if not ceiling >= 0:
        return float("nan")
    n1, n2, n = (1 / sum(1 / size for size in sizes) for sizes in zip(*((a, b, a + b) for a, b in halves), strict=True))
    # q = 2 n1 n2 (1 - r^2) / (r d), the positive root of the above; written so that r may be 0.
    noise = n1 * n2 * (1 - ceiling**2)
    d = (n1 + n2) * ceiling + np.sqrt((n1 + n2) ** 2 * ceiling**2 + 4 * noise)
    return float(np.sqrt(ceiling * d / (ceiling * d + 2 * noise / n)))


def with_baselines(
    rows: Sequence[dict], families: Mapping[str, str], baselines: Sequence[str], score: str = "pearson_log1p"
) -> list[dict]:
    """Rows of a score table with a column `baseline_{family}` for each of `baselines`.

    It holds the score of that family's model for the same cell type or pair of them, strand,
    split and, where rows have one, region; a row of a baseline's own model has no value for itself.

    Parameters
    ----------
    families
        Family of each model, by the model's name.
    score
        Column of the score.
    """
    scores = {(families[row["model"]], *_place(row)): row[score] for row in rows}
    return [
        row
        | {
            f"baseline_{family}": scores.get((family, *_place(row)), float("nan"))
            for family in baselines
            if family != families[row["model"]]
        }
        for row in rows
    ]


def baseline_columns(baselines: Sequence[str]) -> list[str]:
    """Names of the columns that `with_baselines` adds."""
    return [f"baseline_{family}" for family in baselines]


def _place(row: Mapping) -> tuple[str, ...]:
    """What a score is of; families may name the cell types of a pair in either order, the score is the same."""
    pair = sorted(row[key] for key in ("cell_type_a", "cell_type_b") if key in row)
    return (*pair, *(row[key] for key in ("cell_type", "strand", "split", "region") if key in row))


def neighbour(name: str, tracks: Mapping[str, Sequence[Track]]) -> str | None:
    """The cell type above one in the sheet, else below, that has the same strands; None where there is none.

    A row added at the end of the sheet changes no neighbour of the rows above it, but for a
    cell type that had none.

    Parameters
    ----------
    tracks
        Tracks of every cell type, in the order of the sheet.
    """
    names = list(tracks)
    at = names.index(name)
    strands = {track.strand for track in tracks[name]}
    nearest = [*reversed(names[:at]), *names[at + 1 :]]
    return next((other for other in nearest if {track.strand for track in tracks[other]} == strands), None)

"""What a score is compared with: the attainable score, and the scores of baseline models."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..vocabulary import Track


def attainable(ceiling: float, *halves: Sequence[int]) -> float:
    """Correlation of a perfect prediction with the mean of all samples, from the correlation of its halves.

    If the noise of a sample has q times the variance of the truth, the correlation r of the means
    of n1 and n2 samples is given by 1 / r^2 = (1 + q / n1)(1 + q / n2), and that of the mean of all
    samples with the truth is 1 / sqrt(1 + q / (n1 + n2)). For equal halves this is
    sqrt(2r / (1 + r)), the formula of Spearman (1910) and Brown (1910).

    Parameters
    ----------
    ceiling
        Correlation r of the halves.
    halves
        Number of samples in each half; for a difference, those of both cell types, whose
        noise adds up.

    Returns
    -------
    The correlation; NaN if r is NaN or negative.
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
    """Add a column `baseline_{family}` to the rows of a score table for each of `baselines`.

    It is the score of that family's model for the same cell type or pair of cell types, strand,
    split and, if the rows have one, region. It has no value in rows of the baseline model itself.

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
    """What a score belongs to. The order of the two cell types of a pair, which changes no score, is ignored."""
    pair = sorted(row[key] for key in ("cell_type_a", "cell_type_b") if key in row)
    return (*pair, *(row[key] for key in ("cell_type", "strand", "split", "region") if key in row))


def neighbour(name: str, tracks: Mapping[str, Sequence[Track]]) -> str | None:
    """The nearest cell type above in the sheet with the same strands, or else below; None if there is none.

    A row that is added at the end of the sheet can only become the neighbour of a cell type that
    had none.

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

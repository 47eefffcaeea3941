"""Correlations, streamed: moments that add up over chromosomes without cancellation."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from .bigwig import Coverage, blocks
from .files import written_whole
from .genome import Genome
from .terms import Split, Track

BASE_COLUMNS = [
    "model",
    "cell_type",
    "strand",
    "split",
    "region",
    "bases",
    "pearson_log1p",
    "ci_low",
    "ci_high",
    "pearson",
    "log1p_of_pearson",
    "replicate_ceiling",
    "other_cell_type",
]
GENE_COLUMNS = [
    "model",
    "cell_type",
    "strand",
    "split",
    "genes",
    "pearson_log1p",
    "ci_low",
    "ci_high",
    "spearman",
    "pearson",
    "log1p_of_pearson",
    "replicate_ceiling",
    "other_cell_type",
]
TEXT_COLUMNS = {"model", "cell_type", "cell_type_a", "cell_type_b", "strand", "split", "region"}
DIFFERENCE_COLUMNS = ["model", "cell_type_a", "cell_type_b", "strand", "split", "genes", "pearson", "ci_low", "ci_high"]


@dataclass(frozen=True)
class Moments:
    """Count, means and centred second moments of pairs (x, y), in float64.

    Two of them add up to the moments of the union, by the pairwise update of
    Chan, Golub and LeVeque (1983), which does not cancel.
    """

    count: int = 0
    mean_x: float = 0.0
    mean_y: float = 0.0
    square_x: float = 0.0
    square_y: float = 0.0
    product: float = 0.0

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike) -> "Moments":
        """Moments of two one-dimensional arrays of one length."""
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if x.shape != y.shape:
            raise ValueError(f"{x.shape=} and {y.shape=} must be the same")
        if x.size == 0:
            return cls()
        # Means are taken from the first pair on: a constant side then has a spread of exactly 0.
        first_x, first_y = x[0], y[0]
        x, y = x - first_x, y - first_y
        mean_x, mean_y = x.mean(), y.mean()
        x, y = x - mean_x, y - mean_y
        return cls(x.size, float(first_x + mean_x), float(first_y + mean_y), float(x @ x), float(y @ y), float(x @ y))

    def __add__(self, other: "Moments") -> "Moments":
        count = self.count + other.count
        if count == 0:
            return self
        step_x, step_y = other.mean_x - self.mean_x, other.mean_y - self.mean_y
        weight = self.count * other.count / count
        share = other.count / count
        return Moments(
            count,
            self.mean_x + share * step_x,
            self.mean_y + share * step_y,
            self.square_x + other.square_x + weight * step_x**2,
            self.square_y + other.square_y + weight * step_y**2,
            self.product + other.product + weight * step_x * step_y,
        )

    @property
    def pearson(self) -> float:
        """Pearson's r; NaN where either side does not vary or fewer than two pairs were seen."""
        spread = np.sqrt(self.square_x) * np.sqrt(self.square_y)
        return float(np.clip(self.product / spread, -1, 1)) if self.count > 1 and spread > 0 else float("nan")


@dataclass(frozen=True)
class BaseMoments:
    """Moments of (observed, predicted) coverage, as it is and as log1p."""

    raw: Moments = Moments()
    log1p: Moments = Moments()

    def __add__(self, other: "BaseMoments") -> "BaseMoments":
        return BaseMoments(self.raw + other.raw, self.log1p + other.log1p)


def base_moments(observed: Coverage, predicted: Coverage, genome: Genome, chrom: str) -> BaseMoments:
    """Stream one chromosome of two tracks; bases that are N in the genome are left out."""
    moments = BaseMoments()
    for _, start, end in blocks({chrom: genome.lengths[chrom]}):
        known = genome.bases(chrom, start, end) != ord("N")
        x = observed.values(chrom, start, end)[known].astype(np.float64)
        y = predicted.values(chrom, start, end)[known].astype(np.float64)
        moments += BaseMoments(Moments.of(x, y), Moments.of(np.log1p(x), np.log1p(y)))
    return moments


def moments_row(chrom: str, moments: BaseMoments) -> dict[str, float | int | str]:
    """Flatten one chromosome's moments into a table's row."""
    row: dict[str, float | int | str] = {"chrom": chrom}
    for scale, part in (("raw", moments.raw), ("log1p", moments.log1p)):
        row |= {f"{scale}_{name}": value for name, value in asdict(part).items()}
    return row


def moments_of_row(row: pd.Series) -> BaseMoments:
    """Read back what `moments_row` wrote."""
    parts = []
    for scale in ("raw", "log1p"):
        count, *others = (row[f"{scale}_{name}"] for name in Moments.__dataclass_fields__)
        parts.append(Moments(int(count), *map(float, others)))
    return BaseMoments(*parts)


def base_rows(model: str, track: Track, by_chromosome: pd.DataFrame, splits: dict[str, Split]) -> list[dict]:
    """Rows of `evaluation/base_resolution.tsv` for one track: every split that has bases, and all of them."""
    rows = []
    for split in Split:
        total = BaseMoments()
        for _, row in by_chromosome.iterrows():
            if split in (Split.ALL, splits[row["chrom"]]):
                total += moments_of_row(row)
        if total.raw.count:
            score = total.log1p.pearson
            rows.append(
                _track_columns(model, track, split)
                | {"region": "all", "bases": total.raw.count, "pearson_log1p": score, "pearson": total.raw.pearson}
                | {"log1p_of_pearson": _log1p(total.raw.pearson)}
            )
    return rows


def gene_rows(
    model: str, track: Track, observed: pd.DataFrame, predicted: pd.DataFrame, splits: dict[str, Split]
) -> list[dict]:
    """Rows of `evaluation/gene_expression.tsv` for one track, over the genes of its strand.

    Parameters
    ----------
    observed, predicted
        Gene x track matrices with the same genes, indexed by `gene_id`.
    """
    rows = []
    for split, genes in _genes_by_split(observed, track, splits):
        x, y = observed.loc[genes, str(track)].to_numpy(), predicted.loc[genes, str(track)].to_numpy()
        raw = Moments.of(x, y).pearson
        rows.append(
            _track_columns(model, track, split)
            | {"genes": len(genes), "pearson_log1p": Moments.of(np.log1p(x), np.log1p(y)).pearson, "pearson": raw}
            | {"spearman": _spearman(x, y), "log1p_of_pearson": _log1p(raw)}
        )
    return rows


def difference_rows(
    model: str,
    tracks: tuple[Track, Track],
    observed: pd.DataFrame,
    predicted: pd.DataFrame,
    splits: dict[str, Split],
    pseudocount: float,
) -> list[dict]:
    """Rows of `evaluation/differential.tsv`: per gene log2((a + c) / (b + c)), observed against predicted."""
    first, second = tracks
    rows = []
    for split, genes in _genes_by_split(observed, first, splits):
        change = [
            np.log2((matrix.loc[genes, str(first)] + pseudocount) / (matrix.loc[genes, str(second)] + pseudocount))
            for matrix in (observed, predicted)
        ]
        rows.append(
            {"model": model, "cell_type_a": first.cell_type, "cell_type_b": second.cell_type}
            | {"strand": str(first.strand), "split": str(split), "genes": len(genes)}
            | {"pearson": Moments.of(*change).pearson}
        )
    return rows


def _genes_by_split(matrix: pd.DataFrame, track: Track, splits: dict[str, Split]) -> list[tuple[Split, pd.Index]]:
    on_strand = matrix["strand"].map(track.strand.holds).astype(bool)  # of no genes too
    of_gene = matrix["chrom"].map(splits)
    chosen = [(split, matrix.index[on_strand & ((of_gene == split) | (split is Split.ALL))]) for split in Split]
    return [(split, genes) for split, genes in chosen if len(genes)]


def _track_columns(model: str, track: Track, split: Split) -> dict[str, str]:
    return {"model": model, "cell_type": track.cell_type, "strand": str(track.strand), "split": str(split)}


def _spearman(x: Sequence[float], y: Sequence[float]) -> float:
    return Moments.of(stats.rankdata(x), stats.rankdata(y)).pearson


def _log1p(pearson: float) -> float:
    """log(1 + r); NaN at r = -1, where it is not finite."""
    return float(np.log1p(pearson)) if pearson > -1 else float("nan")


def score_table(rows: list[dict], columns: Sequence[str]) -> pd.DataFrame:
    """A table with exactly `columns`; what was not computed is empty."""
    return pd.DataFrame(rows).reindex(columns=list(columns)) if rows else pd.DataFrame(columns=list(columns))


def read_scores(path: Path) -> pd.DataFrame:
    """Read a score table back: names are text, also `NA`; an empty cell is NaN."""
    columns = pd.read_csv(path, sep="\t", nrows=0).columns
    texts = [name for name in columns if name in TEXT_COLUMNS]
    empty = {name: [""] for name in columns if name not in TEXT_COLUMNS}
    return pd.read_csv(path, sep="\t", dtype=dict.fromkeys(texts, str), keep_default_na=False, na_values=empty)


def write_scores(rows: list[dict], columns: Sequence[str], target: Path) -> None:
    """Write a score table, six significant digits; `target` appears only when complete."""
    with written_whole(target) as partial:
        score_table(rows, columns).to_csv(partial, sep="\t", index=False, float_format="%.6g")

"""Base-level scores: a table of the sums of each block, and scores by split and region class computed from them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from ..correlation import Moments, spearman
from ..files import atomic_gzip
from ..genome.regions import CODES, RegionClass
from ..vocabulary import Split, Track
from .base_sums import Bases, BaseSums, Block, read_base_sample
from .baselines import attainable, with_baselines
from .bootstrap import pearson_interval
from .covered_bases import ValueCounts, read_value_counts
from .scored_tracks import Scored
from .tables import LEVELS, log1p_of, track_columns

MOMENTS = [each.name for each in fields(BaseSums) if each.name != "squared_error"]

ScorePart = tuple[Split, RegionClass]


def write_sums(sums: Mapping[Block, BaseSums], target: Path) -> None:
    """Write the sums of blocks as a gzipped table, one row per block and region class, with all digits."""
    rows = [
        (*block, *(number for scale in MOMENTS for number in astuple(getattr(part, scale))), part.squared_error)
        for block, part in sums.items()
    ]
    moments = [f"{scale}_{name}" for scale in MOMENTS for name in Moments.__dataclass_fields__]
    with atomic_gzip(target) as stream:
        columns = [*Block._fields, *moments, "squared_error"]
        pd.DataFrame(rows, columns=columns).to_csv(stream, sep="\t", index=False)


def read_sums(path: Path) -> dict[Block, BaseSums]:
    """Read a table written by `write_sums`."""
    texts = {"chrom": str, "region": str}
    table = pd.read_csv(path, sep="\t", dtype=texts, keep_default_na=False, float_precision="round_trip")
    size = len(Moments.__dataclass_fields__)
    return {
        Block(chrom, start, RegionClass(region)): BaseSums(
            *(Moments(*numbers[first : first + size]) for first in range(0, len(MOMENTS) * size, size)), numbers[-1]
        )
        for chrom, start, region, *numbers in table.itertuples(index=False, name=None)
    }


@dataclass(frozen=True, kw_only=True)
class BaseScoring:
    """How bases are scored: the split of each chromosome, and the number of resamples and the seed of the bootstrap."""

    splits: Mapping[str, Split]
    resamples: int
    seed: int

    def rows(
        self,
        model: str,
        track: Track,
        sums: Mapping[Block, BaseSums],
        sample: Mapping[str, Bases],
        by_value: Mapping[str, ValueCounts],
    ) -> list[dict]:
        """Rows of `evaluation/base_resolution.tsv` for one track of a model: every split and region with bases.

        `reference_scores` adds the ceiling and the baselines.
        """
        rows = []
        for split, region in _parts():
            blocks = self._blocks(sums, split, region)
            total = sum(blocks, BaseSums())
            if total.raw.count == 0:
                continue
            interval = pearson_interval([block.log1p for block in blocks], resamples=self.resamples, seed=self.seed)
            observed, predicted = self._sampled(sample, split, region)
            rows.append(
                track_columns(model, track, split)
                | {"region": str(region), "bases": total.raw.count, "pearson_log1p": total.log1p.pearson}
                | {"ci_low": interval[0], "ci_high": interval[1]}
                | {"pearson": total.raw.pearson, "log1p_of_pearson": log1p_of(total.raw.pearson)}
                | {"spearman": spearman(observed, predicted), "spearman_bases": len(observed)}
                | {"mse_squashed": total.mse_squashed}
                | {"mean_observed": total.raw.mean_x, "mean_predicted": total.raw.mean_y}
                | {"predicted_over_observed": total.raw.ratio}
                | {f"pearson_log1p_{level}": getattr(total, level).pearson for level in LEVELS}
                | nonzero_scores(total)
            )
            if region is RegionClass.ALL:
                rows[-1] |= separation(part for chrom, part in by_value.items() if self._in_split(chrom, split))
        return rows

    def correlations(self, sums: Mapping[Block, BaseSums]) -> dict[ScorePart, float]:
        """`pearson_log1p` of every split and region class; NaN if it is undefined."""
        return {
            (split, region): sum(self._blocks(sums, split, region), BaseSums()).log1p.pearson
            for split, region in _parts()
        }

    def chromosome_rows(
        self, model: str, track: Track, sums: Mapping[Block, BaseSums], by_value: Mapping[str, ValueCounts]
    ) -> list[dict]:
        """Rows of `evaluation/by_chromosome.tsv` for one track of a model."""
        totals: dict[str, BaseSums] = {}
        for block, part in sums.items():
            totals[block.chrom] = totals.get(block.chrom, BaseSums()) + part
        return [
            track_columns(model, track, self.splits[chrom])
            | {"chrom": chrom, "bases": total.raw.count, "pearson_log1p": total.log1p.pearson}
            | nonzero_scores(total)
            | separation([by_value[chrom]])
            for chrom, total in totals.items()
        ]

    def _in_split(self, chrom: str, split: Split) -> bool:
        return split in (Split.ALL, self.splits[chrom])

    def _blocks(self, sums: Mapping[Block, BaseSums], split: Split, region: RegionClass) -> list[BaseSums]:
        """Sums of each block of a split, over one region class or all of them."""
        merged: dict[tuple[str, int], BaseSums] = {}
        for block, part in sums.items():
            if self._in_split(block.chrom, split) and region in (RegionClass.ALL, block.region):
                place = (block.chrom, block.start)
                merged[place] = merged[place] + part if place in merged else part
        return list(merged.values())

    def _sampled(self, sample: Mapping[str, Bases], split: Split, region: RegionClass) -> tuple[np.ndarray, np.ndarray]:
        chosen = [bases for chrom, bases in sample.items() if self._in_split(chrom, split)]
        if region is not RegionClass.ALL:
            chosen = [bases.take(bases.region == CODES.index(region)) for bases in chosen]
        return tuple(np.concatenate([part[side] for part in chosen] or [[]]) for side in (1, 2))


def nonzero_scores(sums: BaseSums) -> dict[str, float]:
    """Number of bases with observed signal, and the main score on these alone."""
    return {"nonzero_bases": sums.nonzero.count, "pearson_log1p_nonzero": sums.nonzero.pearson}


def separation(parts: Iterable[ValueCounts]) -> dict[str, float]:
    """How well the prediction separates bases with observed signal from those without."""
    together = sum(parts, ValueCounts())
    return {"auroc": together.auroc, "auprc": together.auprc}


def score_bases(
    scored: Scored,
    scoring: BaseScoring,
    sums: Sequence[Path],
    samples: Sequence[Path],
    references: Mapping[str, Sequence[Path]],
) -> tuple[list[dict], list[dict]]:
    """Score the tracks of every model.

    Parameters
    ----------
    sums, samples
        Files written by `write_sums` and `base_sums.write_base_sample` for each of `Scored.tracks`.
    references
        By column, files `{track}.tsv.gz` with the sums that its scores are computed from, for tracks that have one.

    Returns
    -------
    Rows of `evaluation/base_resolution.tsv`, and of `evaluation/by_chromosome.tsv`.
    """
    known: dict[Track, dict[str, dict[ScorePart, float]]] = {}
    for column, paths in references.items():
        for path in paths:
            track = Track.parse(path.name.removesuffix(".tsv.gz"))
            known.setdefault(track, {})[column] = scoring.correlations(read_sums(path))
    rows, chromosomes = [], []
    for (model, track), sums_path, sample_path in zip(scored.tracks, sums, samples, strict=True):
        blocks, by_value = read_sums(sums_path), read_value_counts(sample_path)
        rows += [
            row | reference_scores(row, known.get(track, {}), scored.half_sizes[track.cell_type])
            for row in scoring.rows(model, track, blocks, read_base_sample(sample_path), by_value)
        ]
        chromosomes += scoring.chromosome_rows(model, track, blocks, by_value)
    return with_baselines(rows, scored.families, scored.baselines), chromosomes


def reference_scores(
    row: Mapping, references: Mapping[str, Mapping[ScorePart, float]], half_sizes: Sequence[int]
) -> dict[str, float]:
    """Ceiling and baselines of a row; `references` has the scores by column, for columns that could be computed.

    `attainable` is computed from `replicate_ceiling` and the number of samples in each half.
    """
    part = Split(row["split"]), RegionClass(row["region"])
    scores = {column: correlations[part] for column, correlations in references.items()}
    if "replicate_ceiling" in scores:
        scores["attainable"] = attainable(scores["replicate_ceiling"], half_sizes)
    return scores


def _parts() -> Iterator[ScorePart]:
    return ((split, region) for split in Split for region in (RegionClass.ALL, *reversed(CODES)))

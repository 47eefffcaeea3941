"""Why cells of the base-level score table are empty: `evaluation/not_computed.tsv`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from math import isnan

from .bootstrap import MIN_BLOCKS
from .context import baseline_columns
from .terms import Track

REASON_COLUMNS = ["column", "cell_type", "strand", "reason"]
CONSTANT = "signal that does not vary"


def reasons(
    track: Track,
    rows: Sequence[Mapping],
    references: Collection[str],
    *,
    samples: int,
    same_strand: int,
    block_size: int,
    baselines: Sequence[str],
) -> list[dict[str, str]]:
    """Rows of `evaluation/not_computed.tsv` for one track.

    Parameters
    ----------
    rows
        The track's rows of `evaluation/base_resolution.tsv`, of all models, as `context.with_baselines` gives them.
    references
        Columns whose comparison was made.
    samples
        Samples in the track's mean.
    same_strand
        Cell types that have a track of this strand, its own among them.
    """
    place = {"cell_type": track.cell_type, "strand": str(track.strand)}
    found = [
        *_absent(references, samples, same_strand),
        *_empty(rows, references, block_size),
        *_baselines(rows, baselines),
    ]
    return [{"column": column} | place | {"reason": reason} for column, reason in found]


def _absent(references: Collection[str], samples: int, same_strand: int) -> Iterator[tuple[str, str]]:
    if "replicate_ceiling" not in references:
        yield "replicate_ceiling", f"{samples} sample: no halves to compare"
        yield "attainable", f"{samples} sample: no replicate ceiling"
    if "other_cell_type" not in references:
        yield "other_cell_type", "no other cell type with these strands"
    if "mean_of_others" not in references:
        alone = "no other cell type with this strand"
        yield "mean_of_others", alone if same_strand < 2 else "2 cell types: the mean of the others is other_cell_type"


def _empty(rows: Sequence[Mapping], references: Collection[str], block_size: int) -> Iterator[tuple[str, str]]:
    few = f"fewer than {MIN_BLOCKS} blocks of {block_size:,} bases, or signal in too few of them"
    columns = {"pearson_log1p": CONSTANT, "ci_low": few, "ci_high": few} | dict.fromkeys(references, CONSTANT)
    if "replicate_ceiling" in references:
        columns["attainable"] = "a replicate ceiling that is empty or below 0"
    for column, reason in columns.items():
        parts = dict.fromkeys(f"{row['split']} ({row['region']})" for row in rows if isnan(row[column]))
        if parts:
            yield column, f"{reason}: {', '.join(parts)}"


def _baselines(rows: Sequence[Mapping], baselines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for column, family in zip(baseline_columns(baselines), baselines, strict=True):
        if any(isnan(row[column]) for row in rows if column in row):  # its own rows have no such column
            yield column, f"no score of a model of {family} for this track"

"""Why cells of the score tables are empty, and what to mind of others: `evaluation/not_computed*.tsv`."""

from collections.abc import Mapping, Sequence
from math import isnan, nan

from ..vocabulary import Track
from .bootstrap import MIN_BLOCKS

Whose = tuple[str, str]  # cell type and strand; of a pair, `a / b`
REASON_COLUMNS = ["table", "column", "cell_type", "strand", "reason"]
CONSTANT = "fewer than two values, or signal that does not vary"
ONE_DONOR = "all samples of one donor: the ceiling is that of technical repeats"


def reasons(
    table: str, rows: Sequence[Mapping], columns: Sequence[str], known: Mapping[Whose, Mapping[str, str]]
) -> list[dict[str, str]]:
    """Give a reason for every empty cell of a score table, one row a reason, column and track or pair of tracks.

    Parameters
    ----------
    table
        Name of the score table.
    rows
        Of the score table, as `context.with_baselines` gives them.
    columns
        Columns of the table; one that a row does not have is empty.
    known
        Reasons by column, of every track or pair, as `track_reasons` and `pair_reasons` give them.
        Other columns are correlations, which lack variation, or baselines.
    """
    found: dict[Whose, dict[tuple[str, str], dict[str, None]]] = {}
    everything: dict[Whose, set[str]] = {}
    for row in rows:
        own, part = whose(row), _part(row)
        everything.setdefault(own, set()).add(part)
        for column in columns:
            value = row.get(column, nan)
            if isinstance(value, float) and isnan(value):
                cell = column, _reason(column, row, known[own])
                found.setdefault(own, {}).setdefault(cell, {})[part] = None
    return [
        _row(table, column, own, reason if set(parts) == everything[own] else f"{reason}: {', '.join(parts)}")
        for own, cells in found.items()
        for (column, reason), parts in cells.items()
    ]


def whose(row: Mapping) -> Whose:
    """Which track or pair of tracks a row of a score table is of."""
    cell_types = [row[key] for key in ("cell_type", "cell_type_a", "cell_type_b") if key in row]
    return " / ".join(cell_types), row["strand"]


def track_reasons(*, samples: int, same_strand: int, other: bool, block_size: int) -> dict[str, str]:
    """Reasons for empty cells of one track, by column.

    Parameters
    ----------
    samples
        Samples in the track's mean.
    same_strand
        Cell types that have a track of this strand, its own among them.
    other
        Whether another cell type has the same strands.
    """
    found = _common(samples, block_size) | {"log1p_of_pearson": f"{CONSTANT}, or a correlation of -1"}
    found["predicted_over_observed"] = "no observed signal"
    if not other:
        found["other_cell_type"] = "no other cell type with these strands"
    if same_strand < 3:
        alone = "no other cell type with this strand"
        twins = "2 cell types: the mean of the others is other_cell_type"
        found["mean_of_others"] = alone if same_strand < 2 else twins
    return found


def pair_reasons(*, samples: tuple[int, int], block_size: int) -> dict[str, str]:
    """Reasons for empty cells of a pair of tracks, by column, from the number of samples in the mean of each."""
    return _common(min(samples), block_size)


def one_donor(table: str, track: Track) -> dict[str, str]:
    """Row that says what the replicate ceiling of a track is worth whose samples are all of one donor."""
    return _row(table, "replicate_ceiling", (track.cell_type, str(track.strand)), ONE_DONOR)


def _row(table: str, column: str, own: Whose, reason: str) -> dict[str, str]:
    return dict(zip(REASON_COLUMNS, (table, column, *own, reason), strict=True))


def _common(samples: int, block_size: int) -> dict[str, str]:
    few = f"fewer than {MIN_BLOCKS} blocks of {block_size:,} bases, or signal in too few of them"
    found = {"ci_low": few, "ci_high": few, "attainable": "a replicate ceiling that is empty or below 0"}
    if samples < 2:
        found["replicate_ceiling"] = f"{samples} sample: no halves to compare"
        found["attainable"] = f"{samples} sample: no replicate ceiling"
    return found


def _reason(column: str, row: Mapping, known: Mapping[str, str]) -> str:
    if column in known:
        return known[column]
    if not column.startswith("baseline_"):
        return CONSTANT
    if column not in row:
        return "the baseline itself"
    return f"no score of a model of {column.removeprefix('baseline_')} here"


def _part(row: Mapping) -> str:
    """Which of a track's rows it is, whatever the model."""
    return f"{row['split']} ({row['region']})" if "region" in row else row["split"]

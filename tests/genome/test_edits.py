"""Edits: the changed sequence and where intervals go, against lists of labelled bases that are edited one by one."""

from pathlib import Path

import numpy as np
import pytest
from genomes import make_genome

from rnatracks.errors import InputError
from rnatracks.genome.edits import Edit, EditedGenome
from rnatracks.genome.sequence import Genome

LENGTH = 60


@pytest.fixture
def genome(tmp_path: Path) -> Genome:
    bases = np.random.default_rng(3).choice([*"ACGTN"], LENGTH)
    return make_genome(tmp_path, {"chr1": "".join(bases), "chr2": "ACGT"})


def random_edits(rng: np.random.Generator) -> list[Edit]:
    """Up to four edits of all kinds that do not overlap, also at both ends of the chromosome."""
    bounds = np.sort(rng.choice(LENGTH + 1, 2 * int(rng.integers(1, 5)), replace=False)).reshape(-1, 2)
    edits = []
    for start, end in bounds.tolist():
        if rng.random() < 0.4:
            end = start  # an insertion
        new = "".join(rng.choice([*"ACGT"], int(rng.integers(0 if end > start else 1, 8))))
        edits.append(Edit("chr1", start, end, new.encode()))
    return edits


def edited_by_hand(labels: list, edits: list[Edit], inserted: list) -> list:
    """A list of one item per base, edited from right to left; what replaces bases one for one keeps their items."""
    labels = list(labels)
    for edit, items in reversed(list(zip(edits, inserted, strict=True))):
        labels[edit.start : edit.end] = items
    return labels


@pytest.mark.parametrize("seed", range(60))
def test_random_edits_give_the_sequence_and_intervals_of_an_edited_list(genome: Genome, seed: int) -> None:
    rng = np.random.default_rng(seed)
    edits = random_edits(rng)
    edited = EditedGenome(genome, edits)
    sequence = genome.bases("chr1", 0, LENGTH)
    expected = edited_by_hand([*sequence], edits, [list(edit.replacement) for edit in edits])
    assert edited.lengths == {"chr1": len(expected), "chr2": 4}
    start, end = sorted(rng.integers(-5, len(expected) + 5, 2))
    padded = [ord("N")] * 10 + expected + [ord("N")] * 10
    assert edited.bases("chr1", start, end).tolist() == padded[start + 10 : end + 10]
    assert edited.bases("chr2", 1, 3).tolist() == [*b"CG"]
    # Each base carries its old place; an inserted one is within an interval if both neighbours are.
    places = list(range(LENGTH))
    items = []
    for edit in edits:
        kept = places[edit.start : edit.end][: len(edit.replacement)]
        between = edit.start + len(kept) - 0.5
        items.append([*kept, *[between] * (len(edit.replacement) - len(kept))])
    places = edited_by_hand(places, edits, items)
    for _ in range(20):
        start, end = sorted(rng.choice(LENGTH + 1, 2, replace=False))
        inside = [new for new, place in enumerate(places) if start <= place <= end - 1]
        (new_start,), (new_end,) = edited.edited_intervals("chr1", np.array([start]), np.array([end]))
        assert list(range(new_start, new_end)) == inside
    pairs = [(old, new + old - first) for first, last, new in edited.counterparts("chr1") for old in range(first, last)]
    assert pairs == [(place, new) for new, place in enumerate(places) if isinstance(place, int)]


@pytest.mark.parametrize(
    ("edits", "found"),
    [
        ([Edit("chr9", 0, 1, b"A")], "chromosome 'chr9'"),
        ([Edit("chr2", 3, 5, b"A")], "4-5"),
        ([Edit("chr2", 1, 2, b"-")], "a character that is not a base"),
        ([Edit("chr2", 0, 2, b"A"), Edit("chr2", 1, 3, b"")], "an overlap with chr2:1-2 to A"),
        ([Edit("chr2", 2, 2, b"A"), Edit("chr2", 2, 2, b"C")], "an overlap with A inserted after chr2:2"),
    ],
)
def test_impossible_edits_are_refused(genome: Genome, edits: list[Edit], found: str) -> None:
    with pytest.raises(InputError) as error:
        EditedGenome(genome, edits)
    assert error.value.args[1] == found

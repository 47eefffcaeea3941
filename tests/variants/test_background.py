"""Matched random changes: like the variants, near them, random and repeatable."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from genomes import make_genome
from scipy.stats import chisquare
from vcf_files import row, write_vcf_text

from rnatracks.genome.edits import Edit
from rnatracks.genome.sequence import Genome
from rnatracks.variants.background import matched_changes
from rnatracks.vcf.normalise import left_aligned
from rnatracks.vcf.record_alleles import Variant
from rnatracks.vcf.variants import read_variants

LENGTH, DISTANCE = 6000, 500


@pytest.fixture
def sequence() -> str:
    rng = np.random.default_rng(5)
    bases = rng.choice([*"ACGT"], LENGTH)
    bases[2000:2400] = "N"
    return "".join(bases)


@pytest.fixture
def genome(tmp_path: Path, sequence: str) -> Genome:
    return make_genome(tmp_path, {"c": sequence, "d": "ACGT" * 20})


def variant(genome: Genome, start: int, end: int, replacement: str) -> Variant:
    edit = left_aligned(genome, Edit("c", start, end, replacement.encode()))
    return Variant(5, "c", start + 1, "v", "?", "?", edit)


def other(sequence: str, at: int) -> str:
    return "CGTA"["ACGT".index(sequence[at])]


def kind(edit: Edit, sequence: str) -> tuple:
    """Lengths of both sides, and which bases of a substitution differ."""
    old, new = sequence[edit.start : edit.end], edit.replacement.decode()
    return len(old), len(new), tuple(a != b for a, b in zip(old, new, strict=False)) if len(old) == len(new) else ()


def test_changes_are_like_the_variants_and_near_them(genome: Genome, sequence: str) -> None:
    middle = sequence[1001] + other(sequence, 1002)
    variants = [
        variant(genome, 100, 101, other(sequence, 100)),
        variant(genome, 1000, 1003, other(sequence, 1000) + middle),
        variant(genome, 1900, 1900, "ACGTT"),
        variant(genome, 3000, 3020, ""),
        variant(genome, 4000, 4002, other(sequence, 4000) + "AC" + other(sequence, 4001)),
    ]
    changes = matched_changes(variants, genome, 500, seed=1, distance=DISTANCE)
    assert len({change.edit for change in changes}) == 500
    assert [change.edit for change in changes] == sorted(change.edit for change in changes)
    assert [change.id for change in changes] == [f"background_c_{n}" for n in range(1, 501)]
    counts = Counter()
    for change in changes:
        edit = change.edit
        assert sequence[: edit.start] + edit.replacement.decode() + sequence[edit.end :] != sequence
        assert "N" not in sequence[edit.start - 1 : edit.end + 1]
        matches = [
            number
            for number, each in enumerate(variants)
            if kind(each.edit, sequence) == kind(edit, sequence) and abs(each.edit.start - edit.start) <= DISTANCE
        ]
        assert matches
        counts.update(matches)
        # As written in the file, they are the same edits again.
        assert sequence[change.pos - 1 :].startswith(change.ref)
    assert set(counts) == set(range(5))
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_changes_read_from_a_file_are_the_same_edits(genome: Genome, sequence: str, tmp_path: Path) -> None:
    variants = [variant(genome, 3000, 3003, ""), variant(genome, 900, 900, "AC"), variant(genome, 40, 41, "A")]
    changes = matched_changes(variants, genome, 60, seed=2, distance=DISTANCE)
    path = write_vcf_text(tmp_path / "a.vcf", [row("c", each.pos, each.ref, each.alt, each.id) for each in changes])
    read = read_variants(path, genome, "c")
    assert [(each.edit, each.id, each.pos) for each in read] == [(each.edit, each.id, each.pos) for each in changes]


def test_places_and_bases_are_uniform(genome: Genome, sequence: str) -> None:
    variants = [variant(genome, 5000, 5001, other(sequence, 5000))]
    changes = matched_changes(variants, genome, 1500, seed=3, distance=DISTANCE)
    places = np.array([change.edit.start for change in changes])
    assert 4500 <= places.min() < 4510
    assert 5490 < places.max() <= 5500
    assert chisquare(np.bincount((places - 4500) // 91)).pvalue > 0.001
    shifts = [("ACGT".index(change.alt) - "ACGT".index(change.ref)) % 4 for change in changes]
    assert chisquare([shifts.count(step) for step in (1, 2, 3)]).pvalue > 0.001


def test_a_seed_gives_the_same_changes_in_any_order_of_variants(genome: Genome, sequence: str) -> None:
    variants = [variant(genome, at, at + 1, other(sequence, at)) for at in (100, 2500, 5000)]
    changes = matched_changes(variants, genome, 50, seed=4, distance=DISTANCE)
    assert matched_changes(variants[::-1], genome, 50, seed=4, distance=DISTANCE) == changes
    assert matched_changes(variants, genome, 50, seed=5, distance=DISTANCE) != changes


def test_all_possible_changes_are_found_and_a_warning_given(
    genome: Genome, sequence: str, caplog: pytest.LogCaptureFixture
) -> None:
    variants = [variant(genome, 3000, 3001, base) for base in "ACGT" if base != sequence[3000]]
    changes = matched_changes(variants, genome, 100, seed=6, distance=2)
    expected = {(at, base) for at in (2998, 2999, 3001, 3002) for base in "ACGT" if base != sequence[at]}
    assert {(change.edit.start, change.alt) for change in changes} == expected
    assert "only 12 of 100 matched random changes were found within 2 bases of 3 variants" in caplog.text


@pytest.mark.parametrize("variants", [[], [Variant(3, "d", 1, ".", "A", "A", Edit("d", 0, 1, b"A"))]])
def test_without_a_change_to_match_there_is_none(
    genome: Genome, variants: list[Variant], caplog: pytest.LogCaptureFixture
) -> None:
    assert matched_changes(variants, genome, 3, seed=1, distance=9) == []
    assert "only 0 of 3" in caplog.text


def test_changes_stay_on_their_chromosome(genome: Genome) -> None:
    edits = [Edit("d", 1, 2, b"A"), Edit("d", 70, 76, b"")]
    variants = [Variant(3, "d", edit.start, ".", "?", "?", edit) for edit in edits]
    changes = matched_changes(variants, genome, 100, seed=1, distance=1000)
    assert {change.chrom for change in changes} == {"d"}
    assert all(0 <= change.edit.start <= change.edit.end <= 80 for change in changes)
    assert changes[0].id == "background_d_1"

"""Trimming and left-alignment, against all edits that give the same sequence."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from genomes import make_genome

from rnatracks.genome.edits import Edit
from rnatracks.vcf.normalise import left_aligned, trimmed, vcf_alleles


def leftmost(sequence: str, start: int, ref: str, alt: str) -> tuple[int, int, str]:
    """Oracle: the first of the smallest edits that turn the sequence into the same one."""
    changed = sequence[:start] + alt + sequence[start + len(ref) :]
    growth = len(changed) - len(sequence)
    for size in itertools.count(max(-growth, 0)):
        for left in range(len(sequence) - size + 1):
            new = changed[left : left + size + growth]
            if sequence[:left] + new + sequence[left + size :] == changed:
                return left, left + size, new
    raise AssertionError


@pytest.mark.parametrize("seed", range(40))
def test_random_alleles_give_the_leftmost_smallest_edit(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sequence = "".join(rng.choice([*"ACGT"][: 1 + seed % 3], 30))  # repeats of one to three letters
    genome = make_genome(tmp_path, {"c": sequence})
    for _ in range(20):
        start, end = sorted(rng.integers(0, 31, 2).tolist())
        ref, alt = sequence[start:end], "".join(rng.choice([*"ACGT"][: 2 + seed % 3], int(rng.integers(0, 6))))
        if ref == alt:
            continue
        place, old, new = trimmed(start, ref, alt)
        edit = left_aligned(genome, Edit("c", place, place + len(old), new.encode()))
        expected = leftmost(sequence, start, ref, alt)
        if edit.replacement and edit.end > edit.start:  # several smallest ones are possible: trimming does not choose
            assert (edit.start, edit.end, edit.replacement.decode()) == (place, place + len(old), new)
            assert (old[0], old[-1]) != (new[0], new[-1])
            assert sequence[:place] + new + sequence[place + len(old) :] == sequence[:start] + alt + sequence[end:]
        else:
            assert (edit.start, edit.end, edit.replacement.decode()) == expected


def test_long_repeats_are_crossed_to_their_start(tmp_path: Path) -> None:
    genome = make_genome(tmp_path, {"c": "G" + "CAT" * 1000 + "GG", "d": "A" * 500})
    assert left_aligned(genome, Edit("c", 2998, 3001, b"")) == Edit("c", 1, 4, b"")
    assert left_aligned(genome, Edit("c", 3001, 3001, b"CATCAT")) == Edit("c", 1, 1, b"CATCAT")
    assert left_aligned(genome, Edit("c", 3000, 3000, b"CATCA")) == Edit("c", 2995, 2995, b"CATCA")
    assert left_aligned(genome, Edit("d", 500, 500, b"A")) == Edit("d", 0, 0, b"A")
    assert left_aligned(genome, Edit("d", 490, 500, b"")) == Edit("d", 0, 10, b"")


def test_an_indel_stops_at_an_unknown_base(tmp_path: Path) -> None:
    genome = make_genome(tmp_path, {"c": "AANAAA"})
    assert left_aligned(genome, Edit("c", 6, 6, b"A")) == Edit("c", 3, 3, b"A")
    assert left_aligned(genome, Edit("c", 5, 6, b"")) == Edit("c", 3, 4, b"")


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Edit("c", 1, 2, b"T"), (2, "C", "T")),
        (Edit("c", 1, 1, b"TT"), (1, "A", "ATT")),
        (Edit("c", 1, 3, b""), (1, "ACG", "A")),
        (Edit("c", 1, 3, b"T"), (2, "CG", "T")),
        (Edit("c", 0, 0, b"G"), (1, "A", "GA")),
        (Edit("c", 0, 2, b""), (1, "ACG", "G")),
        (Edit("c", 4, 4, b"G"), (4, "T", "TG")),
    ],
)
def test_an_edit_is_written_as_vcf_does(tmp_path: Path, edit: Edit, expected: tuple[int, str, str]) -> None:
    genome = make_genome(tmp_path, {"c": "ACGT"})
    assert vcf_alleles(genome, edit) == expected
    pos, ref, alt = expected
    start, old, new = trimmed(pos - 1, ref, alt)
    assert Edit("c", start, start + len(old), new.encode()) == edit

"""Planted changes: their effects equal those of an oracle that follows every base of the changed chromosome."""

import gzip
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from rnatracks.config.data import SimulatedGenomeSettings
from rnatracks.errors import InputError
from rnatracks.genome.edits import Edit
from rnatracks.samples.planted_changes import ChangeKind, PlantedChange, draw_changes
from rnatracks.samples.planted_effects import read_planted_effects, write_planted_effects
from rnatracks.samples.planted_levels import levels_after
from rnatracks.samples.planted_vcf import write_planted_variants
from rnatracks.samples.simulate import SILENT, SimulatedGene, SimulatedGenome, reverse_complement, simulate_genome
from rnatracks.vocabulary import Strand

COUNT = 210
SETTINGS = SimulatedGenomeSettings(seed=5, chromosomes={"a": 60_000, "b": 60_000}, gap=500)


@pytest.fixture(scope="module")
def genome() -> SimulatedGenome:
    return simulate_genome(SETTINGS)


@pytest.fixture(scope="module")
def planted(genome: SimulatedGenome) -> dict[str, PlantedChange]:
    drawn = draw_changes(genome, chromosomes=["a", "b"], count=COUNT, seed=5)
    return {f"planted_{number}": each for number, each in enumerate(drawn)}


@dataclass(frozen=True)
class Base:
    """A base of the changed chromosome: its letter, where it was before (-1 if inserted), and its exon."""

    letter: str
    old: int
    exon: int


def changed_bases(genome: SimulatedGenome, gene: SimulatedGene, change: Edit) -> list[Base]:
    """The bases of a gene after a change."""
    letters = genome.sequences[gene.chrom].tobytes().decode()
    exons = {base: number for number, exon in enumerate(gene.exons) for base in range(*exon)}
    new = change.replacement.decode()
    same = not change.growth
    inserted = [
        Base(letter, change.start + at if same else -1, exons.get(change.start + at if same else change.start - 1, -1))
        for at, letter in enumerate(new)
    ]
    kept = [Base(letters[at], at, exons.get(at, -1)) for at in range(gene.start, gene.end)]
    inside = inserted if gene.start <= change.start and change.end <= gene.end else []
    left = [base for base in kept if base.old < change.start]
    return [*left, *inside, *(base for base in kept if base.old >= change.end)]


def expected(genome: SimulatedGenome, gene: SimulatedGene, change: Edit) -> tuple[float, ...]:
    """The rule, base by base: the mean over what became of the gene's words, and over the words that were made."""
    bases = changed_bases(genome, gene, change)
    before = genome.sequences[gene.chrom][gene.start : gene.end].tobytes().decode()
    after = "".join(base.letter for base in bases)
    found, own_levels = [], {}
    for at in range(len(bases) - 5):
        window = bases[at : at + 6]
        text = after[at : at + 6].encode()
        text = text if gene.strand is Strand.PLUS else reverse_complement(text)
        if len({base.exon for base in window}) == 1 and window[0].exon >= 0:
            first = window[0].old
            there = first >= 0 and [base.old for base in window] == list(range(first, first + 6))
            if there and first in gene.words:
                own_levels[first] = genome.levels.get(text)
                continue
            # The same up to here, or from here on: also where it is open which of equal bases were inserted or deleted.
            old = there and before[first - gene.start :][:6] == after[at : at + 6]
            if not (old or before.startswith(after[: at + 6]) or before.endswith(after[at:])):
                found.append(genome.levels.get(text))
    remaining = {base.old for base in bases}
    levels = [own_levels.get(word) or SILENT for word in gene.words if {*range(word, word + 6)} & remaining]
    levels += [level for level in found if level is not None]
    return tuple(np.mean(levels, axis=0)) if levels else SILENT


def test_words_of_genes_spell_their_class(genome: SimulatedGenome) -> None:
    for gene in genome.genes:
        assert bool(gene.words) or gene.levels == SILENT
        assert levels_after(genome, gene, Edit(gene.chrom, gene.start, gene.start, b"")) == gene.levels
        for word in gene.words:
            text = genome.sequences[gene.chrom][word : word + 6].tobytes()
            text = text if gene.strand is Strand.PLUS else reverse_complement(text)
            assert genome.levels[text] == gene.levels
            assert any(start <= word and word + 6 <= end for start, end in gene.exons)
        inside = sum(end - start for start, end in gene.exons)
        assert not gene.words or len(gene.words) > inside / 25  # about one in ten bases, fewer where genes overlap


@pytest.mark.parametrize("seed", range(4))
def test_levels_are_those_of_the_changed_bases(seed: int) -> None:
    """Of every gene of the chromosome, also of those that the table does not list."""
    genome = simulate_genome(SETTINGS.model_copy(update={"seed": seed}))
    for each in draw_changes(genome, chromosomes=["b"], count=70, seed=seed):
        listed = {effect.gene_id: effect for effect in each.effects}
        for gene in genome.genes:
            change = each.change
            if gene.chrom == change.chrom and gene.start <= change.end + 500 and gene.end >= change.start - 500:
                after = expected(genome, gene, each.change)
                known = listed.get(gene.gene_id)
                assert (known.after if known else gene.levels) == pytest.approx(after, rel=1e-12), (each, gene)
                assert known is None or known.before == gene.levels


def test_levels_of_hand_made_changes() -> None:
    """Two words of ten bases apart in one exon, AAACCC of level (4, 0) and AAAGGG of (1, 4)."""
    text = b"TT" + b"AAACCC" + b"TCTC" + b"AAACCC" + b"TTTTTTTTTT"
    levels = {b"AAACCC": (4, 0), b"AAAGGG": (1, 4)}
    gene = SimulatedGene("g", "c", Strand.PLUS, ((1, len(text)),), (4, 0), (2, 12))
    genome = SimulatedGenome({"c": np.frombuffer(text, np.uint8)}, (gene,), levels)
    for start, end, new, after in (
        (2, 8, b"AAAGGG", (2.5, 2)),
        (5, 6, b"G", (2, 0)),
        (5, 8, b"GGG", (2.5, 2)),
        (2, 12, b"", (4, 0)),
        (2, 18, b"", (0, 0)),
        (4, 8, b"", (2, 0)),
        (9, 9, b"AAAGGG", (3, 4 / 3)),
        (7, 7, b"C", (4, 0)),  # the word is intact again, one base to the right
        (20, 20, b"AAACC", (4, 0)),
        (18, 21, b"AGG", (4, 0)),
        (20, 26, b"AAAGGG", (3, 4 / 3)),
    ):
        assert levels_after(genome, gene, Edit("c", start, end, new)) == pytest.approx(after), (start, end, new)


def test_kinds_are_equally_frequent_and_do_what_they_say(planted: dict[str, PlantedChange]) -> None:
    assert Counter(each.kind for each in planted.values()) == dict.fromkeys(ChangeKind, COUNT // len(ChangeKind))
    for each in planted.values():
        moved = any(effect.before != effect.after for effect in each.effects)
        size, growth = each.change.end - each.change.start, each.change.growth
        match each.kind:
            case ChangeKind.OUTSIDE:
                assert not moved and abs(growth) <= 8
            case ChangeKind.WORDS_DELETED:
                assert growth == -size <= -6
            case ChangeKind.WORDS_INSERTED:
                assert size == 0 and 8 <= growth <= 72
            case _:
                assert moved and growth == 0 and 6 <= size <= 320
    sizes = [each.change.growth for each in planted.values() if each.kind is ChangeKind.OUTSIDE]
    assert min(sizes) < 0 < max(sizes) and 0 in sizes


def test_written_variants_are_those_that_were_drawn(
    genome: SimulatedGenome, planted: dict[str, PlantedChange], tmp_path: Path
) -> None:
    """Read as text: each allele, put into the chromosome, gives the changed chromosome."""
    write_planted_variants(genome, planted, tmp_path / "planted.vcf.gz")
    lines = gzip.decompress((tmp_path / "planted.vcf.gz").read_bytes()).decode().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert [row[2] for row in rows] == list(planted)
    assert [(row[0], int(row[1])) for row in rows] == sorted((row[0], int(row[1])) for row in rows)
    for chrom, pos, name, ref, alt, *_ in rows:
        old, change = genome.sequences[chrom].tobytes().decode(), planted[name].change
        first = int(pos) - 1
        assert old[first : first + len(ref)] == ref and ref and alt
        new = old[: change.start] + change.replacement.decode() + old[change.end :]
        assert old[:first] + alt + old[first + len(ref) :] == new
    pysam.tabix_index(str(tmp_path / "planted.vcf.gz"), preset="vcf")  # it is bgzipped and sorted


def test_table_of_effects_has_each_gene_and_cell_type(planted: dict[str, PlantedChange], tmp_path: Path) -> None:
    write_planted_effects(planted, ["NA", "x"], tmp_path / "effects.tsv")
    table = read_planted_effects(tmp_path / "effects.tsv")
    assert len(table) == 2 * sum(len(each.effects) for each in planted.values())
    assert table["cell_type"].unique().tolist() == ["NA", "x"]
    row = table.iloc[1]
    effect = planted[row["id"]].effects[0]
    assert row[["level_before", "level_after"]].tolist() == pytest.approx([effect.before[1], effect.after[1]], rel=1e-8)
    assert isinstance(table, pd.DataFrame) and not table.isna().any(axis=None)


def test_changes_depend_on_the_seed_only(genome: SimulatedGenome) -> None:
    draws = [draw_changes(genome, chromosomes=["a"], count=14, seed=seed) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert {each.change.chrom for each in draws[0]} == {"a"}


def test_more_changes_than_there_is_room_for_are_refused(genome: SimulatedGenome) -> None:
    with pytest.raises(InputError, match=r"simulate\.variants: found 3; expected at most 0 for c"):
        draw_changes(genome, chromosomes=["c"], count=3, seed=0)

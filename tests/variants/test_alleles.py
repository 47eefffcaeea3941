"""Both alleles of an edit, against an edited FASTA and GTF that are predicted and summed from the beginning."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from models import random_bases, small_model, write_fasta
from numpy.typing import NDArray

from rnatracks.genome.annotation import Annotation, own_exons, read_gtf
from rnatracks.genome.edits import Edit
from rnatracks.genome.sequence import COMPLEMENT, Genome
from rnatracks.genome.tables import on_strand
from rnatracks.genome.windows import tile_starts
from rnatracks.model.network import CoverageModel
from rnatracks.prediction.predict import Precision, TilePlan, predict_region
from rnatracks.prediction.stitching import Stitch
from rnatracks.tracks.bigwig import Coverage, write_coverage
from rnatracks.tracks.expression import exonic_means
from rnatracks.variants.alleles import AllelePair, Alleles
from rnatracks.variants.effects import GeneEffects, largest_base_change
from rnatracks.vocabulary import Strand

CHROM, LENGTH, SIZE = "chr1", 500, 64
STRANDS = (Strand.PLUS, Strand.MINUS)
TILES = TilePlan(size=SIZE, overlap=24, stitch=Stitch.BLEND)
# One tile a pass, because the last bits of a product can depend on the number of rows.
ONE_BY_ONE = {"precision": Precision(bf16=False, digits=4), "batch_size": 1}
# Exons by gene: short and long, one base, next to N, at both ends, overlapping on either strand.
GENES = {
    "first": ("+", [(0, 9), (20, 31)]),
    "opposite": ("-", [(5, 25)]),
    "long": ("+", [(40, 70), (90, 91), (150, 215), (300, 330)]),
    "shared": ("+", [(160, 180), (190, 235)]),
    "beside_n": ("-", [(236, 240), (246, 262)]),
    "last": ("-", [(430, 460), (471, 500)]),
}


@pytest.fixture(scope="module")
def sequence() -> str:
    """500 bases with 6 unknown ones."""
    bases = random_bases(np.random.default_rng(1), LENGTH)
    return bases[:240] + "N" * 6 + bases[246:]


@pytest.fixture
def genome(tmp_path: Path, sequence: str) -> Genome:
    return Genome(write_fasta(tmp_path / "genome.fa", {CHROM: sequence}))


def model_of(kind: str) -> CoverageModel:
    if kind == "language model":
        return small_model(backbone={"is_causal": True})
    strands = {"strands": "reverse_complement"} if kind == "both strands" else {}
    return small_model(backbone={"type": "dilated_cnn"}, **strands)


def alleles_of(model: CoverageModel, genome: Genome, tiles: TilePlan = TILES) -> Alleles:
    return Alleles([model], genome, tiles=tiles, **ONE_BY_ONE)


def all_kinds_of_edits(rng: np.random.Generator, number: int) -> list[Edit]:
    """Substitutions, insertions, deletions and both at once, half of them at the places where mistakes are likely."""
    borders = [border + shift for border in tile_starts(LENGTH, SIZE, 24) for shift in (0, SIZE)]
    borders += [0, LENGTH, 240, 246] + [at for _, exons in GENES.values() for exon in exons for at in exon]
    edits = []
    while len(edits) < number:
        place = int(rng.choice(borders) + rng.integers(-2, 3) if rng.random() < 0.5 else rng.integers(LENGTH))
        old, new = rng.choice([(1, 1), (3, 3), (0, 1), (0, 7), (1, 0), (9, 0), (40, 0), (0, 80), (5, 2), (2, 6)])
        start, end = place, place + old
        if 0 <= start <= end <= LENGTH:
            edits.append(Edit(CHROM, int(start), int(end), random_bases(rng, new).encode()))
    return edits


def whole_track(model: CoverageModel, genome: Genome, tiles: TilePlan = TILES) -> NDArray[np.float32]:
    """Oracle: the prediction of tracks, of every base."""
    stretches = predict_region([model], genome, CHROM, 0, genome.lengths[CHROM], tiles=tiles, **ONE_BY_ONE)
    return np.concatenate([values for _, values in stretches], axis=1)


def edited_places(edit: Edit) -> list[float]:
    """Oracle: of each base of the edited chromosome its old place; an inserted one has that of the gap it is in."""
    kept = list(range(edit.start, edit.end))[: len(edit.replacement)]
    inserted = [edit.start + len(kept) - 0.5] * (len(edit.replacement) - len(kept))
    return [*range(edit.start), *kept, *inserted, *range(edit.end, LENGTH)]


def held_stretch(edit: Edit) -> tuple[int, int]:
    """Oracle: old start and end of the tiles with a changed base, or both neighbours of a deletion, on an allele."""
    left, right = edit.start, edit.end
    for length, bases, growth in (
        (LENGTH, edit.end - edit.start, 0),
        (LENGTH + edit.growth, len(edit.replacement), edit.growth),
    ):
        changed = set(range(edit.start, edit.start + bases))
        for first in tile_starts(length, SIZE, 24):
            tile = set(range(first, first + SIZE))
            if tile & changed or (not changed and {edit.start - 1, edit.start} <= tile):
                left, right = min(left, first), max(right, first + SIZE - growth)
    return left, min(right, LENGTH)


def annotation_of(path: Path, places: list[float]) -> Annotation:
    """Oracle: a GTF whose exons are the runs of bases inside the old ones, as the workflow reads it."""
    lines = []
    for name, (symbol, exons) in GENES.items():
        for start, end in exons:
            inside = [base for base, place in enumerate(places) if start <= place <= end - 1]
            if inside:
                ids = f'gene_id "{name}"; transcript_id "{name}";'
                fields = (CHROM, ".", "exon", inside[0] + 1, inside[-1] + 1, ".", symbol, ".", ids)
                lines.append("\t".join(map(str, fields)))
    path.write_text("\n".join([*lines, ""]))
    return read_gtf(path, {CHROM: len(places)})


def gene_means(path: Path, tracks: NDArray[np.float32], annotation: Annotation) -> list[pd.Series]:
    """Oracle: means of the genes on either strand, as the workflow computes them from a track."""
    means, exons = [], own_exons(annotation.exons)
    for track, strand in zip(tracks, STRANDS, strict=True):
        write_coverage(path, {CHROM: len(track)}, [track])
        with Coverage(path) as coverage:
            means.append(exonic_means(coverage, on_strand(annotation.genes, strand), exons))
    return means


@pytest.mark.parametrize(("kind", "number"), [("convolutions", 50), ("both strands", 20), ("language model", 20)])
def test_random_edits_equal_an_edited_fasta_and_gtf_predicted_again(
    tmp_path: Path, genome: Genome, sequence: str, kind: str, number: int
) -> None:
    model = model_of(kind)
    edits = all_kinds_of_edits(np.random.default_rng([*kind.encode()]), number)
    before = whole_track(model, genome)
    annotation = annotation_of(tmp_path / "genes.gtf", [*range(LENGTH)])
    old_means = gene_means(tmp_path / "track.bw", before, annotation)
    alleles = alleles_of(model, genome)
    exons = own_exons(annotation.exons)
    effects = GeneEffects(alleles, annotation.genes, annotation.exons, dict.fromkeys(STRANDS, exons))
    whole, partial = 0, 0
    for place, (edit, pair) in enumerate(zip(edits, alleles.pairs(edits), strict=True)):
        text = sequence[: edit.start] + edit.replacement.decode() + sequence[edit.end :]
        after = whole_track(model, Genome(write_fasta(tmp_path / f"{place}.fa", {CHROM: text})))
        assert (pair.start, pair.end) == held_stretch(edit)
        new_end = pair.end + edit.growth
        np.testing.assert_array_equal(pair.reference, before[:, pair.start : pair.end])
        np.testing.assert_array_equal(pair.alternative, after[:, pair.start : new_end])
        spliced = np.concatenate(
            [before[:, : pair.start], after[:, pair.start : new_end], before[:, pair.end :]], axis=1
        )
        if edit.growth == 0:  # nothing else has changed
            np.testing.assert_array_equal(spliced, after)
        # The whole chromosome moves as the bases to the right of the change do.
        text = "N" * edit.growth + sequence[max(-edit.growth, 0) :]
        moved = whole_track(model, Genome(write_fasta(tmp_path / f"{place}.moved.fa", {CHROM: text})))
        right = moved[:, edit.end + edit.growth : new_end] if edit.growth else before[:, edit.end : pair.end]
        shifted = np.concatenate([before[:, : edit.end], right, before[:, pair.end :]], axis=1)
        np.testing.assert_array_equal(pair.shifted, shifted[:, pair.start : pair.end])
        shifted_means = gene_means(tmp_path / "shifted.bw", shifted, annotation)
        edited = annotation_of(tmp_path / "edited.gtf", edited_places(edit))
        again, expected = (gene_means(tmp_path / "edited.bw", track, edited) for track in (after, spliced))
        found = effects.of(pair)
        for row in range(2):
            of_track = [effect for effect in found if row in effect.tracks]
            for effect in of_track:
                gene = annotation.genes["gene_id"][effect.gene]
                own = exons[exons["gene_id"] == gene]
                bases = [
                    base for start, end in zip(own["start"], own["end"], strict=True) for base in range(start, end)
                ]
                assert effect.reach == sum(pair.start <= base < pair.end for base in bases) / len(bases)
                np.testing.assert_allclose(effect.reference, [old_means[row][gene]], rtol=1e-12)
                np.testing.assert_allclose(effect.shifted, [shifted_means[row][gene]], rtol=1e-12)
                np.testing.assert_allclose(effect.alternative, [expected[row].get(gene, np.nan)], rtol=1e-12)
                if effect.reach == 1:
                    whole += 1
                    np.testing.assert_allclose(effect.alternative, [again[row].get(gene, np.nan)], rtol=1e-12)
                partial += effect.reach < 1
            reached = {annotation.genes["gene_id"][effect.gene] for effect in of_track}
            pd.testing.assert_series_equal(
                expected[row].drop(reached, errors="ignore"), old_means[row].drop(reached, errors="ignore"), rtol=1e-12
            )
    assert min(whole, partial) > number / 4


def log_ratios(pair: AllelePair, effects: GeneEffects) -> list[float]:
    return [float(np.log2(effect.alternative / effect.reference)[0]) for effect in effects.of(pair)]


def simple_effects(alleles: Alleles) -> GeneEffects:
    """One gene on either strand, over most of the chromosome."""
    genes = pd.DataFrame({"gene_id": ["a", "b"]})
    exons = pd.DataFrame(
        [(CHROM, 10, 470, "a", "+"), (CHROM, 30, 490, "b", "-")], columns=["chrom", "start", "end", "gene_id", "strand"]
    )
    return GeneEffects(alleles, genes, exons, {Strand.PLUS: exons, Strand.MINUS: exons})


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_change_to_the_same_bases_has_no_effect_at_all(genome: Genome, sequence: str, batch_size: int) -> None:
    edits = [Edit(CHROM, at, at + 3, sequence[at : at + 3].encode()) for at in (0, 100, 239, LENGTH - 3)]
    edits += [Edit(CHROM, 0, 0, b""), Edit(CHROM, 77, 77, b""), Edit(CHROM, LENGTH, LENGTH, b"")]
    alleles = Alleles(
        [model_of("language model")], genome, tiles=TILES, precision=ONE_BY_ONE["precision"], batch_size=batch_size
    )
    effects = simple_effects(alleles)
    for pair in alleles.pairs(edits):
        np.testing.assert_array_equal(pair.reference, pair.alternative)
        assert log_ratios(pair, effects) == [0.0, 0.0]
        assert largest_base_change(pair, 0.01)[0].tolist() == [0.0, 0.0]


def test_edits_of_a_batch_are_those_of_one_by_one(genome: Genome) -> None:
    """Up to the last bits, which depend on the size of a batch; also if genes are summed between edits."""
    model = model_of("convolutions")
    edits = sorted(all_kinds_of_edits(np.random.default_rng(5), 30))
    many = Alleles([model, model], genome, tiles=TILES, precision=Precision(bf16=False, digits=None), batch_size=4)
    effects = simple_effects(many)
    for edit, pair in zip(edits, many.pairs(edits), strict=True):
        alone = next(
            Alleles([model], genome, tiles=TILES, precision=Precision(bf16=False, digits=None), batch_size=1).pairs(
                [edit]
            )
        )
        np.testing.assert_allclose(pair.reference, alone.reference, rtol=1e-4)
        np.testing.assert_allclose(pair.alternative, alone.alternative, rtol=1e-4)
        np.testing.assert_allclose(
            [effect.reference[0] for effect in effects.of(pair)],
            [effect.reference[0] for effect in simple_effects(many).of(pair)],
            rtol=1e-6,
        )
    assert many.predicted < 30 * 6


def test_both_forms_of_reading_both_strands_are_mirrored(tmp_path: Path, genome: Genome, sequence: str) -> None:
    """With one tile, because several would not lie in mirrored places."""
    mirrored = COMPLEMENT[np.frombuffer(sequence.encode(), np.uint8)[::-1]].tobytes().decode()
    other = Genome(write_fasta(tmp_path / "mirrored.fa", {CHROM: mirrored}))
    model = small_model(means=(1, 1), backbone={"type": "dilated_cnn"}, strands="reverse_complement")
    tiles = TilePlan(size=LENGTH, overlap=0, stitch=Stitch.BLEND)
    edits = [
        Edit(CHROM, 100, 102, b"AA" if sequence[100] != "A" else b"CC"),
        Edit(CHROM, 499, 500, b"C"),
        Edit(CHROM, 250, 253, b"TGA"),
    ]
    back = [
        Edit(
            CHROM,
            LENGTH - edit.end,
            LENGTH - edit.start,
            COMPLEMENT[np.frombuffer(edit.replacement, np.uint8)[::-1]].tobytes(),
        )
        for edit in edits
    ]
    changed = 0
    forward, backward = alleles_of(model, genome, tiles), alleles_of(model, other, tiles)
    for pair, mirror in zip(forward.pairs(edits), backward.pairs(back), strict=True):
        np.testing.assert_allclose(mirror.alternative[::-1, ::-1], pair.alternative, rtol=2e-3)
        changed += not np.array_equal(pair.alternative, pair.reference)
    assert changed >= 2


def test_neighbouring_variants_share_the_reference(genome: Genome) -> None:
    """200 changes of one tile: each needs its two tiles, and the reference a handful in all."""
    alleles = alleles_of(model_of("convolutions"), genome)
    edits = [Edit(CHROM, 100 + number % 16, 101 + number % 16, base) for number in range(50) for base in (b"A", b"C")]
    for _ in alleles.pairs(sorted(set(edits))):
        pass
    assert alleles.predicted <= 2 * len(set(edits)) + 6


def test_the_largest_change_of_a_base_is_found_where_it_is() -> None:
    class Edited:
        def counterparts(self, chrom: str) -> list[tuple[int, int, int]]:
            return [(0, 12, 0), (14, 100, 12)]

    reference, alternative = np.ones((2, 10), np.float32), np.ones((2, 8), np.float32)
    alternative[0, 3], alternative[0, 1] = 4, 2  # bases 15 and 11 of the reference
    alternative[1, 7], alternative[1, 0] = 0.125, 2
    pair = AllelePair(Edit("chr1", 12, 14, b""), Edited(), 10, 20, reference / 3, alternative, reference)
    changes, places = largest_base_change(pair, 1e-9)
    np.testing.assert_allclose(changes, [2, -3], atol=1e-6)
    assert places.tolist() == [15, 19]


def test_without_any_change_the_place_is_on_the_chromosome(tmp_path: Path) -> None:
    """All bases are unknown, so both alleles are 0 everywhere; one is an insertion after the last base."""
    genome = Genome(write_fasta(tmp_path / "unknown.fa", {CHROM: "N" * 100}))
    alleles = alleles_of(model_of("convolutions"), genome)
    edits = [Edit(CHROM, 0, 0, b"N"), Edit(CHROM, 99, 100, b""), Edit(CHROM, 100, 100, b"N")]
    found = [largest_base_change(pair, 0.01) for pair in alleles.pairs(edits)]
    assert [changes.tolist() for changes, _ in found] == [[0, 0]] * 3
    assert [places.tolist() for _, places in found] == [[0, 0], [99, 99], [99, 99]]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)

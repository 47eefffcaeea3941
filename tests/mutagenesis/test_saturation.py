"""Saturation mutagenesis against genomes that are written with each change and predicted from the beginning."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
from models import random_bases, small_model, write_fasta
from numpy.typing import NDArray

from rnatracks.errors import InputError
from rnatracks.genome.annotation import Annotation
from rnatracks.genome.edits import Edit
from rnatracks.genome.loci import Region
from rnatracks.genome.sequence import Genome
from rnatracks.genome.tables import EXON_COLUMNS, GENE_COLUMNS
from rnatracks.model.network import CoverageModel
from rnatracks.mutagenesis.measured import measured_gene, measured_region
from rnatracks.mutagenesis.saturation import (
    Method,
    Mutagenesis,
    mutagenesis,
    region_to_mutate,
    write_mutagenesis,
)
from rnatracks.prediction.predict import Precision, TilePlan, predict_region
from rnatracks.prediction.stitching import Stitch
from rnatracks.variants.alleles import Alleles

LENGTH, SIZE = 300, 64
PSEUDOCOUNT = 0.01
TILES = TilePlan(size=SIZE, overlap=24, stitch=Stitch.BLEND)
ONE_BY_ONE = {"precision": Precision(bf16=False, digits=None), "batch_size": 1}
GENES = pd.DataFrame(
    [
        ("PLUS", "one", "", "chr1", "+", 20, 180, 90, 0.1),
        ("OTHER", "two", "", "chr1", "+", 160, 170, 10, 1.0),
        ("MINUS", "three", "", "chr1", "-", 200, 290, 50, 0.0),
        ("ALONE", "four", "", "chr2", "+", 10, 30, 20, 0.0),
    ],
    columns=list(GENE_COLUMNS),
)
EXONS = pd.DataFrame(
    [
        ("chr1", 20, 70, "PLUS", "+"),
        ("chr1", 140, 180, "PLUS", "+"),
        ("chr1", 160, 170, "OTHER", "+"),
        ("chr1", 200, 220, "MINUS", "-"),
        ("chr1", 260, 290, "MINUS", "-"),
        ("chr2", 10, 30, "ALONE", "+"),
    ],
    columns=list(EXON_COLUMNS),
)
ANNOTATION = Annotation(GENES, EXONS, EXONS)
OWN = {"PLUS": np.r_[20:70, 140:160, 170:180], "MINUS": np.r_[200:220, 260:290]}


def gene(name: str) -> pd.Series:
    return GENES.set_index("gene_id", drop=False).loc[name]


@pytest.fixture(scope="module")
def sequence() -> str:
    """N at bases 100 to 106."""
    bases = random_bases(np.random.default_rng(1), LENGTH)
    return bases[:100] + "N" * 6 + bases[106:]


@pytest.fixture
def genome(tmp_path: Path, sequence: str) -> Genome:
    return Genome(write_fasta(tmp_path / "genome.fa", {"chr1": sequence, "chr2": "ACGT" * 20}))


@pytest.fixture(scope="module")
def model() -> CoverageModel:
    return small_model(backbone={"type": "dilated_cnn"}, window_size=SIZE)


@pytest.fixture
def alleles(model: CoverageModel, genome: Genome) -> Alleles:
    return Alleles([model], genome, tiles=TILES, **ONE_BY_ONE)


def log_means(model: CoverageModel, path: Path, sequence: str, bases: NDArray[np.integer]) -> NDArray[np.float64]:
    """Oracle: log2(mean coverage of some bases + c) of every track, from a FASTA file with this sequence."""
    genome = Genome(write_fasta(path, {"chr1": sequence}))
    stretches = predict_region([model], genome, "chr1", 0, LENGTH, tiles=TILES, **ONE_BY_ONE)
    coverage = np.concatenate([values for _, values in stretches], axis=1)
    return np.log2(coverage[:, bases].mean(axis=1, dtype=float) + PSEUDOCOUNT)


# Tiles are at 0, 40, 80, ... and 236: chromosome ends, borders of tiles, both sides of N, and an exon's last base.
@pytest.mark.parametrize(
    ("name", "track", "region"),
    [
        ("PLUS", 0, (0, 3)),
        ("PLUS", 0, (62, 66)),
        ("PLUS", 0, (98, 108)),
        ("MINUS", 1, (234, 238)),
        ("MINUS", 1, (297, 300)),
    ],
)
def test_effects_equal_those_of_written_and_predicted_genomes(
    tmp_path: Path, alleles: Alleles, sequence: str, name: str, track: int, region: tuple[int, int]
) -> None:
    start, end = region
    measured = measured_gene(gene(name), ANNOTATION, alleles.model.config.tracks)
    found = mutagenesis(alleles, Region("chr1", start, end), measured, PSEUDOCOUNT)
    assert (found.tracks, found.measured) == ((alleles.model.config.tracks[track],), name)
    assert found.effects.shape == (end - start, 4, 1)
    before = log_means(alleles.model, tmp_path / "before.fa", sequence, OWN[name])[track]
    np.testing.assert_allclose(np.log2(found.reference[0] + PSEUDOCOUNT), before, rtol=1e-6)
    for place in range(start, end):
        for row, base in enumerate("ACGT"):
            effect = found.effects[place - start, row, 0]
            if sequence[place] == "N":
                assert np.isnan(effect)
            elif sequence[place] == base:
                assert effect == 0
            else:
                changed = sequence[:place] + base + sequence[place + 1 :]
                after = log_means(alleles.model, tmp_path / "after.fa", changed, OWN[name])[track]
                assert effect == pytest.approx(after - before, rel=1e-3, abs=1e-6)


def test_effects_equal_those_of_single_variants(model: CoverageModel, genome: Genome) -> None:
    """To the last bit, although neighbouring changes share predictions here."""
    measured = measured_gene(gene("PLUS"), ANNOTATION, model.config.tracks)
    found = mutagenesis(Alleles([model], genome, tiles=TILES, **ONE_BY_ONE), Region("chr1", 60, 64), measured, 0.01)
    assert np.abs(found.effects).max() > 1e-4
    for place in range(60, 64):
        for row, base in enumerate(b"ACGT"):
            alleles = Alleles([model], genome, tiles=TILES, **ONE_BY_ONE)
            (pair,) = alleles.pairs([Edit("chr1", place, place + 1, bytes([base]))])
            (effect,) = measured.effects(alleles).of(pair)
            ratio = np.log2((effect.alternative + 0.01) / (effect.reference + 0.01))
            np.testing.assert_array_equal(found.effects[place - 60, row], ratio.astype(np.float32))


def test_coverage_of_a_region_is_measured_on_all_tracks(tmp_path: Path, alleles: Alleles, sequence: str) -> None:
    region = Region("chr1", 95, 110)
    found = mutagenesis(alleles, region, measured_region(region, alleles.model.config.tracks), PSEUDOCOUNT)
    assert (found.tracks, found.measured) == (("B.plus", "B.minus"), "chr1:96-110")
    changed = sequence[:97] + ("A" if sequence[97] != "A" else "C") + sequence[98:]
    before, after = (
        log_means(alleles.model, tmp_path / "some.fa", bases, np.arange(95, 110)) for bases in (sequence, changed)
    )
    np.testing.assert_allclose(found.effects[2, "ACGT".index(changed[97])], after - before, rtol=1e-3, atol=1e-6)
    assert np.isnan(found.effects[5:11]).all()


def test_a_gene_out_of_reach_is_refused(alleles: Alleles) -> None:
    measured = measured_gene(gene("MINUS"), ANNOTATION, alleles.model.config.tracks)
    for method in Method:
        with pytest.raises(InputError, match="^gene MINUS: found none within reach of chr1:11-13; expected exonic"):
            mutagenesis(alleles, Region("chr1", 10, 13), measured, PSEUDOCOUNT, method)
    with pytest.raises(InputError, match="^gene MINUS: found none within reach of chr2:21-23"):
        mutagenesis(alleles, Region("chr2", 20, 23), measured, PSEUDOCOUNT)


def test_a_base_that_does_not_reach_the_gene_has_no_effect(alleles: Alleles) -> None:
    """The first two bases are in a tile that ends at 184; the gene's first exon begins at 200."""
    measured = measured_gene(gene("MINUS"), ANNOTATION, alleles.model.config.tracks)
    found = mutagenesis(alleles, Region("chr1", 158, 192), measured, PSEUDOCOUNT).effects
    assert (found[:2] == 0).all()
    assert np.abs(found[-1]).max() > 0


def test_genes_that_cannot_be_measured_are_refused() -> None:
    with pytest.raises(InputError, match="^gene OTHER: found no exonic base that it does not share"):
        measured_gene(gene("OTHER"), ANNOTATION, ["B.plus"])
    with pytest.raises(InputError, match="^gene MINUS: found strand -; expected a gene on a strand of .*: B.plus$"):
        measured_gene(gene("MINUS"), ANNOTATION, ["B.plus"])


def test_an_unstranded_track_holds_genes_of_both_strands() -> None:
    exons = pd.concat([EXONS, EXONS.iloc[:1].assign(start=205, end=210, gene_id="ACROSS")])
    measured = measured_gene(gene("MINUS"), Annotation(GENES, exons, exons), ["B.unstranded", "B.plus", "B.minus"])
    assert measured.tracks == [0, 2]
    assert [[*zip(*measured.intervals(track), strict=True)] for track in (0, 2)] == [
        [(200, 205), (210, 220), (260, 290)],
        [(200, 220), (260, 290)],
    ]


@pytest.mark.parametrize(
    ("text", "max_bases", "region"),
    [
        ("chr1:11-20", 10, (10, 20)),
        ("PLUS", 20, (10, 30)),
        ("two", 2000, (0, 300)),
        ("MINUS", 21, (280, 300)),
        ("three", 6, (287, 293)),
    ],
)
def test_a_gene_stands_for_its_start(genome: Genome, text: str, max_bases: int, region: tuple[int, int]) -> None:
    """At its end for a gene on the minus strand; cut off at the ends of the chromosome."""
    assert region_to_mutate(text, GENES, genome, max_bases) == Region("chr1", *region)


@pytest.mark.parametrize(
    ("text", "max_bases", "message"),
    [
        ("chr1:11-31", 20, "locus 'chr1:11-31': found 21 bases; expected at most 20 (--max-bases allows more)"),
        ("chr1:101-106", 20, "locus 'chr1:101-106': found no base but N; expected known bases"),
        ("chr1:1-301", 2000, "locus 'chr1:1-301': found 1-301; expected 1 <= start <= end <= 300"),
        ("five", 20, "locus 'five': found no gene with that name or id"),
        ("chr1:1-2", 0, "max bases: found 0; expected 1 or more"),
    ],
)
def test_a_region_that_cannot_be_mutated_is_refused(genome: Genome, text: str, max_bases: int, message: str) -> None:
    with pytest.raises(InputError) as caught:
        region_to_mutate(text, GENES, genome, max_bases)
    assert str(caught.value).startswith(message)


def test_the_log_counts_windows_before_and_changes_after(alleles: Alleles, caplog: pytest.LogCaptureFixture) -> None:
    """Bases 62 and 63 are in two tiles, 64 and 65 in one: 3 x 6 changed tiles, and the two of the reference."""
    region = Region("chr1", 62, 66)
    with caplog.at_level(logging.INFO):
        mutagenesis(alleles, region, measured_region(region, alleles.model.config.tracks), PSEUDOCOUNT)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "chr1:63-66: 12 changes, about 20 windows of 64 bases"
    assert lines[1].startswith("chr1:63-66: 1 of 12 changes, ") and lines[1].endswith(" s left")
    assert lines[-1].startswith("chr1:63-66: 12 of 12 changes, ")
    assert 18 <= alleles.predicted <= 22


def test_written_files_hold_the_effects(tmp_path: Path, genome: Genome) -> None:
    """Made-up effects; the bigWig has no value at N."""
    rng, bases = np.random.default_rng(0), np.frombuffer(b"ANNCGT", np.uint8)
    effects = rng.normal(size=(6, 4, 2)).astype(np.float32)
    effects[bases[:, None] == np.frombuffer(b"ACGT", np.uint8)] = 0
    effects[1:3] = np.nan
    result = Mutagenesis(
        region=Region("chr1", 99, 105),
        bases=bases,
        effects=effects,
        tracks=("B.plus", "B.minus"),
        measured="PLUS",
        reference=np.array([1.0, 2.0]),
        pseudocount=0.01,
    )
    paths = write_mutagenesis(result, tmp_path / "out", "here", genome)
    assert [path.name for path in paths] == ["here.npz", "here.B.plus.bw", "here.B.minus.bw"]
    with np.load(paths[0]) as arrays:
        np.testing.assert_array_equal(arrays["effects"], effects)
        assert "".join(arrays["bases"]) == "ANNCGT"
        assert (str(arrays["chrom"]), int(arrays["start"]), str(arrays["measured"])) == ("chr1", 99, "PLUS")
    for track, path in enumerate(paths[1:]):
        with pyBigWig.open(str(path)) as file:
            assert file.chroms() == genome.lengths
            values = file.values("chr1", 0, 300, numpy=True)
        expected = np.full(300, np.nan)
        for row in (0, 3, 4, 5):
            expected[99 + row] = sum(effects[row, :, track].astype(float)) / 3
        np.testing.assert_allclose(values, expected, rtol=1e-6)

"""The strongest variants: the choice, their names, and alternative tracks against whole edited chromosomes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bigwigs import read_bases
from models import SPEC, random_bases, small_model, write_fasta
from report.made_up_variants import effects

from rnatracks.genome.edits import Edit
from rnatracks.genome.loci import Region
from rnatracks.genome.sequence import Genome
from rnatracks.prediction.predict import Precision, TilePlan, predict_region
from rnatracks.prediction.stitching import Stitch
from rnatracks.variants.alleles import Alleles
from rnatracks.variants.effect_summary import strongest_of
from rnatracks.variants.top_tracks import write_top
from rnatracks.variants.top_variants import MAX_TOP, choose_top, edit_of, read_top, variant_name
from rnatracks.vocabulary import Strand, Track

TILES = TilePlan(size=128, overlap=64, stitch=Stitch.BLEND)
EXACT = Precision(bf16=False, digits=None)
LENGTHS = {"chr1": 40, "chr2": 900}


@pytest.mark.parametrize(
    ("ref", "alt", "start", "end", "replacement"),
    [
        ("A", "G", 99, 100, b"G"),
        ("a", "g", 99, 100, b"G"),
        ("A", "ATT", 100, 100, b"TT"),
        ("ATT", "A", 100, 102, b""),
        ("CAA", "CA", 100, 101, b""),
        ("ACGT", "TCGA", 99, 103, b"TCGA"),
        ("ACG", "TTTG", 99, 101, b"TTT"),
        ("AC", "AC", 99, 101, b"AC"),
    ],
)
def test_alleles_of_a_vcf_as_an_edit(ref: str, alt: str, start: int, end: int, replacement: bytes) -> None:
    assert edit_of("chr1", 100, ref, alt) == Edit("chr1", start, end, replacement)


def test_names_shorten_long_alleles() -> None:
    assert variant_name("chr1", 1_234_567, "A", "G") == "chr1:1,234,567 A>G"
    assert variant_name("1", 5, "A" * 9, "T", "rs7") == "rs7, 1:5 AAAA…(9)>T"
    assert variant_name("1", 5, "A" * 8, "T", ".") == "1:5 AAAAAAAA>T"


def test_top_has_the_strongest_of_all_sets_once() -> None:
    one, other = strongest_of(effects(1, 50), 20), strongest_of(effects(2, 50), 20)
    other = pd.concat([other, one.head(1).assign(log2_ratio=99.0)], ignore_index=True)
    top = choose_top({"one": one, "other": other, "empty": one.head(0)})
    assert list(top["rank"]) == [1, 2, 3, 4, 5] and len(top) == MAX_TOP
    assert (top["variants"].iloc[0], top["pos"].iloc[0]) == ("other", one["pos"].iloc[0])
    assert not top.duplicated(["pos", "ref_allele", "alt_allele"]).any()
    every = pd.concat([one, other])
    best = every["log2_ratio"].abs().groupby([every[key] for key in ("pos", "ref_allele", "alt_allele")]).max()
    np.testing.assert_array_equal(top["log2_ratio"].abs(), best.nlargest(5))


def test_changes_without_effect_are_not_among_the_top() -> None:
    silent = strongest_of(effects(1, 50), 20).assign(log2_ratio=0.0)
    assert choose_top({"a": silent}).empty
    assert choose_top({"a": silent.head(0), "b": silent.head(0)}).empty


@pytest.fixture
def genome(tmp_path: Path) -> Genome:
    rng = np.random.default_rng(5)
    return Genome(
        write_fasta(tmp_path / "genome.fa", {name: random_bases(rng, size) for name, size in LENGTHS.items()})
    )


@pytest.fixture
def alleles(genome: Genome) -> Alleles:
    backbone = SPEC | {"is_causal": True, "initializer_range": 0.3}
    model = small_model(backbone=backbone, window_size=128, means=(0.5, 0.5), strands="reverse_complement")
    return Alleles([model], genome, tiles=TILES, precision=EXACT, batch_size=3)


def top_table(genome: Genome) -> pd.DataFrame:
    """An SNV, an insertion, a deletion and a deletion at the chromosome's end, as in a VCF."""
    text = genome.bases("chr2", 0, 900).tobytes().decode()
    changes = [
        (301, text[300], "ACGT"["CGTA".index(text[300])]),
        (451, text[450], f"{text[450]}GATTACA"),
        (600, text[599:620], text[599]),
        (899, text[898:900], text[898]),
    ]
    table = strongest_of(effects(1, 50), len(changes))
    table = table.assign(chrom="chr2", pos=[pos for pos, _, _ in changes], track="B.minus")
    table = table.assign(ref_allele=[ref for _, ref, _ in changes], alt_allele=[alt for _, _, alt in changes])
    return choose_top({"eqtl": table})


def edited_coverage(alleles: Alleles, edit: Edit, folder: Path) -> np.ndarray:
    """Both tracks of the edited chromosome, written as a FASTA and predicted as a whole."""
    text = alleles.genome.bases("chr2", 0, 900).tobytes().decode()
    edited = text[: edit.start] + edit.replacement.decode() + text[edit.end :]
    genome = Genome(write_fasta(folder / f"{edit.start}.fa", {"chr2": edited}))
    stretches = predict_region(
        [alleles.model], genome, "chr2", 0, len(edited), tiles=TILES, precision=EXACT, batch_size=5
    )
    return np.concatenate([values for _, values in stretches], axis=1)


def test_alternative_tracks_are_those_of_the_edited_chromosome(
    alleles: Alleles, genome: Genome, tmp_path: Path
) -> None:
    write_top(alleles, top_table(genome), 0.01, tmp_path / "top", tmp_path / "top.tsv")
    top = read_top(tmp_path / "top.tsv", "m")
    assert [each.rank for each in top] == [1, 2, 3, 4]
    for each in top:
        edit, region = each.edit, each.region
        edited = edited_coverage(alleles, edit, tmp_path)
        kept = edit.start + min(edit.end - edit.start, len(edit.replacement))
        for row, track in enumerate((Track("B", Strand.PLUS), Track("B", Strand.MINUS))):
            assert track in each.shown_tracks
            expected = np.full(900, np.nan)
            expected[region.start : kept] = edited[row, region.start : kept]
            expected[edit.end : region.end] = edited[row, edit.end + edit.growth : region.end + edit.growth]
            found = read_bases(tmp_path / "top" / each.bigwig_name(track), "chr2")
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_table_of_the_top_tells_places_and_tracks(
    alleles: Alleles, genome: Genome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rnatracks.variants.top_tracks.MAX_TOP_TRACKS", 1)
    table = top_table(genome)
    write_top(alleles, table, 0.01, tmp_path / "top", tmp_path / "top.tsv")
    top = read_top(tmp_path / "top.tsv", "m")
    snv = next(each for each in top if each.edit.start == 300)
    # Tiles start every 64 bases: those from 192 and 256 hold base 300.
    assert snv.region == Region("chr2", 192, 384)
    row = table.iloc[snv.rank - 1]
    assert (snv.model, snv.variants, snv.gene_id) == ("m", "eqtl", row["gene_id"])
    assert snv.log2_ratio == pytest.approx(row["log2_ratio"], rel=1e-5)
    assert all(each.shown_tracks == (Track("B", Strand.MINUS),) for each in top)
    assert len(list((tmp_path / "top").iterdir())) == 4


def test_no_variant_gives_an_empty_table(alleles: Alleles, tmp_path: Path) -> None:
    none = strongest_of(effects(1, 50), 20).head(0)
    write_top(alleles, choose_top({"a": none}), 0.01, tmp_path / "top", tmp_path / "top.tsv")
    assert read_top(tmp_path / "top.tsv", "m") == []
    assert list((tmp_path / "top").iterdir()) == []

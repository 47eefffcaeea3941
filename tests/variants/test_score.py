"""The table of effects: its rows, what interruptions leave, and what stands next to an effect."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from models import random_bases, small_model, write_fasta

from rnatracks.errors import InputError
from rnatracks.genome.annotation import read_gtf
from rnatracks.genome.edits import Edit
from rnatracks.genome.sequence import Genome
from rnatracks.prediction.predict import Precision, TilePlan
from rnatracks.prediction.stitching import Stitch
from rnatracks.tracks.expression import write_means
from rnatracks.variants.alleles import Alleles
from rnatracks.variants.effect_rows import EffectRows
from rnatracks.variants.effect_table import EFFECT_COLUMNS, ROW_COLUMNS
from rnatracks.variants.effects import GeneEffects, counted_exons
from rnatracks.variants.held_out import add_gene_scores, held_out_gene_scores, score_held_out_genes
from rnatracks.variants.score import Background, fingerprint, score_variants
from rnatracks.vcf.record_alleles import Variant
from rnatracks.vocabulary import Strand

GENES = [("chr1", "+", "left", "LEFT", [(100, 180), (300, 360)]), ("chr1", "-", "right", "RIGHT", [(900, 1000)])]
GENES += [("chr2", "+", "other", "OTHER", [(50, 250)])]


@pytest.fixture
def genome(tmp_path: Path) -> Genome:
    rng = np.random.default_rng(2)
    sequences = {"chr1": random_bases(rng, 1500), "chr2": random_bases(rng, 300)}
    return Genome(write_fasta(tmp_path / "genome.fa", sequences))


def write_gtf(path: Path) -> Path:
    lines = []
    for chrom, strand, gene_id, name, exons in GENES:
        for start, end in exons:
            ids = f'gene_id "{gene_id}"; transcript_id "{gene_id}.1"; gene_name "{name}";'
            lines.append("\t".join(map(str, (chrom, ".", "exon", start + 1, end, ".", strand, ".", ids))))
    path.write_text("\n".join([*lines, ""]))
    return path


def write_variants(path: Path, genome: Genome, places: Sequence[tuple[str, int]]) -> Path:
    """SNVs at 0-based places."""
    lines = ["##fileformat=VCFv4.2", "\t".join(("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"))]
    for number, (chrom, place) in enumerate(places):
        base = chr(genome.bases(chrom, place, place + 1)[0])
        fields = (chrom, place + 1, f"v{number}", base, "ACGT"["ACGT".index(base) - 1], *"...")
        lines.append("\t".join(map(str, fields)))
    path.write_text("\n".join([*lines, ""]))
    return path


PLACES = [("chr1", 120), ("chr1", 250), ("chr1", 950), ("chr1", 1450), ("chr2", 10)]


def rows_of(genome: Genome, folder: Path, **changes: object) -> EffectRows:
    annotation = read_gtf(write_gtf(folder / "genes.gtf"), genome.lengths)
    model = small_model(backbone={"type": "dilated_cnn"}, window_size=128)
    tiles = TilePlan(size=128, overlap=64, stitch=Stitch.BLEND)
    alleles = Alleles([model], genome, tiles=tiles, precision=Precision(bf16=False, digits=4), batch_size=2)
    return EffectRows(alleles, annotation, annotation.genes, "leave_out", 0.01, **changes)


def score(genome: Genome, folder: Path, **changes: object) -> pd.DataFrame:
    source = folder / "some.vcf"
    if not source.exists():
        write_variants(source, genome, PLACES)
    options = {"chromosomes": ["chr1", "chr2"], "gene_scores": {"B.plus": 0.5}, "background": None, "recipe": "1"}
    rows = changes.pop("rows", None) or rows_of(genome, folder)
    score_variants(source, folder / "out" / "some.tsv.gz", rows, **options | changes)
    return pd.read_csv(folder / "out" / "some.tsv.gz", sep="\t", keep_default_na=False, na_values={"log2_ratio": [""]})


def test_rows_say_what_a_variant_does_to_each_gene_in_reach(genome: Genome, tmp_path: Path) -> None:
    table = score(genome, tmp_path)
    assert tuple(table.columns) == EFFECT_COLUMNS
    found = {(row.id, row.track): row for row in table.itertuples()}
    assert len(found) == len(table) == 10, "one gene or none a track here"
    exonic = found["v0", "B.plus"]
    assert (exonic.gene_id, exonic.gene_name, exonic.strand, exonic.consequence) == ("left", "LEFT", "+", "exon")
    assert (exonic.pos, exonic.tss_distance, exonic.gene_score) == (121, "20", "0.5")
    # Tiles at 0 and 64 hold base 120: they cover the first exon, and nothing of the second.
    assert exonic.reach == "0.571429"
    assert (found["v1", "B.plus"].consequence, found["v1", "B.plus"].tss_distance) == ("intron", "150")
    assert (found["v2", "B.minus"].gene_id, found["v2", "B.minus"].tss_distance) == ("right", "49")
    assert (found["v2", "B.plus"].gene_id, found["v2", "B.plus"].consequence) == ("", ""), "there is a gene"
    assert (found["v3", "B.plus"].gene_id, found["v3", "B.plus"].consequence) == ("", "intergenic")
    assert np.isnan(found["v3", "B.plus"].log2_ratio)
    assert float(found["v3", "B.plus"].largest_base_log2_ratio) != 0
    assert (found["v4", "B.plus"].gene_id, found["v4", "B.plus"].consequence) == ("other", "promoter")


def test_numbers_are_those_of_the_alleles(genome: Genome, tmp_path: Path) -> None:
    rows = rows_of(genome, tmp_path)
    table = score(genome, tmp_path, rows=rows).set_index(["id", "track"])
    annotation = read_gtf(tmp_path / "genes.gtf", genome.lengths)
    counted = {strand: counted_exons(annotation, strand, "leave_out") for strand in Strand}
    effects = GeneEffects(rows.alleles, annotation.genes, annotation.exons, counted)
    base = chr(genome.bases("chr1", 950, 951)[0])
    edit = Edit("chr1", 950, 951, "ACGT"["ACGT".index(base) - 1].encode())
    (effect,) = effects.of(next(rows.alleles.pairs([edit])))
    row = table.loc["v2", "B.minus"]
    means = [effect.reference[0], effect.alternative[0]]
    np.testing.assert_allclose([float(row["ref"]), float(row["alt"])], means, rtol=1e-5)
    ratio = np.log2((effect.alternative[0] + 0.01) / (effect.reference[0] + 0.01))
    np.testing.assert_allclose(row["log2_ratio"], ratio, rtol=1e-4)


def test_without_a_base_that_both_alleles_have_no_change_is_given(genome: Genome, tmp_path: Path) -> None:
    """The deletion of a whole chromosome; one of a base after it has a change and a place."""
    rows = rows_of(genome, tmp_path)
    edits = [Edit("chr2", 0, 300, b""), Edit("chr2", 299, 300, b"")]
    variants = [Variant(0, "chr2", 1, str(number), "N", "N", edit) for number, edit in enumerate(edits)]
    for (*_, alt, ratio, _, change, place), is_empty in zip(
        (of_track for of_variant in rows.of(variants) for of_track in of_variant if of_track[5]),
        (True, False),
        strict=True,
    ):
        assert [bool(np.isnan(number)) for number in (alt, ratio, change)] == [is_empty] * 3
        assert (place == "") == is_empty


class StoppedHereError(RuntimeError):
    pass


def test_an_interrupted_table_continues_by_chromosome(
    genome: Genome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done is not done again, and the table is that of a run without a break."""
    whole = score(genome, tmp_path, background=Background(20, 3, 128))
    names = ("some.tsv.gz", "some.background.tsv.gz", "some.skipped.tsv")
    expected = {name: (tmp_path / "out" / name).read_bytes() for name in names}
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    scored: list[str] = []
    of = EffectRows.of

    def watched(self: EffectRows, variants: Sequence) -> object:
        scored.append(variants[0].chrom)
        if fails and scored[-1] == "chr2":
            raise StoppedHereError
        return of(self, variants)

    monkeypatch.setattr(EffectRows, "of", watched)
    fails = True
    with pytest.raises(StoppedHereError):
        score(genome, tmp_path, background=Background(20, 3, 128))
    assert not (tmp_path / "out" / "some.tsv.gz").exists()
    fails, first = False, len(scored)
    pd.testing.assert_frame_equal(score(genome, tmp_path, background=Background(20, 3, 128)), whole)
    assert set(scored[:first]) == {"chr1", "chr2"}
    assert set(scored[first:]) == {"chr2"}
    assert {name: (tmp_path / "out" / name).read_bytes() for name in names} == expected
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(names), "parts are removed"


@pytest.mark.parametrize("change", ["nothing", "vcf", "recipe", "columns"])
def test_parts_of_another_file_or_recipe_are_not_used(
    genome: Genome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The part of chr1 is changed, so that its use is seen in the table."""
    of = EffectRows.of

    def stops(self: EffectRows, variants: Sequence) -> object:
        if variants[0].chrom == "chr2":
            raise StoppedHereError
        return of(self, variants)

    with monkeypatch.context() as patch:
        patch.setattr(EffectRows, "of", stops)
        if change == "columns":  # of another version
            patch.setattr("rnatracks.variants.score.ROW_COLUMNS", ROW_COLUMNS[:-1])
        with pytest.raises(StoppedHereError):
            score(genome, tmp_path)
    (part,) = (tmp_path / "out" / "some.parts").glob("chr1.*")
    part.write_bytes(gzip.compress(gzip.decompress(part.read_bytes()).replace(b"chr1\t121\t", b"chr1\t77\t")))
    if change == "vcf":
        write_variants(tmp_path / "some.vcf", genome, [("chr1", 130), ("chr2", 10)])
    table = score(genome, tmp_path, recipe="2" if change == "recipe" else "1", gene_scores={})
    places = {"vcf": {131, 11}, "nothing": {77, 251, 951, 1451, 11}}
    assert set(table["pos"]) == places.get(change, {place + 1 for _, place in PLACES})


def test_percentiles_are_among_random_changes_of_the_same_track(genome: Genome, tmp_path: Path) -> None:
    table = score(genome, tmp_path, background=Background(60, 1, 128))
    random = pd.read_csv(tmp_path / "out" / "some.background.tsv.gz", sep="\t")
    assert random["id"].nunique() == 60
    for row in table.dropna(subset="log2_ratio").itertuples():
        others = random.loc[(random["track"] == row.track), "log2_ratio"].dropna().abs()
        assert float(row.percentile) == pytest.approx(100 * (others < abs(row.log2_ratio)).mean(), abs=1e-4)
    assert (table.loc[table["log2_ratio"].isna(), "percentile"] == "").all()


def test_a_fingerprint_is_of_files_and_settings(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_text("1")
    prints = [fingerprint([path], {"a": 1}), fingerprint([path], {"a": 1}), fingerprint([path], {"a": 2})]
    path.write_text("22")
    prints.append(fingerprint([path], {"a": 1}))
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_held_out_scores_are_those_of_the_model(tmp_path: Path) -> None:
    table = tmp_path / "gene_expression.tsv"
    lines = ["model\tcell_type\tstrand\tsplit\tpearson_log1p", "a\tNA\tplus\ttest\t0.5", "a\tNA\tplus\ttrain\t0.9"]
    table.write_text("\n".join([*lines, "b\tNA\tplus\ttrain\t0.8", "a\tNA\tminus\ttest\t", ""]))
    assert held_out_gene_scores(table, "a") == {"NA.plus": 0.5}
    assert held_out_gene_scores(table, "b") == {}
    with pytest.raises(InputError, match="no score of model 'c'; expected one of a, b"):
        held_out_gene_scores(table, "c")


def test_scores_that_are_added_later_give_the_same_table(genome: Genome, tmp_path: Path) -> None:
    score(genome, tmp_path, gene_scores={})
    (tmp_path / "out" / "some.tsv.gz").rename(tmp_path / "without.tsv.gz")
    score(genome, tmp_path, gene_scores={"B.plus": 0.123456789})
    add_gene_scores(tmp_path / "without.tsv.gz", {"B.plus": 0.123456789}, tmp_path / "with.tsv.gz")
    assert (tmp_path / "with.tsv.gz").read_bytes() == (tmp_path / "out" / "some.tsv.gz").read_bytes()


def test_held_out_scores_are_computed_on_the_genes_of_a_strand(tmp_path: Path) -> None:
    """Of eight genes, five are on the held-out chromosome and the strand of the track, one of them without a value."""
    rng = np.random.default_rng(4)
    place = {"chrom": ["chr3"] * 6 + ["chr1"] * 2, "strand": [*"++-++++-"]}
    genes = pd.DataFrame({"gene_id": [*"abcdefgh"], **place}).sample(frac=1, random_state=1)
    names, values = ("NA.plus", "NA.minus", "B.unstranded"), rng.lognormal(0, 2, (2, 3, 8))
    paths: list[list[Path]] = [[], []]
    for kind, track in np.ndindex(2, 3):
        means = pd.DataFrame({"mean": values[kind, track], "gene_body": 0.0}, index=pd.Index([*"abcdefgh"]))
        means.loc["e"] = np.nan
        paths[kind].append(tmp_path / f"{kind}.{track}.tsv.gz")
        write_means(means, paths[kind][-1])
    scores = score_held_out_genes(genes, ["chr3"], names, *paths)
    logs = np.log1p(values)
    plus, both = (np.corrcoef(*logs[:, track, used])[0, 1] for track, used in ((0, [0, 1, 3, 5]), (2, [0, 1, 2, 3, 5])))
    assert scores == pytest.approx({"NA.plus": plus, "B.unstranded": both})
    assert score_held_out_genes(genes, [], names, *paths) == {}

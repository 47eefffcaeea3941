"""What a run makes, from its configuration and sheets, without Snakemake."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from configurations import CNN, CONFIG

from rnatracks.config.settings import Settings, read_settings
from rnatracks.errors import InputError
from rnatracks.evaluation.scored_tracks import ModelTrack, ScoredPair
from rnatracks.planning.inputs import files_to_fetch
from rnatracks.planning.run import Run, check_run, plan_run
from rnatracks.vocabulary import Strand, Track

PLUS, MINUS, BOTH = Strand


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Three cell types, of which one is searched for and one is unstranded; two families of models."""
    monkeypatch.chdir(tmp_path)
    Path("genome.fa").write_text(">chr1\nACGT\n>chr2\nAC\n")
    Path("cell_types.tsv").write_text(
        "cell_type\tontology\tdescription\tgtex_tissue\nB\t\t\t\nblood\t\t\tBLOOD:Whole Blood\nNK.2\t\t\t\n"
    )
    rows = ["b1\tB\turl\thttps://example.org/1p.bw\thttps://example.org/1m.bw\t"]
    rows += ["b2\tB\turl\thttps://example.org/2p.bw\thttps://example.org/2m.bw\t"]
    rows += ["n1\tNK.2\turl\thttps://example.org/3p.bw\thttps://example.org/3m.bw\t"]
    Path("samples.tsv").write_text("\n".join(["sample\tcell_type\tsource\tplus\tminus\tunstranded", *rows, ""]))

    def make(**changes: object) -> Settings:
        config = {
            "genome": {"fasta": "genome.fa", "chromosomes": ["chr1", "chr2"]},
            "annotation": {"gtf": "genes.gtf"},
            "samples": "samples.tsv",
            "cell_types": "cell_types.tsv",
            "models": {
                "genos": {"cell_types": "each", "backbone": "some/model"},
                "both": {"cell_types": ["NK.2", "B"], "backbone": CNN},
            },
        }
        return read_settings(config | changes)

    return make


@pytest.fixture
def run(settings: Callable[..., Settings]) -> Run:
    return plan_run(settings())


def test_tracks_follow_the_sheet_and_the_models(run: Run) -> None:
    assert run.searched == ["blood"] and run.located == {"B", "NK.2"}
    assert [str(track) for track in run.tracks] == ["B.plus", "B.minus", "blood.unstranded", "NK.2.plus", "NK.2.minus"]
    assert run.strands == [PLUS, MINUS, BOTH]
    assert (run.same_strand[PLUS], run.same_strand[BOTH]) == (2, 1)
    assert [str(track) for track in run.tracks_of_model("both")] == ["NK.2.plus", "NK.2.minus", "B.plus", "B.minus"]
    assert len(run.model_tracks) == 5 + 4 and run.model_tracks[0] == ModelTrack("genos-B", Track("B", PLUS))
    assert run.predicted_cell_types == ["B", "blood", "NK.2"]
    assert list(run.hub_models) == ["some--model"]


def test_only_a_cell_type_of_the_same_strands_stands_in_for_another(run: Run) -> None:
    assert run.other_cell_type == {"B": "NK.2", "blood": None, "NK.2": "B"}


def test_pairs_are_of_one_family_and_one_strand(run: Run) -> None:
    assert run.pairs == [
        ScoredPair("genos", ModelTrack("genos-B", Track("B", strand)), ModelTrack("genos-NK.2", Track("NK.2", strand)))
        for strand in (PLUS, MINUS)
    ] + [
        ScoredPair("both", ModelTrack("both", Track("NK.2", strand)), ModelTrack("both", Track("B", strand)))
        for strand in (PLUS, MINUS)
    ]


def test_excluded_samples_are_listed_and_not_used(settings: Callable[..., Settings]) -> None:
    run = plan_run(settings(exclude=["b2"]))
    assert [sample.name for sample in run.listed["B"]] == ["b1", "b2"]
    assert [sample.name for sample in run.used(run.listed["B"])] == ["b1"]
    check_run(run)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"exclude": ["n1"]}, r"^config, exclude: found every sample of cell type 'NK.2'; expected at least one left"),
        (
            {"genome": {"fasta": "genome.fa", "chromosomes": ["chr1", "chr3"]}},
            r"^genome.fa: found no sequence 'chr3', which is listed in genome.chrom.*; expected one of: chr1, chr2$",
        ),
        (
            {"genome": {"fasta": "none.fa", "chromosomes": ["chr1"]}},
            r"^config, genome.fasta: found none.fa, which is not a file; expected a FASTA file$",
        ),
        (
            {"variants": {"mine": "none.vcf"}},
            r"^config, variants.mine: found none.vcf, which is not a file; expected a VCF",
        ),
        (
            {"variants": {"mine": "genome.fa"}},
            r"^config, variants.mine, genome.fa: found data that starts with b'>chr1.*; expected a VCF",
        ),
    ],
)
def test_what_can_be_seen_before_any_job_is_refused(
    settings: Callable[..., Settings], changes: dict, line: str
) -> None:
    with pytest.raises(InputError, match=line):
        check_run(plan_run(settings(**changes)))


def test_a_missing_local_file_is_refused(settings: Callable[..., Settings]) -> None:
    text = Path("samples.tsv").read_text()
    Path("samples.tsv").write_text(text.replace("NK.2\turl", "NK.2\tlocal").replace("https://example.org/3", "mine/3"))
    with pytest.raises(InputError, match=r"samples.tsv, .*: found .*mine/3p.bw.*; expected"):
        check_run(plan_run(settings()))


def test_vcfs_are_fetched_and_listed_like_other_files(settings: Callable[..., Settings]) -> None:
    Path("mine.vcf").write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
    run = plan_run(settings(variants={"mine": "mine.vcf", "theirs": "https://example.org/a.vcf.gz", "background": 7}))
    check_run(run)
    theirs = run.variants["theirs"]
    assert list(run.variants) == ["mine", "theirs"] and run.planted is None
    assert files_to_fetch(run, []) == {theirs.key: theirs}
    assert run.named_files[-2:] == list(run.variants.values())


def test_the_demo_simulates_its_samples() -> None:
    settings = read_settings(yaml.safe_load((CONFIG / "demo/config.yaml").read_text()))
    cell_types, samples = (CONFIG.parent / path for path in (settings.cell_types, settings.samples))
    run = plan_run(settings.model_copy(update={"cell_types": str(cell_types), "samples": str(samples)}))
    assert len(run.simulated) == 6 and set(run.simulated) == set(settings.simulate.samples)
    assert run.references["blacklist"].location == "results/demo/simulated/blacklist.bed"


def test_published_nonzero_means_are_read_before_any_job(settings: Callable[..., Settings]) -> None:
    Path("means.tsv").write_text("track\tnonzero_mean\nblood.unstranded\t0.05\nB.minus\t0.1\n")
    run = plan_run(settings(qc={"nonzero_means": "means.tsv"}))
    assert run.published_means == {"blood.unstranded": 0.05, "B.minus": 0.1}
    assert plan_run(settings()).published_means == {}
    Path("means.tsv").write_text("track\tnonzero_mean\nblood.plus\t0.05\n")
    with pytest.raises(
        InputError, match="means.tsv, line 2, track: found 'blood.plus'; expected tracks of this run: B"
    ):
        plan_run(settings(qc={"nonzero_means": "means.tsv"}))

"""`rnatracks variants`, `mutagenesis` and `predict-sequence`: their files, and mistakes in one line."""

import errno
import logging
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from models import random_bases, small_model, write_fasta

from rnatracks.cli import main
from rnatracks.downloads.file_lock import file_lock
from rnatracks.genome.sequence import Genome
from rnatracks.prediction.locus import predict_locus

WINDOW, LENGTH = 96, 400
TRACKS = ("B.plus", "B.minus")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, a genome, a gene on its plus strand and edits, in the current folder."""
    monkeypatch.chdir(tmp_path)
    small_model(backbone={"type": "dilated_cnn"}, window_size=WINDOW).save_pretrained("model")
    write_fasta(Path("genome.fa"), {"chr1": random_bases(np.random.default_rng(0), LENGTH), "chr2": "N" * 50})
    attributes = 'gene_id "ID"; gene_name "NAME"; transcript_id "T";'
    exons = [("exon", 101, 150), ("exon", 201, 220), ("gene", 101, 220)]
    lines = ["\t".join(("chr1", "x", kind, f"{a}", f"{b}", ".", "+", ".", attributes)) for kind, a, b in exons]
    Path("genes.gtf").write_text("\n".join([*lines, ""]))
    Path("edits.tsv").write_text("chr1\t100\t110\t.\tcut\nchr1\t300\t300\tACGT\n")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], command: str) -> list[str]:
    """Names of the files that a command prints, all of which it wrote into `out`."""
    assert main([*command.split(), "--out", "out"]) == 0
    names = [Path(line).relative_to("out").name for line in capsys.readouterr().out.splitlines()]
    assert set(names) == {path.name for path in Path("out").iterdir()}
    return names


def test_mutagenesis_of_a_region_measures_its_coverage(capsys: pytest.CaptureFixture[str]) -> None:
    names = run(capsys, "mutagenesis model genome.fa chr1:41–46")
    stem = "chr1_41-46.mutagenesis"
    assert names == [f"{stem}.npz", *(f"{stem}.{track}.bw" for track in TRACKS), f"{stem}.svg"]
    with np.load(f"out/{stem}.npz") as arrays:
        assert arrays["effects"].shape == (6, 4, 2)
        assert (str(arrays["measured"]), int(arrays["start"])) == ("chr1:41-46", 40)
        plain = predict_locus(Path("model"), Genome("genome.fa"), "chr1:41-46").coverage
        np.testing.assert_allclose(arrays["reference"], plain.mean(axis=1), rtol=1e-5)
    assert "three changes, for the region's coverage<" in Path(f"out/{stem}.svg").read_text()


def test_mutagenesis_of_a_gene_measures_it_around_its_start(capsys: pytest.CaptureFixture[str]) -> None:
    options = "--gtf genes.gtf --max-bases 20 --batch-size 16"
    names = run(capsys, f"mutagenesis model genome.fa NAME {options} --pseudocount 0.5")
    assert names == ["NAME.mutagenesis.npz", "NAME.mutagenesis.B.plus.bw", "NAME.mutagenesis.svg"]
    with np.load("out/NAME.mutagenesis.npz") as arrays:
        exact = arrays["effects"]
        assert (int(arrays["start"]), float(arrays["pseudocount"]), str(arrays["measured"])) == (90, 0.5, "ID")
        assert arrays["tracks"].tolist() == ["B.plus"]
    command = f"mutagenesis model genome.fa chr1:91-110 --gene ID --method gradient {options} --pseudocount 0.5"
    assert main([*command.split(), "--out", "out"]) == 0
    assert "out/chr1_91-110.gradient.npz" in capsys.readouterr().out
    with np.load("out/chr1_91-110.gradient.npz") as arrays:
        first_order = arrays["effects"]
    assert first_order.shape == exact.shape == (20, 4, 1)
    assert np.corrcoef(exact.ravel(), first_order.ravel())[0, 1] > 0.5
    assert "the expression of NAME (from gradients)" in Path("out/chr1_91-110.gradient.svg").read_text()


def test_predict_sequence_with_edits_writes_both(capsys: pytest.CaptureFixture[str]) -> None:
    names = run(capsys, "predict-sequence model genome.fa --edits edits.tsv")
    assert names == [
        *("genome.totals.tsv", "genome.chr1.npz", "genome.chr2.npz", "genome.B.plus.bw", "genome.B.minus.bw"),
        *("genome.edited.B.plus.bw", "genome.edited.B.minus.bw", "genome.edited.fa"),
        *("genome.chr1.svg", "genome.chr2.svg"),
    ]
    table = pd.read_csv("out/genome.totals.tsv", sep="\t")
    assert table["edited_bases"].tolist() == [394, 394, 50, 50]
    assert ">cut<" in Path("out/genome.chr1.svg").read_text()
    edited = [str(path) for path in sorted(Path("out").glob("*.fa"))]
    assert main(["predict-sequence", "model", *edited, "--out", "again"]) == 0
    again = pd.read_csv("again/genome.edited.totals.tsv", sep="\t")
    np.testing.assert_allclose(again["total"], table["edited_total"], rtol=1e-6)
    assert list(again) == ["record", "track", "bases", "total", "mean"]


def write_vcf(path: Path, *places: int) -> list[str]:
    """Changes of bases of chr1 (1-based), without a name; returns the new bases."""
    bases = Genome("genome.fa").bases("chr1", 0, LENGTH).tobytes().decode()
    new = ["ACGT"["ACGT".index(bases[place - 1]) - 1] for place in places]
    rows = [f"chr1\t{place}\t.\t{bases[place - 1]}\t{base}\t.\t.\t." for place, base in zip(places, new, strict=True)]
    header = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    path.write_text("\n".join([header, *rows, ""]))
    return new


def test_variants_have_the_effects_of_mutagenesis(capsys: pytest.CaptureFixture[str]) -> None:
    new = write_vcf(Path("some.vcf"), 105, 395)
    names = run(capsys, "variants model genome.fa some.vcf --gtf genes.gtf --background 5")
    tables = ["some.tsv.gz", "some.background.tsv.gz", "some.skipped.tsv"]
    assert names == [*tables, "some.vcf.gz", "some.vcf.gz.tbi"]
    table = pd.read_csv("out/some.tsv.gz", sep="\t").set_index(["pos", "track"])
    assert len(pd.read_csv("out/some.background.tsv.gz", sep="\t")["id"].unique()) == 5
    assert table.loc[(395, "B.plus"), "consequence"] == "intergenic"
    command = "mutagenesis model genome.fa chr1:105-105 --gtf genes.gtf --gene NAME --out other"
    assert main(command.split()) == 0
    with np.load("other/chr1_105-105.mutagenesis.npz") as arrays:
        expected = arrays["effects"][0, "ACGT".index(new[0]), 0]
    assert table.loc[(105, "B.plus"), "log2_ratio"] == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert table["gene_score"].isna().all()


def test_gene_scores_of_the_model_stand_next_to_effects(capsys: pytest.CaptureFixture[str]) -> None:
    write_vcf(Path("some.vcf"), 105)
    columns = ("model", "cell_type", "strand", "split", "pearson_log1p")
    Path("scores.tsv").write_text("\n".join(["\t".join(columns), "model\tB\tplus\ttest\t0.75", ""]))
    run(capsys, "variants model genome.fa some.vcf --gtf genes.gtf --gene-scores scores.tsv")
    table = pd.read_csv("out/some.tsv.gz", sep="\t")
    assert table.set_index("track")["gene_score"].fillna(0).to_dict() == {"B.plus": 0.75, "B.minus": 0}
    Path("run/models").mkdir(parents=True)
    Path("run/evaluation").mkdir()
    Path("model").rename("run/models/model")
    Path("scores.tsv").rename("run/evaluation/gene_expression.tsv")
    run(capsys, "variants run/models/model genome.fa some.vcf --gtf genes.gtf")
    pd.testing.assert_frame_equal(pd.read_csv("out/some.tsv.gz", sep="\t"), table)
    shutil.copytree("run/models/model", "run/models/new")
    run(capsys, "variants run/models/new genome.fa some.vcf --gtf genes.gtf")
    assert pd.read_csv("out/some.tsv.gz", sep="\t")["gene_score"].isna().all(), "not scored yet"
    assert (
        main(["variants", "run/models/model", "genome.fa", "out/some.vcf.gz", "--gtf", "genes.gtf", "--out", "out"])
        == 1
    ), "input"


# What a user can get wrong, and words of the line that says so.
MISTAKES = {
    "too long": ("mutagenesis model genome.fa chr1:1-30 --max-bases 20", "found 30 bases; expected at most 20"),
    "all N": ("mutagenesis model genome.fa chr2:1-30", "found no base but N"),
    "gene without GTF": ("mutagenesis model genome.fa NAME", "a gene name or id needs --gtf"),
    "--gene without GTF": ("mutagenesis model genome.fa chr1:1-30 --gene NAME", "expected --gtf"),
    "no such gene": ("mutagenesis model genome.fa chr1:1-30 --gene X --gtf genes.gtf", "no gene with that name or id"),
    "out of reach": ("mutagenesis model genome.fa chr1:391-400 --gene NAME --gtf genes.gtf", "none within reach"),
    "gradients in bf16": (
        "mutagenesis model genome.fa chr1:1-30 --method gradient --precision bf16",
        "--precision: found bf16 with --method gradient; expected float32",
    ),
    "no VCF": ("variants model genome.fa none.vcf --gtf genes.gtf", "none.vcf: found no such file"),
    "not a VCF": ("variants model genome.fa genes.gtf --gtf genes.gtf", "genes.gtf"),
    "negative background": (
        "variants model genome.fa some.vcf --gtf genes.gtf --background -1",
        "--background: found -1; expected 0 or more",
    ),
    "no scores of the model": (
        "variants model genome.fa some.vcf --gtf genes.gtf --gene-scores scores.tsv",
        "found no score of model 'model'; expected one of other",
    ),
    "no model": ("mutagenesis nothing genome.fa chr1:1-30", "the folder of a trained model"),
    "overlap": ("mutagenesis model genome.fa chr1:1-30 --overlap 96", "overlap: found 96"),
    "edit beyond the end": ("predict-sequence model genome.fa --edits beyond.tsv", "beyond.tsv, line 1: found end 401"),
    "no edits": ("predict-sequence model genome.fa --edits none.tsv", "none.tsv: found no such file"),
    "no sequences": ("predict-sequence model none.fa", "none.fa: found no such file"),
    "not bases": ("predict-sequence model bad.fa", "found the character '!'"),
    "one file name": ("predict-sequence model twice.fa", "found records 'a|b' and 'a:b'; expected one file name each"),
    "deleted record": ("predict-sequence model genome.fa --edits all.tsv", "record chr2: found no base"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_before_any_file(mistake: str, caplog: pytest.LogCaptureFixture) -> None:
    Path("beyond.tsv").write_text("chr1\t399\t401\tA\n")
    Path("all.tsv").write_text("chr2\t0\t50\t.\n")
    Path("scores.tsv").write_text("model\tcell_type\tstrand\tsplit\tpearson_log1p\nother\tB\tplus\ttest\t0.75\n")
    write_fasta(Path("bad.fa"), {"bad": "ACGT!"})
    write_fasta(Path("twice.fa"), {"a|b": "ACGT", "a:b": "ACGT"})
    command, words = MISTAKES[mistake]
    assert main([*command.split(), "--out", "out"]) == 1
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    line = record.getMessage()
    assert line.startswith("rnatracks: ") and "\n" not in line
    assert words in line
    assert not [*Path("out").glob("*")]


def test_a_full_disk_is_one_line(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "out")

    monkeypatch.setattr(np, "savez_compressed", full)
    assert main(["mutagenesis", "model", "genome.fa", "chr1:1-3", "--out", "out"]) == 1
    assert caplog.records[-1].getMessage() == f"rnatracks: [Errno {errno.ENOSPC}] No space left on device: 'out'"
    assert not [*Path("out").iterdir()]


def test_a_second_command_does_not_write_the_same_files(caplog: pytest.LogCaptureFixture) -> None:
    write_vcf(Path("some.vcf"), 105)
    with file_lock(Path("out/.some"), wait=False):
        assert main(["variants", "model", "genome.fa", "some.vcf", "--gtf", "genes.gtf", "--out", "out"]) == 1
        assert "found a lock of another process" in caplog.records[-1].getMessage()
        assert [path.name for path in Path("out").iterdir()] == [".some.lock"]


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "x"])
def test_a_pseudocount_that_is_not_positive_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["mutagenesis", "model", "genome.fa", "chr1:1-30", f"--pseudocount={value}"])
    assert "argument --pseudocount" in capsys.readouterr().err

"""One locus from the command line and from Python: the right bases, as in the whole, in files that others read."""

import gzip
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
from models import SPEC, random_bases, small_model, write_bigwig, write_fasta
from numpy.typing import NDArray

from rnatracks.cli import locus_main as main
from rnatracks.errors import InputError
from rnatracks.figures.colours import SignalKind
from rnatracks.figures.locus_prediction import track_panels
from rnatracks.genome.annotation import read_gtf
from rnatracks.genome.sequence import Genome, open_genome
from rnatracks.model.folder import load_on_devices
from rnatracks.prediction.locus import predict_locus
from rnatracks.prediction.predict import Arithmetic, Precision, TilePlan, predict_region
from rnatracks.prediction.stitching import Stitch

WINDOW = 128
LENGTHS = {"chr1": 300, "chr2": 1500, "chr3": 60}
TRACKS = ["B.plus", "B.minus"]
LIBRARY = Path(__file__).parents[2] / "workflow_scripts"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The folder of a model with windows of 128 bases, that tells its strands and bases apart."""
    backbone = SPEC | {"is_causal": True, "initializer_range": 0.3}
    small_model(backbone=backbone, window_size=WINDOW, strands="reverse_complement").save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    """An indexed genome; chr2 has a gap of 200 bases."""
    rng = np.random.default_rng(5)
    sequences = {chrom: random_bases(rng, length) for chrom, length in LENGTHS.items()}
    sequences["chr2"] = sequences["chr2"][:600] + "N" * 200 + sequences["chr2"][800:]
    return write_fasta(tmp_path / "genome.fa", sequences)


def test_one_strand_cannot_be_read_from_both_sides(
    tmp_path: Path, fasta: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small_model(means=(0.5,), window_size=WINDOW).save_pretrained(tmp_path / "one")
    command = [str(tmp_path / "one"), str(fasta), "chr2:1-200", "--out", str(tmp_path / "out")]
    assert main([*command, "--reverse-complement"]) == 1
    assert "rnatracks: reverse complement: found track B.plus without B.minus; expected both strands" in caplog.text
    assert main(command) == 0


def gene_lines(chrom: str, start: int, end: int, strand: str, name: str) -> str:
    """A gene of one exon, 1-based and inclusive, with a CDS record as real files have."""
    attributes = f'gene_id "ID_{name}"; gene_name "{name}";'
    features = ("gene", "transcript", "exon", "CDS")
    return "".join(f"{chrom}\tx\t{kind}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n" for kind in features)


@pytest.fixture
def gtf(tmp_path: Path) -> Path:
    lines = gene_lines("chr2", 901, 1000, "+", "ONE") + gene_lines("chr2", 1101, 1150, "-", "TWO")
    with gzip.open(tmp_path / "genes.gtf.gz", "wt") as stream:
        stream.write("##provider: a test\n" + lines + gene_lines("chrUn", 1, 50, "+", "ELSEWHERE"))
    return tmp_path / "genes.gtf.gz"


def whole_chromosome(
    model: Path,
    fasta: Path,
    chrom: str,
    *,
    overlap: int = WINDOW // 2,
    stitch: Stitch = Stitch.BLEND,
    bf16: bool = False,
) -> NDArray[np.float32]:
    """What the workflow predicts of the same model, before it is rounded."""
    genome = Genome(fasta)
    stretches = predict_region(
        load_on_devices(model, 0),
        genome,
        chrom,
        0,
        genome.lengths[chrom],
        tiles=TilePlan(size=WINDOW, overlap=overlap, stitch=stitch),
        precision=Precision(bf16=bf16, digits=None),
        batch_size=5,
    )
    return np.concatenate([values for _, values in stretches], axis=1)


@pytest.mark.parametrize(
    ("locus", "chrom", "bases"),
    [
        ("chr2:1-1", "chr2", slice(0, 1)),
        ("chr2:401-650", "chr2", slice(400, 650)),
        (" chr2:1,401-1,500 ", "chr2", slice(1400, 1500)),
        ("chr2:1,401–1,500", "chr2", slice(1400, 1500)),
        ("chr1:1-300", "chr1", slice(0, 300)),
        ("chr3:21-60", "chr3", slice(20, 60)),
    ],
)
def test_a_region_as_typed_is_a_slice_of_the_whole(
    model: Path, fasta: Path, locus: str, chrom: str, bases: slice
) -> None:
    found = predict_locus(model, open_genome(fasta), locus, precision="float32")
    assert (found.region.chrom, found.region.start, found.region.end) == (chrom, bases.start, bases.stop)
    assert found.tracks == tuple(TRACKS)
    assert found.coverage.dtype == np.float32
    np.testing.assert_allclose(found.coverage, whole_chromosome(model, fasta, chrom)[:, bases], rtol=1e-5, atol=1e-6)


def test_unknown_bases_are_zero_and_known_ones_are_not(model: Path, fasta: Path) -> None:
    coverage = predict_locus(model, open_genome(fasta), "chr2:501-900").coverage
    assert (coverage[:, 100:300] == 0).all()
    assert (np.delete(coverage, np.s_[100:300], axis=1) > 0).all()


@pytest.mark.parametrize("stitch", Stitch)
def test_tiles_are_laid_as_asked(model: Path, fasta: Path, stitch: Stitch) -> None:
    found = predict_locus(model, open_genome(fasta), "chr2:1001-1200", overlap=100, stitch=stitch, precision="float32")
    whole = whole_chromosome(model, fasta, "chr2", overlap=100, stitch=stitch)
    np.testing.assert_allclose(found.coverage, whole[:, 1000:1200], rtol=1e-5, atol=1e-6)


def test_a_word_chooses_the_way_to_stitch(model: Path, fasta: Path) -> None:
    genome, locus = open_genome(fasta), "chr2:1001-1200"
    found = predict_locus(model, genome, locus, stitch="context", precision="float32").coverage
    expected = predict_locus(model, genome, locus, stitch=Stitch.CONTEXT, precision=Arithmetic.FLOAT32).coverage
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(InputError, match="^stitch: found 'banana'; expected one of: blend, .*, mean_raw, context$"):
        predict_locus(model, genome, locus, stitch="banana")
    with pytest.raises(InputError, match="^precision: found 'bf61'; expected one of: auto, bf16, float32$"):
        predict_locus(model, genome, locus, precision="bf61")


def test_a_gene_is_found_by_its_name_and_id(model: Path, fasta: Path, gtf: Path) -> None:
    """ONE is 100 bases long: a fifth of that and 200 bases are shown on either side."""
    genes = read_gtf(gtf, LENGTHS).genes
    for name in ("ONE", "ID_ONE"):
        region = predict_locus(model, open_genome(fasta), name, genes=genes).region
        assert (region.chrom, region.start, region.end) == ("chr2", 900 - 220, 1000 + 220)


FASTQ_INDEX = b"chr1\t300\t6\t60\t61\t400\n"


@pytest.mark.parametrize(
    "content", [None, b"", b"chr1\n", b"\x80\x81garbage\n", b"chr1\t300\tsix\t60\t61\n", FASTQ_INDEX]
)
def test_a_genome_without_a_whole_index_gets_one(fasta: Path, content: bytes | None) -> None:
    index = Path(f"{fasta}.fai")
    written = index.read_text()
    index.unlink()
    if content is not None:
        index.write_bytes(content)
    genome = open_genome(fasta)
    assert genome.lengths == LENGTHS
    assert len(genome.bases("chr1", 0, 300)) == 300
    assert index.read_text() == written


def test_a_genome_that_is_newer_than_its_index_is_indexed_again(fasta: Path) -> None:
    index = Path(f"{fasta}.fai")
    write_fasta(fasta, {"chrA": "ACGT" * 30, "chrB": "C" * 7})
    written = index.read_text()
    index.write_text("chr1\t300\t6\t60\t61\n")
    os.utime(index, (1, 1))
    genome = open_genome(fasta)
    assert genome.lengths == {"chrA": 120, "chrB": 7}
    assert genome.bases("chrB", 0, 7).tobytes() == b"CCCCCCC"
    assert index.read_text() == written


@pytest.mark.parametrize("kept", ["mtime", "name", "length"])
def test_an_index_of_another_fasta_is_made_again(fasta: Path, kept: str) -> None:
    """A file that was moved over the genome is older than the index of the one before."""
    index = Path(f"{fasta}.fai")
    old = {"mtime": LENGTHS, "name": {"chrA": 120, "chrC": 7}, "length": {"chrA": 120, "chrB": 6}}[kept]
    write_fasta(fasta, {name: "A" * length for name, length in old.items()})
    stale = index.read_bytes()
    write_fasta(fasta, {"chrA": "ACGT" * 30, "chrB": "C" * 7})
    index.write_bytes(stale)
    os.utime(fasta, (1, 1))
    genome = open_genome(fasta)
    assert genome.lengths == {"chrA": 120, "chrB": 7}
    assert genome.bases("chrB", 0, 7).tobytes() == b"CCCCCCC"


# The command


def observed_folder(folder: Path) -> tuple[Path, NDArray[np.float32]]:
    """Observed coverage of one of the two tracks, with one high peak."""
    values = np.full(LENGTHS["chr2"], 1.0, np.float32)
    values[1000] = 4321.0
    folder.mkdir()
    write_bigwig(folder / "B.plus.bw", {"chr2": values})
    return folder, values


def test_files_of_a_region(model: Path, fasta: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The arrays, and bigWigs that hold them at the region's bases and nowhere else."""
    out = tmp_path / "new" / "out"
    assert main([str(model), str(fasta), "chr2:401-650", "--out", str(out), "--precision", "float32"]) == 0
    names = ["chr2_401-650.npz", "chr2_401-650.B.plus.bw", "chr2_401-650.B.minus.bw", "chr2_401-650.svg"]
    assert capsys.readouterr().out.splitlines() == [str(out / name) for name in names]
    assert {path.name for path in out.iterdir()} == set(names)
    expected = whole_chromosome(model, fasta, "chr2")[:, 400:650]
    with np.load(out / names[0]) as arrays:
        assert set(arrays) == {"coverage", "tracks", "chrom", "start"}
        assert (str(arrays["chrom"]), int(arrays["start"]), arrays["tracks"].tolist()) == ("chr2", 400, TRACKS)
        coverage = arrays["coverage"]
    assert coverage.dtype == np.float32
    np.testing.assert_allclose(coverage, expected, rtol=1e-5, atol=1e-6)
    for name, values in zip(names[1:3], coverage, strict=True):
        with pyBigWig.open(str(out / name)) as file:
            assert file.chroms() == LENGTHS
            found = file.values("chr2", 0, LENGTHS["chr2"], numpy=True)
            assert file.intervals("chr1") is None
        assert np.isnan(np.delete(found, np.s_[400:650])).all()
        np.testing.assert_array_equal(found[400:650], values)
    svg = (out / names[3]).read_text()
    assert "chr2:401–650" in svg
    assert svg.count(">predicted</text>") == 2
    assert ">observed</text>" not in svg
    assert "no gene models given" in svg
    assert svg.count(">y axes: normalised coverage</text>") == 1


def test_a_region_without_a_gene_is_not_one_without_gene_models(
    model: Path, fasta: Path, gtf: Path, tmp_path: Path
) -> None:
    assert main([str(model), str(fasta), "chr2:1-50", "--gtf", str(gtf), "--out", str(tmp_path / "out")]) == 0
    svg = (tmp_path / "out" / "chr2_1-50.svg").read_text()
    assert "no annotated gene in this region" in svg
    assert "no gene models given" not in svg


@pytest.mark.parametrize(("stitch", "precision"), [("context", "float32"), ("mean", "bf16")])
def test_the_command_stitches_and_computes_as_asked(
    model: Path, fasta: Path, tmp_path: Path, stitch: str, precision: str
) -> None:
    arguments = [str(model), str(fasta), "chr2:401–650", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--stitch", stitch, "--precision", precision]) == 0
    with np.load(tmp_path / "out" / "chr2_401-650.npz") as arrays:
        found = arrays["coverage"]
    asked = {"stitch": Stitch(stitch), "bf16": precision == "bf16"}
    np.testing.assert_allclose(found, whole_chromosome(model, fasta, "chr2", **asked)[:, 400:650], rtol=1e-4)
    for others in ({"stitch": Stitch.BLEND}, {"bf16": not asked["bf16"]}):
        other = whole_chromosome(model, fasta, "chr2", **asked | others)[:, 400:650]
        assert not np.allclose(found, other, rtol=1e-4), "the other ways give something else"


def test_another_way_to_stitch_is_refused(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(model), "genome.fa", "chr1:1-9", "--stitch", "banana"])
    assert "invalid choice: 'banana' (choose from 'blend', 'center', 'mean', " in capsys.readouterr().err


def test_the_figure_is_empty_where_the_genome_is_unknown(model: Path, fasta: Path, tmp_path: Path) -> None:
    """chr2:601-800 is N; the arrays keep their zeros there."""
    folder, _ = observed_folder(tmp_path / "observed")
    genome = open_genome(fasta)
    prediction = predict_locus(model, genome, "chr2:551-850", precision="float32")
    assert not prediction.coverage[:, 50:250].any()
    panels = track_panels(prediction, genome, folder)
    assert [(panel.label, panel.kind) for panel in panels] == [
        ("B plus", SignalKind.OBSERVED),
        ("B plus", SignalKind.PREDICTED),
        ("B minus", SignalKind.PREDICTED),
    ]
    for panel in panels:
        np.testing.assert_array_equal(np.isnan(panel.values), (np.arange(300) >= 50) & (np.arange(300) < 250))


def test_a_gene_with_its_neighbours_and_observed_tracks(
    model: Path, fasta: Path, gtf: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, _ = observed_folder(tmp_path / "observed")
    arguments = ["ONE", "--gtf", str(gtf), "--observed", str(folder), "--out", str(tmp_path / "out")]
    with caplog.at_level(logging.WARNING):
        assert main([str(model), str(fasta), *arguments]) == 0
    svg = (tmp_path / "out" / "ONE.svg").read_text()
    for text in ("ONE →", "← TWO", "chr2:681–1,220", ">B plus</text>", ">B minus</text>", ">4,321</text>"):
        assert text in svg
    assert svg.count(">observed</text>") == 1
    assert svg.count(">predicted</text>") == 2
    assert f"{folder / 'B.minus.bw'} does not exist" in caplog.text


def run_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rnatracks.cli", "locus", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(LIBRARY)},
        capture_output=True,
        text=True,
    )


def test_the_command_runs(model: Path, fasta: Path, tmp_path: Path) -> None:
    run = run_command(tmp_path, "model", "genome.fa", "chr1:1-200", "--batch-size", "1", "--stitch", "context")
    assert run.returncode == 0, run.stderr
    written = run.stdout.splitlines()
    assert written == [f"chr1_1-200{end}" for end in (".npz", ".B.plus.bw", ".B.minus.bw", ".svg")]
    assert all((tmp_path / name).is_file() for name in written)


def test_the_command_fails_with_one_line(model: Path, fasta: Path, tmp_path: Path) -> None:
    run = run_command(tmp_path, "model", "genome.fa", "chr9:1-200")
    assert (run.returncode, run.stdout) == (1, "")
    (line,) = run.stderr.splitlines()
    assert line == "rnatracks: locus 'chr9:1-200': found chromosome 'chr9'; expected one of chr1, chr2, chr3"


# What a user can get wrong: names of files are below the test's folder, where those that are good lie.
MISTAKES = {
    "no folder": (["nothing", "genome.fa", "chr1:1-9"], ["nothing", "the folder of a trained model"]),
    "a folder of other things": ([".", "genome.fa", "chr1:1-9"], ["no config.json", "the folder of a trained model"]),
    "a configuration without means": (["meanless", "genome.fa", "chr1:1-9"], ["meanless", "without track_means"]),
    "a mean of 0": (["zero", "genome.fa", "chr1:1-9"], ["zero", "track_means of 0", "positive"]),
    "no weights": (["hollow", "genome.fa", "chr1:1-9"], ["hollow", "the folder of a trained model"]),
    "no genome": (["model", "none.fa", "chr1:1-9"], ["none.fa", "no such file"]),
    "compressed": (["model", "genome.fa.gz", "chr1:1-9"], ["genome.fa.gz", "a compressed file", "uncompressed"]),
    "compressed without saying": (["model", "zipped.fa", "chr1:1-9"], ["zipped.fa", "a compressed file"]),
    "empty genome": (["model", "empty.fa", "chr1:1-9"], ["empty.fa", "an empty file"]),
    "no FASTA": (["model", "model/config.json", "chr1:1-9"], ["config.json", "a FASTA record"]),
    "uneven FASTA": (["model", "uneven.fa", "chr1:1-9"], ["uneven.fa", "lines that cannot be indexed"]),
    "blank lines": (["model", "blank.fa", "chr1:1-9"], ["blank.fa", "blank lines at the end"]),
    "index in the way": (["model", "blocked.fa", "chr1:1-9"], ["blocked.fa.fai", "none can be written"]),
    "other chromosome": (["model", "genome.fa", "chr9:1-9"], ["chromosome 'chr9'", "chr1, chr2, chr3"]),
    "beyond the end": (["model", "genome.fa", "chr1:1-301"], ["1-301", "1 <= start <= end <= 300"]),
    "base 0": (["model", "genome.fa", "chr1:0-9"], ["0-9", "1 <= start"]),
    "gene without GTF": (["model", "genome.fa", "ONE"], ["locus 'ONE'", "--gtf"]),
    "no GTF": (["model", "genome.fa", "ONE", "--gtf", "none.gtf"], ["none.gtf", "no such file"]),
    "other gene": (
        ["model", "genome.fa", "THREE", "--gtf", "genes.gtf.gz"],
        ["locus 'THREE'", "no gene with that name"],
    ),
    "gene elsewhere": (["model", "genome.fa", "ELSEWHERE", "--gtf", "genes.gtf.gz"], ["no gene with that name"]),
    "cut GTF": (["model", "genome.fa", "ONE", "--gtf", "cut.gtf.gz"], ["cut.gtf.gz", "damaged gzip data"]),
    "no observed": (["model", "genome.fa", "chr1:1-9", "--observed", "none"], ["none", "no such folder"]),
    "damaged observed": (["model", "genome.fa", "chr2:1-9", "--observed", "observed"], ["B.minus.bw", "a bigWig"]),
    "out is a file": (["nothing", "genome.fa", "chr1:1-9", "--out", "genome.fa"], ["genome.fa", "which is a file"]),
    "out below a file": (["nothing", "none.fa", "chr1:1-9", "--out", "genome.fa/a/b"], ["genome.fa, which is a file"]),
    "overlap of a window": (["model", "genome.fa", "chr1:1-9", "--overlap", "128"], ["overlap", "found 128", "window"]),
    "negative overlap": (["model", "genome.fa", "chr1:1-9", "--overlap", "-1"], ["overlap", "found -1"]),
    "empty batch": (["model", "genome.fa", "chr1:1-9", "--batch-size", "0"], ["batch size", "found 0"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_line(
    model: Path,
    fasta: Path,
    gtf: Path,
    tmp_path: Path,
    mistake: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("genome.fa.gz", "zipped.fa"):
        Path(name).write_bytes(gzip.compress(fasta.read_bytes()))
    Path("cut.gtf.gz").write_bytes(gtf.read_bytes()[:-20])
    Path("empty.fa").touch()
    Path("uneven.fa").write_text(">chr1\nACGT\nAC\nACGT\n")
    Path("blank.fa").write_text(">chr1\nACGT\nACGT\n\n\n")
    Path("blocked.fa").write_text(">chr1\nACGTACGTACGT\n")
    Path("blocked.fa.fai").mkdir()
    Path("hollow").mkdir()
    Path("hollow/config.json").write_text((model / "config.json").read_text())
    settings = json.loads((model / "config.json").read_text())
    for name, means in (("meanless", []), ("zero", [1.0, 0])):
        Path(name).mkdir()
        Path(name, "config.json").write_text(json.dumps(settings | {"track_means": means}))
    observed_folder(Path("observed"))
    Path("observed/B.minus.bw").write_text("nothing of that kind")
    arguments, words = MISTAKES[mistake]
    assert main(["--out", "out", *arguments]) == 1
    assert capsys.readouterr().out == ""
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    line = record.getMessage()
    assert line.startswith("rnatracks: ")
    assert "\n" not in line
    for word in words:
        assert word in line
    assert not Path("out").exists()

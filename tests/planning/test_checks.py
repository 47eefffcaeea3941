"""What is seen before any job: missing chromosomes, too many pairs of tracks, results without a record."""

import gzip
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from configurations import CONFIG, MINIMAL, config_with
from snakemake.persistence.file import FilePersistence

from rnatracks.config.settings import read_settings
from rnatracks.errors import InputError
from rnatracks.planning.checks import check_chromosomes, check_pairs, is_recorded, known_chromosomes


def test_pairs_of_many_cell_types_are_refused_before_jobs() -> None:
    check_pairs("all", 1000)
    check_pairs("neighbours", 8010)
    with pytest.raises(InputError) as caught:
        check_pairs("all", 8010)
    assert str(caught.value) == (
        "config, evaluation.pairs: found all, which gives 8,010 pairs of tracks; "
        "expected neighbours, or at most 1,000 pairs"
    )


def test_check_chromosomes() -> None:
    config = read_settings(yaml.safe_load(MINIMAL))
    check_chromosomes(config, ["chr1", "chr2", "chr3", "chrM"], "genome.fa")
    with pytest.raises(
        InputError,
        match=r"^genome.fa: found no sequence 'chr3', which is listed in genome.chrom.*; expected one of: chr1, chr2$",
    ):
        check_chromosomes(config, ["chr1", "chr2"], "genome.fa")
    with pytest.raises(InputError, match=r"'chr1'.*\(the file calls it '1'\)"):
        check_chromosomes(config, ["1", "2", "3"], "genome.fa")
    config = read_settings(config_with("genome.chromosomes", ["1"]))
    with pytest.raises(InputError, match=r"'1'.*\(the file calls it 'chr1'\).*\(40 in all\)$"):
        check_chromosomes(config, [f"chr{number}" for number in range(1, 41)], "genome.fa")


def known(fasta: object) -> list[str] | None:
    return known_chromosomes(read_settings(config_with("genome.fasta", str(fasta))))


def test_known_chromosomes_of_simulated_data() -> None:
    demo = read_settings(yaml.safe_load((CONFIG / "demo" / "config.yaml").read_text()))
    assert known_chromosomes(demo) == ["chr1", "chr2", "chr3", "chr4", "chr5"]
    check_chromosomes(demo, known_chromosomes(demo), "simulate")


def test_known_chromosomes_of_a_fasta_file(tmp_path: Path) -> None:
    text = b">chr1 first\nACGT\n>chr2\nAC\n"
    plain, zipped = tmp_path / "genome.fa", tmp_path / "genome.fa.gz"
    plain.write_bytes(text)
    zipped.write_bytes(gzip.compress(text))
    assert known(plain) == known(zipped) == ["chr1", "chr2"]
    assert known("https://example.org/genome.fa") is None


def test_known_chromosomes_believes_an_index_of_this_file_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, index = tmp_path / "genome.fa", tmp_path / "genome.fa.fai"
    plain.write_bytes(b"\xef\xbb\xbf>chr1 Gen\xc3\xb6me\nACGT\n>HG1#1#2\nAC\n")
    assert known(plain) == ["chr1", "HG1#1#2"]
    index.write_text("chrA\t4\t17\t4\t5\nchrB\t2\t33\t2\t3\n")
    assert known(plain) == ["chr1", "HG1#1#2"]
    monkeypatch.setattr("rnatracks.planning.checks.MAX_FASTA_BYTES", 3)
    assert known(plain) is None
    index.write_text("chr1\t4\t17\t4\t5\nHG1#1#2\t2\t31\t2\t3\n")
    assert known(plain) is None, "the mark is in front of the first header"
    plain.write_bytes(b">chr1 Gen\xc3\xb6me\nACGT\n>HG1#1#2\nAC\n")
    index.write_text("chr1\t4\t14\t4\t5\nHG1#1#2\t2\t28\t2\t3\n")
    assert known(plain) == ["chr1", "HG1#1#2"]
    os.utime(index, (1, 1))
    assert known(plain) is None, "an index that is older than its file"


def test_known_chromosomes_leaves_large_files_to_the_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnatracks.planning.checks.MAX_FASTA_BYTES", 3)
    (tmp_path / "genome.fa").write_text(">chr1\nACGT\n")
    assert known(tmp_path / "genome.fa") is None


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "which is not a file"),
        (b"", "an empty file"),
        (b"ACGT\n", "no sequence"),
        (gzip.compress(b""), "no sequence"),
        (gzip.compress(b">chr1\n" + b"ACGT" * 1000)[:-12], "a damaged file"),
        (b">chr1 Gen\xf6me\nACGT\n", "a header that is not UTF-8: b'chr1 Gen\\xf6me"),
    ],
    ids=["missing", "empty", "no header", "empty gzip", "cut off", "Latin-1"],
)
def test_a_bad_fasta_file_is_one_line(tmp_path: Path, content: bytes | None, found: str) -> None:
    fasta = tmp_path / "genome.fa"
    if content is not None:
        fasta.write_bytes(content)
    with pytest.raises(InputError) as caught:
        known(fasta)
    line = str(caught.value)
    assert str(fasta) in line and found in line and "; expected a FASTA file" in line and "\n" not in line


@pytest.mark.parametrize("folder", ["results", "results/" + "/".join(["a" * 100] * 4)])
def test_results_under_another_name_have_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """Named by Snakemake itself, not by us."""
    monkeypatch.chdir(tmp_path)
    made = f"{folder}/genome.fa"
    assert is_recorded(made), "it is new"
    Path(folder).mkdir(parents=True)
    Path(made).touch()
    records = Path(".snakemake/metadata")
    assert not is_recorded(made)
    path = Path(FilePersistence._record_path(SimpleNamespace(_fetch_max_len=lambda _: 255), records, made))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert is_recorded(made)
    Path("other").symlink_to("results")
    assert not is_recorded(made.replace("results", "other"))

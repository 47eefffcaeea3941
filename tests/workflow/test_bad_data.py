"""Bad files, found by the workflow: the job stops, its log says one line, nothing half-made looks finished."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
import yaml

from workflow.runs import snakemake

LENGTHS = {"chr1": 3000, "chr2": 2000}
GTF = 'chr1\tx\t{feature}\t101\t400\t.\t+\t.\tgene_id "G1"; gene_name "ONE";\n'


def write_bigwig(path: Path, lengths: dict[str, int], value: float = 1.5) -> None:
    file = pyBigWig.open(str(path), "w")
    file.addHeader(list(lengths.items()))
    for chrom in lengths:
        file.addEntries([chrom, chrom], [100, 300], ends=[200, 400], values=[1.0, value])
    file.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small run of one sample that would succeed."""
    rng = np.random.default_rng(0)
    with (tmp_path / "genome.fa").open("w") as fasta:
        for chrom, length in LENGTHS.items():
            fasta.write(f">{chrom}\n{''.join(rng.choice(list('ACGT'), length))}\n")
    (tmp_path / "genes.gtf").write_text(GTF.format(feature="gene") + GTF.format(feature="exon"))
    for strand, value in (("plus", 1.5), ("minus", 1.25)):
        write_bigwig(tmp_path / f"{strand}.bw", LENGTHS, value)
    (tmp_path / "samples.tsv").write_text(
        "sample\tcell_type\tsource\tplus\tminus\tunstranded\ns1\tB\tlocal\tplus.bw\tminus.bw\t\n"
    )
    (tmp_path / "cell_types.tsv").write_text("cell_type\tontology\tdescription\nB\t\t\n")
    config = {
        "genome": {"fasta": "genome.fa", "chromosomes": list(LENGTHS)},
        "annotation": {"gtf": "genes.gtf"},
        "blacklist": None,
        "samples": "samples.tsv",
        "cell_types": "cell_types.tsv",
        "models": {"m": {"cell_types": "each", "backbone": "no/model"}},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def run(folder: Path, *targets: str) -> tuple[int, str]:
    finished = snakemake(folder, *targets, "--configfile", "config.yaml", "--show-failed-logs")
    return finished.status, finished.text


TRACK = "results/tracks/observed/B.plus.bw"


def test_the_good_run_succeeds(folder: Path) -> None:
    status, text = run(folder, TRACK, "results/reference/genes.tsv.gz")
    assert status == 0, text
    assert (folder / TRACK).is_file()


def truncated(folder: Path) -> None:
    path = folder / "plus.bw"
    path.write_bytes(path.read_bytes()[:-40])


def all_zero(folder: Path) -> None:
    file = pyBigWig.open(str(folder / "plus.bw"), "w")
    file.addHeader(list(LENGTHS.items()))
    file.addEntries(["chr1"], [0], ends=[3000], values=[0.0])
    file.close()


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (truncated, "without the magic number at the end; expected a complete bigWig file"),
        (all_zero, "only zeros"),
    ],
)
def test_a_bad_bigwig_stops_before_it_is_averaged(folder: Path, damage: Callable[[Path], None], found: str) -> None:
    """When planning, by its header, and when it is read; the other faults are tried in `tracks` and `qc`."""
    damage(folder)
    status, text = run(folder, TRACK)
    assert status == 1
    line = next(line for line in text.splitlines() if found in line)
    assert "plus.bw" in line
    assert "Traceback" not in text
    assert not (folder / TRACK).exists()
    assert not list(folder.glob("results/**/*.partial*"))


def test_an_annotation_without_exons_is_refused(folder: Path) -> None:
    (folder / "genes.gtf").write_text(GTF.format(feature="gene"))
    status, text = run(folder, "results/reference/genes.tsv.gz")
    assert status == 1
    assert "genes.gtf: found no exon record on chr1, chr2" in text
    assert not (folder / "results/reference/annotation.gtf.gz").exists()


def test_an_empty_fasta_stops_the_plan(folder: Path) -> None:
    (folder / "genome.fa").write_text("")
    status, text = run(folder, TRACK)
    assert (status, text.strip()) == (1, "rnatracks: genome.fa: found an empty file; expected a FASTA file")


def test_a_gzipped_fasta_of_no_record_stops_the_plan(folder: Path) -> None:
    with gzip.open(folder / "genome.fa", "wt") as stream:
        stream.write("\n")
    status, text = run(folder, TRACK)
    assert status == 1
    assert "genome.fa: found no sequence" in text

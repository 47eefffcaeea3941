"""Samples that are left out, samples that count twice, and sheets of other programs: what a run makes of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from bigwigs import read_bases, write_bases
from servers.faults import ALWAYS, Status
from servers.server import DataServer

from workflow.runs import Run, snakemake

LENGTHS = {"chr1": 6000, "chr2": 4000}
EXON = 'chr1\tx\t{feature}\t101\t3000\t.\t+\t.\tgene_id "G1"; gene_name "ONE";\n'
COLUMNS = ("sample", "cell_type", "source", "plus", "minus", "unstranded")


def coverage(seed: int) -> dict[str, np.ndarray]:
    """Coverage that depends on the place more than on the sample."""
    noise = np.random.default_rng(seed)
    return {
        chrom: np.repeat(np.random.default_rng(length).gamma(0.5, 4, length // 50), 50)
        * noise.gamma(50, 1 / 50, length)
        for chrom, length in LENGTHS.items()
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of samples s1 and s2 of a cell type B."""
    rng = np.random.default_rng(0)
    with (tmp_path / "genome.fa").open("w") as fasta:
        for chrom, length in LENGTHS.items():
            fasta.write(f">{chrom}\n{''.join(rng.choice(list('ACGT'), length))}\n")
    (tmp_path / "genes.gtf").write_text(EXON.format(feature="gene") + EXON.format(feature="exon"))
    for number in (1, 2):
        for strand in ("plus", "minus"):
            arrays = coverage(number)
            scaled = {chrom: array * (1 if strand == "plus" else 0.1) for chrom, array in arrays.items()}
            write_bases(tmp_path / f"s{number}.{strand}.bw", scaled)
    (tmp_path / "cell_types.tsv").write_text("cell_type\tontology\tdescription\nB\t\t\n")
    configure(tmp_path)
    return tmp_path


def configure(folder: Path, **changes: object) -> None:
    config = {
        "genome": {"fasta": "genome.fa", "chromosomes": list(LENGTHS)},
        "annotation": {"gtf": "genes.gtf"},
        "samples": "samples.tsv",
        "cell_types": "cell_types.tsv",
        "qc": {"bin_size": 100},
        "models": {"m": {"cell_types": "each", "backbone": "no/model"}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config | changes))


def write_samples(folder: Path, *rows: tuple[str, ...]) -> None:
    """Write the sheet as write.table of R does."""
    lines = ("\t".join(f'"{cell}"' for cell in row) for row in (COLUMNS, *rows))
    (folder / "samples.tsv").write_text("\n".join(lines) + "\n")


def local(name: str, plus: str | None = None, minus: str | None = None) -> tuple[str, ...]:
    return name, "B", "local", plus or f"{name}.plus.bw", minus or f"{name}.minus.bw", ""


def run(folder: Path, *targets: str, config: str = "config.yaml") -> Run:
    return snakemake(folder, *targets, "--configfile", config, "--show-failed-logs")


def test_bad_samples_that_are_excluded_stop_nothing(folder: Path) -> None:
    """A URL that answers 404, a cut and a missing file, another assembly, a copy; one at another scale is flagged."""
    for strand, share in (("plus", 3.0), ("minus", -0.3)):
        scaled = {chrom: array * share for chrom, array in coverage(1).items()}
        write_bases(folder / f"twin.{strand}.bw", scaled)
    (folder / "cut.plus.bw").write_bytes((folder / "s1.plus.bw").read_bytes()[:-40])
    write_bases(folder / "alien.plus.bw", {"chr1": np.ones(77)})
    shutil.copy(folder / "s1.plus.bw", folder / "copy.plus.bw")
    bad = ["gone", "cut", "alien", "missing", "copy", "_again"]
    with DataServer() as server:
        server.fail("/*", Status(404, times=ALWAYS))
        urls = [server.url(f"/gone.{strand}.bw") for strand in ("plus", "minus")]
        write_samples(
            folder,
            local("s1"),
            *(local(name, minus=f"{name}.bw") for name in bad[1:-1]),
            local("_again", "./s1.plus.bw", "s1.minus.bw"),
            ("gone", "B", "url", *urls, ""),
            local("s2"),
            local("twin"),
        )
        configure(folder, exclude=bad)
        made = ["qc/samples.tsv", "samples/resolved.tsv", "tracks/observed/B.plus.bw", "provenance/inputs.tsv"]
        finished = run(folder, *(f"results/{path}" for path in made))
        assert finished.status == 0, finished.text[-3000:]
        assert server.requests == ()
    results = folder / "results"
    resolved = pd.read_csv(results / "samples/resolved.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert sorted(resolved["sample"]) == sorted(["s1", "s2", "twin", *bad])
    table = pd.read_csv(results / "qc/samples.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert table.groupby("sample", sort=False)["strand"].apply(list).to_dict() == {
        name: ["plus", "minus"]
        for name in resolved["sample"].sort_values(key=lambda names: names.isin(bad), kind="stable")
    }
    left_out = table[table["sample"].isin(bad)]
    assert set(left_out.pop("excluded")) == {"yes"}
    assert set(left_out.drop(columns=["sample", "cell_type", "strand"]).to_numpy().ravel()) == {""}
    used = table[table["excluded"] == "no"]
    flags = used.groupby("sample")["flags"].apply(lambda found: [*found])
    assert flags.to_dict() == {
        "s1": ["unequal_strands,copy"] * 2,
        "s2": ["unequal_strands"] * 2,
        "twin": ["unequal_strands,copy"] * 2,
    }
    for strand in ("plus", "minus"):
        assert (results / f"qc/correlation.{strand}.tsv").read_text().splitlines()[0] == "sample\ts1\ts2\ttwin"
    inputs = pd.read_csv(results / "provenance/inputs.tsv", sep="\t")["file"]
    assert sorted(inputs) == [
        "genes.gtf",
        "genome.fa",
        *(f"{n}.{s}.bw" for n in ("s1", "s2", "twin") for s in ("minus", "plus")),
    ]
    totals = [sum(array.sum() for array in coverage(number).values()) * 1.1 for number in (1, 2)]
    expected = (2 * coverage(1)["chr1"] * 1e8 / totals[0] + coverage(2)["chr1"] * 1e8 / totals[1]) / 3
    np.testing.assert_allclose(read_bases(results / "tracks/observed/B.plus.bw", "chr1"), expected, rtol=1e-5)
    assert json.loads((results / "tracks/observed/B.plus.json").read_text())["samples"] == 3


def test_a_download_that_is_a_copy_stops_before_it_is_averaged(folder: Path) -> None:
    """Found by MD5 when all are there; also between a download and a local file."""
    served = {"/a.bw": (folder / "s1.plus.bw").read_bytes(), "/b.bw": (folder / "s2.minus.bw").read_bytes()}
    with DataServer(files=served) as server:
        urls = server.url("/a.bw"), server.url("/b.bw")
        write_samples(folder, local("s1"), ("again", "B", "url", *urls, ""))
        finished = run(folder, "results/tracks/observed/B.minus.bw")
    assert finished.status == 1
    assert "Traceback" not in finished.text
    line = next(line for line in finished.text.splitlines() if "same content" in line)
    assert "sample again of B, plus: found a file with the same content as that of sample s1 of B, plus (MD5 " in line
    assert not (folder / "results/tracks/observed/B.minus.bw").exists()


def assert_stops_with_one_line(folder: Path, found: str, config: str = "config.yaml") -> None:
    finished = run(folder, "--dry-run", "all", config=config)
    assert (finished.status, len(finished.text.strip().splitlines())) == (1, 1), finished.text[-3000:]
    assert finished.text.startswith(f"rnatracks: {found}")


def test_a_copy_stops_the_plan_with_one_line(folder: Path) -> None:
    shutil.copy(folder / "s1.minus.bw", folder / "s2.plus.bw")
    write_samples(folder, local("s1"), local("s2"))
    assert_stops_with_one_line(
        folder,
        "samples.tsv, line 3, sample s2, plus: found s2.plus.bw, a copy of s1.minus.bw in samples.tsv, line 2, "
        "sample s1, minus; expected each file once",
    )


@pytest.mark.parametrize(
    ("name", "changes", "where"),
    [
        ("config.yaml", {"genes": {"types": ["{x}"]}}, "config.yaml, genes.types[0]"),
        ("my{1}.yaml", {}, "--configfile"),
    ],
)
def test_braces_stop_the_plan_with_one_line(folder: Path, name: str, changes: dict[str, object], where: str) -> None:
    write_samples(folder, local("s1"), local("s2"))
    configure(folder, **changes)
    (folder / "config.yaml").rename(folder / name)
    assert_stops_with_one_line(folder, f"{where}: found ", name)


@pytest.fixture
def case(real_data: Path, tmp_path: Path) -> Path:
    shutil.copytree(real_data / "cases/clean", tmp_path / "case", copy_function=shutil.copyfile)
    (tmp_path / "case").chmod(0o755)
    return tmp_path / "case"


def test_a_sheet_of_r_plans_what_a_plain_one_does(real_data: Path, case: Path) -> None:
    plain = run(case, "--dry-run", "all")
    assert plain.status == 0, plain.text[-3000:]
    shutil.copyfile(real_data / "cases/sheet_r/samples.tsv", case / "samples.tsv")
    quoted = run(case, "--dry-run", "all")
    assert quoted.status == 0, quoted.text[-3000:]
    jobs = [{rule: sorted(map(str, jobs)) for rule, jobs in each.planned().items()} for each in (plain, quoted)]
    assert sum(map(len, jobs[0].values())) > 50
    assert jobs[0] == jobs[1]


def test_the_same_bigwigs_twice_stop_the_plan_with_one_line(real_data: Path, case: Path) -> None:
    shutil.copyfile(real_data / "cases/bw_twice/samples.tsv", case / "samples.tsv")
    assert_stops_with_one_line(
        case, "samples.tsv, line 3, plus: found './A1.plus.bw', as in line 2, plus; expected each file"
    )

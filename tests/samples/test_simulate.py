"""The simulated genome: what is planted stands where the genes say, and coverage follows from them."""

import gzip
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pyBigWig
import pyranges as pr
import pytest
import yaml
from numpy.typing import NDArray

from rnatracks.config.data import SimulatedGenomeSettings, SimulatedSampleSettings, SimulationSettings
from rnatracks.samples.simulate import (
    EXPRESSION_CLASSES,
    SILENT,
    SimulatedGene,
    SimulatedGenome,
    draw_words,
    reverse_complement,
    simulate_coverage,
    simulate_genome,
)
from rnatracks.samples.simulated_files import write_annotation, write_blacklist, write_genome, write_sample
from rnatracks.vocabulary import Strand

SETTINGS = SimulatedGenomeSettings(seed=11, chromosomes={"chr1": 80_000, "chr2": 60_000, "tiny": 300})
READ = SETTINGS.read_length


@pytest.fixture(scope="module")
def genome() -> SimulatedGenome:
    return simulate_genome(SETTINGS)


def draw(genome: SimulatedGenome, **changes: float) -> dict[tuple[str, Strand], NDArray[np.float32]]:
    return simulate_coverage(
        genome, SETTINGS, **{"cell_type_index": 0, "depth": 1.0, "noise": 0.0, "seed": 3} | changes
    )


def stretch(genome: SimulatedGenome, gene: SimulatedGene, start: int, end: int) -> bytes:
    """Bases of start-end, read on the gene's strand."""
    bases = genome.sequences[gene.chrom][start:end].tobytes()
    return bases if gene.strand is Strand.PLUS else reverse_complement(bases)


def overlapping(genome: SimulatedGenome) -> list[tuple[SimulatedGene, SimulatedGene]]:
    return [
        (a, b)
        for a, b in itertools.combinations(genome.genes, 2)
        if a.chrom == b.chrom and a.start < b.end and b.start < a.end
    ]


def alone(genome: SimulatedGenome) -> list[SimulatedGene]:
    paired = {gene.gene_id for pair in overlapping(genome) for gene in pair}
    return [gene for gene in genome.genes if gene.gene_id not in paired]


def exonic(gene: SimulatedGene, track: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([track[start:end] for start, end in gene.exons])


def test_reverse_complement() -> None:
    assert reverse_complement(b"AACGTN") == b"NACGTT"


def test_same_seed_same_files(tmp_path: Path) -> None:
    written = []
    for run, seed in (("a", 1), ("b", 1), ("c", 2)):
        settings = SimulatedGenomeSettings(seed=seed, chromosomes={"chr1": 30_000}, gap=500)
        genome, folder = simulate_genome(settings), tmp_path / run
        write_genome(genome, folder / f"{run}.fa.gz")
        write_annotation(genome, folder / f"{run}.gtf.gz")
        sample = SimulatedSampleSettings(depth=1, noise=0.1)
        paths = {"plus": folder / "plus.bw", "minus": folder / "minus.bw"}
        write_sample(genome, settings, sample, cell_type_index=0, seed=0, **paths)
        written.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert written[0] == written[1]
    assert all(first != other for first, other in zip(written[0], written[2], strict=True))


def test_samples_draw_their_own_reads(genome: SimulatedGenome) -> None:
    first, again, other = draw(genome), draw(genome), draw(genome, seed=4)
    for key, values in first.items():
        np.testing.assert_array_equal(values, again[key])
    assert not np.array_equal(first["chr1", Strand.PLUS], other["chr1", Strand.PLUS])


def test_genes_lie_inside_and_exons_apart(genome: SimulatedGenome) -> None:
    assert len({gene.gene_id for gene in genome.genes}) == len(genome.genes) > 60
    for gene in genome.genes:
        assert gene.start >= 0
        assert gene.end <= SETTINGS.chromosomes[gene.chrom]
        assert all(start < end for start, end in gene.exons)
        assert all(left[1] < right[0] for left, right in itertools.pairwise(gene.exons))
    assert {gene.strand for gene in genome.genes} == {Strand.PLUS, Strand.MINUS}
    assert {gene.levels for gene in genome.genes} == {*EXPRESSION_CLASSES, SILENT}
    assert {len(gene.exons) for gene in genome.genes} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("seed", [0, 1, 63, 70, 93, 123, 182, 184])
def test_splice_sites_and_gap(seed: int) -> None:
    """GT..AG on the gene's strand in every intron, and no gene in the gap.

    From seed 63 on, an overlapping gene's TATA box comes close to a splice site, or to the gap.
    """
    genome = simulate_genome(SimulatedGenomeSettings(seed=seed, chromosomes={"a": 40_000, "b": 20_000}))
    introns = 0
    for gene in genome.genes:
        assert b"N" not in stretch(genome, gene, gene.start, gene.end)
        for (_, left), (right, _) in itertools.pairwise(gene.exons):
            intron, introns = stretch(genome, gene, left, right), introns + 1
            assert intron.startswith(b"GT"), gene
            assert intron.endswith(b"AG"), gene
    assert introns > 40
    unknown = np.flatnonzero(genome.sequences["a"] == ord("N"))
    assert unknown.tolist() == list(range(20_000, 23_000))
    assert set(genome.sequences["b"].tobytes()) == set(b"ACGT")


def test_tata_box_before_the_transcript(genome: SimulatedGenome) -> None:
    for gene in alone(genome):
        place = gene.start - 30 if gene.strand is Strand.PLUS else gene.end + 22
        assert stretch(genome, gene, place, place + 8) == b"TATAAAAG"


def test_opposite_genes_overlap(genome: SimulatedGenome) -> None:
    pairs = overlapping(genome)
    assert len(pairs) >= 3
    assert all(a.strand is not b.strand for a, b in pairs)
    assert any(min(a.end, b.end) - max(a.start, b.start) >= 80 for a, b in pairs)


@pytest.mark.parametrize("seed", range(5))
def test_words_are_told_apart(seed: int) -> None:
    words = draw_words(np.random.default_rng(seed), 6)
    for a, b in itertools.combinations([*words, *map(reverse_complement, words)], 2):
        assert sum(x != y for x, y in zip(a, b, strict=True)) >= 3


def test_exons_carry_the_word_of_their_class(genome: SimulatedGenome) -> None:
    """The commonest 6-mer on the strand of a class's genes is its word; other genes hold it by chance alone."""
    spliced = {gene: b"".join(stretch(genome, gene, *exon) + b"|" for exon in gene.exons) for gene in alone(genome)}
    words = {}
    for levels in EXPRESSION_CLASSES:
        counts = Counter(
            text[i : i + 6] for gene, text in spliced.items() if gene.levels == levels for i in range(len(text) - 5)
        )
        words[levels], _ = counts.most_common(1)[0]
    assert len({form for word in words.values() for form in (word, reverse_complement(word))}) == 12
    for gene, text in spliced.items():
        for levels, word in words.items():
            share = text.count(word) * 10 / len(text)
            assert share > 0.6 if gene.levels == levels else share < 0.15, (gene, levels)


def test_coverage_stays_on_its_strand(genome: SimulatedGenome) -> None:
    coverage = draw(genome)
    for strand, other in ((Strand.PLUS, Strand.MINUS), (Strand.MINUS, Strand.PLUS)):
        genes = [gene for gene in alone(genome) if gene.strand is strand and gene.levels[0] > 0]
        sense = sum(exonic(gene, coverage[gene.chrom, strand]).sum() for gene in genes)
        antisense = sum(exonic(gene, coverage[gene.chrom, other]).sum() for gene in genes)
        assert antisense < 0.002 * sense


def expected_reads(genome: SimulatedGenome, cell_type: int, depth: float) -> tuple[float, float]:
    """Reads and covered bases, by hand: rate x (length + read - 1) reads begin, rate x read lie over each base."""
    rate, reads, bases = SETTINGS.depth * depth / READ, 0.0, 0.0
    for gene in genome.genes:
        for share, length in ((1, sum(end - start for start, end in gene.exons)), (0.02, gene.end - gene.start)):
            reads += share * rate * gene.levels[cell_type] * (length + READ - 1)
            bases += share * rate * gene.levels[cell_type] * length * READ
    for sequence in genome.sequences.values():
        reads += 2 * 0.001 * rate * (len(sequence) + READ - 1)
        bases += 2 * 0.001 * rate * int((sequence != ord("N")).sum()) * READ
    return reads, bases


@pytest.mark.parametrize(("cell_type", "depth"), [(0, 1.0), (1, 4.0)])
def test_coverage_is_in_reads_per_million(genome: SimulatedGenome, cell_type: int, depth: float) -> None:
    coverage = draw(genome, cell_type_index=cell_type, depth=depth)
    reads, bases = expected_reads(genome, cell_type, depth)
    total = sum(values.sum(dtype=np.float64) for values in coverage.values())
    assert total == pytest.approx(1e6 * bases / reads, rel=0.01)
    assert 0.85 * READ < total / 1e6 <= READ


def test_exons_are_covered_at_their_level(genome: SimulatedGenome) -> None:
    """Flat up to both ends, and 50 times what the introns hold."""
    coverage = draw(genome, cell_type_index=1, depth=20.0)
    unit = SETTINGS.depth * 20 * 1e6 / expected_reads(genome, 1, 20.0)[0]
    for gene in alone(genome):
        track = coverage[gene.chrom, gene.strand]
        found, level = exonic(gene, track) / unit, gene.levels[1]
        assert found.mean() == pytest.approx(1.02 * level, rel=0.1, abs=0.02)
        if level:
            ends = np.concatenate([found[:20], found[-20:]])
            assert ends.mean() == pytest.approx(1.02 * level, rel=0.35)
        for (_, left), (right, _) in itertools.pairwise(gene.exons):
            assert track[left:right].mean() / unit < 0.08 * level + 0.02


def test_gap_has_no_coverage(genome: SimulatedGenome) -> None:
    gap = genome.sequences["chr1"] == ord("N")
    for strand in (Strand.PLUS, Strand.MINUS):
        assert not draw(genome, depth=50.0)["chr1", strand][gap].any()


@pytest.mark.parametrize("negative", [False, True])
def test_written_sample_equals_its_draw(tmp_path: Path, genome: SimulatedGenome, negative: bool) -> None:
    sample = SimulatedSampleSettings(depth=1.0, noise=0.0, negative_minus=negative)
    paths = {strand: tmp_path / f"{strand}.bw" for strand in (Strand.PLUS, Strand.MINUS)}
    write_sample(
        genome, SETTINGS, sample, cell_type_index=0, seed=3, plus=paths[Strand.PLUS], minus=paths[Strand.MINUS]
    )
    files = {strand: pyBigWig.open(str(path)) for strand, path in paths.items()}
    for (chrom, strand), values in draw(genome).items():
        assert files[strand].chroms() == dict(SETTINGS.chromosomes)
        sign = -1 if negative and strand is Strand.MINUS else 1
        found = np.nan_to_num(files[strand].values(chrom, 0, len(values), numpy=True))
        np.testing.assert_array_equal(found, sign * values)
        assert all(value != 0 for *_, value in files[strand].intervals(chrom) or ())


def test_fasta_returns(tmp_path: Path, genome: SimulatedGenome) -> None:
    write_genome(genome, tmp_path / "genome.fa.gz")
    text = gzip.decompress((tmp_path / "genome.fa.gz").read_bytes()).decode()
    records = [record.split("\n") for record in text.split(">")[1:]]
    assert [name for name, *_ in records] == list(SETTINGS.chromosomes)
    for name, *lines in records:
        assert "".join(lines) == genome.sequences[name].tobytes().decode()
        assert max(map(len, lines)) <= 60


def test_gtf_equals_the_genes(tmp_path: Path, genome: SimulatedGenome) -> None:
    write_annotation(genome, tmp_path / "genes.gtf.gz")
    table = pr.read_gtf(str(tmp_path / "genes.gtf.gz")).df
    names = set()
    for gene in genome.genes:
        rows = table[table["gene_id"] == gene.gene_id]
        assert set(rows["Chromosome"]) == {gene.chrom}
        assert set(rows["Strand"]) == {gene.strand.symbol}
        names |= set(rows["gene_name"])
        for feature in ("gene", "transcript"):
            (row,) = rows[rows["Feature"] == feature].itertuples()
            assert (row.Start, row.End) == (gene.start, gene.end)
        exons = rows[rows["Feature"] == "exon"].sort_values("Start")
        assert tuple(zip(exons["Start"], exons["End"], strict=True)) == gene.exons
        numbers = exons["exon_number"].astype(int).tolist()
        assert (numbers if gene.strand is Strand.PLUS else numbers[::-1]) == list(range(1, len(gene.exons) + 1))
    assert len(names) == len(genome.genes) == table["gene_id"].nunique()


def test_blacklist_is_one_region(tmp_path: Path, genome: SimulatedGenome) -> None:
    write_blacklist(genome, tmp_path / "blacklist.bed")
    assert (tmp_path / "blacklist.bed").read_text() == "chr1\t78500\t79000\tsimulated\n"


def test_demo_has_genes_to_score() -> None:
    text = (Path(__file__).parents[2] / "config" / "demo" / "config.yaml").read_text()
    section = yaml.safe_load(text)["simulate"]
    genome = simulate_genome(SimulationSettings.model_validate(section))
    strands = Counter(gene.strand for gene in genome.genes if gene.chrom == "chr3")
    assert strands.total() >= 40
    assert min(strands[Strand.PLUS], strands[Strand.MINUS]) >= 15

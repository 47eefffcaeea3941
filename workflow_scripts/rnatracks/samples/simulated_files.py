"""Files of the simulated genome and its samples."""

import gzip
from pathlib import Path

import numpy as np
import pyBigWig
from numpy.typing import NDArray

from ..config.data import SimulatedGenomeSettings, SimulatedSampleSettings
from ..files import atomic_write, write_text
from ..genome.fasta import fasta_record
from ..vocabulary import Strand
from .simulate import SimulatedGenome, simulate_coverage


def write_sample(
    genome: SimulatedGenome,
    settings: SimulatedGenomeSettings,
    sample: SimulatedSampleSettings,
    *,
    cell_type_index: int,
    seed: int,
    plus: Path,
    minus: Path,
) -> None:
    """Draw a sample (see `simulate_coverage`) and write its two bigWigs, which leave out bases without signal."""
    coverage = simulate_coverage(
        genome,
        settings,
        cell_type_index=cell_type_index,
        depth=sample.depth,
        noise=sample.noise,
        seed=seed,
    )
    lengths = [(chrom, len(sequence)) for chrom, sequence in genome.sequences.items()]
    for strand, target in ((Strand.PLUS, plus), (Strand.MINUS, minus)):
        sign = -1 if sample.negative_minus and strand is Strand.MINUS else 1
        with atomic_write(target) as partial:
            file = pyBigWig.open(str(partial), "w")
            file.addHeader(lengths)
            for chrom, _ in lengths:
                starts, ends, values = _runs(coverage[chrom, strand])
                if len(starts):
                    file.addEntries(np.full(len(starts), chrom), starts, ends=ends, values=sign * values)
            file.close()


def write_genome(genome: SimulatedGenome, target: Path) -> None:
    """Write the sequences as gzipped FASTA."""
    _write_gzip(target, b"".join(fasta_record(chrom, each.tobytes()) for chrom, each in genome.sequences.items()))


def write_annotation(genome: SimulatedGenome, target: Path) -> None:
    """Write gene, transcript and exon records in GENCODE's style, gzipped."""
    lines = ["##description: simulated genes"]
    for gene in genome.genes:
        name = f"{gene.chrom}-{gene.gene_id[-3:]}"
        ids = f'gene_id "{gene.gene_id}"; gene_type "protein_coding"; gene_name "{name}";'
        transcript = f'{ids} transcript_id "{gene.gene_id}.1"; transcript_type "protein_coding";'
        records = [("gene", gene.start, gene.end, ids), ("transcript", gene.start, gene.end, transcript)]
        exons = gene.exons if gene.strand is Strand.PLUS else gene.exons[::-1]
        records += [("exon", *exon, f"{transcript} exon_number {n};") for n, exon in enumerate(exons, 1)]
        for feature, start, end, attributes in records:
            fields = (gene.chrom, "simulated", feature, start + 1, end, ".", gene.strand.symbol, ".", attributes)
            lines.append("\t".join(map(str, fields)))
    _write_gzip(target, "\n".join([*lines, ""]).encode())


def _write_gzip(target: Path, content: bytes) -> None:
    """Write gzip whose bytes depend only on the content: its header has no time and no file name."""
    with atomic_write(target) as partial:
        partial.write_bytes(gzip.compress(content, mtime=0))


def write_blacklist(genome: SimulatedGenome, target: Path) -> None:
    """Write one region, the 500 bases before the first chromosome's last 1,000, as BED."""
    chrom, sequence = next(iter(genome.sequences.items()))
    write_text(target, f"{chrom}\t{len(sequence) - 1500}\t{len(sequence) - 1000}\tsimulated\n")


def _runs(values: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Starts, ends and values of the runs of equal nonzero values."""
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1, [len(values)]])
    kept = values[bounds[:-1]] != 0
    return bounds[:-1][kept], bounds[1:][kept], values[bounds[:-1]][kept].astype(np.float64)

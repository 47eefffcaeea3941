"""The VCF of the simulated changes."""

from collections.abc import Mapping
from pathlib import Path

import pysam

from ..files import atomic_write
from ..genome.edits import Edit
from .planted_changes import PlantedChange, written_from
from .simulate import SimulatedGenome


def write_planted_variants(genome: SimulatedGenome, planted: Mapping[str, PlantedChange], target: Path) -> None:
    """Write changes by id, sorted by position, as a bgzipped VCF; an empty allele gets the base before it."""
    header = pysam.VariantHeader()
    for chrom, sequence in genome.sequences.items():
        header.contigs.add(chrom, length=len(sequence))
    header.info.add("KIND", 1, "String", "What was changed in the simulated genome")
    with atomic_write(target) as partial, pysam.VariantFile(str(partial), "wz", header=header) as file:
        for name, each in planted.items():
            start, *alleles = _alleles(genome, each.change)
            record = header.new_record(each.change.chrom, start, start + len(alleles[0]), alleles, name)
            record.info["KIND"] = str(each.kind)
            file.write(record)


def _alleles(genome: SimulatedGenome, change: Edit) -> tuple[int, str, str]:
    """Position (0-based) and both alleles, as VCF requires them."""
    start = written_from(change)
    sequence = genome.sequences[change.chrom].tobytes()
    before = sequence[start : change.start]
    return start, sequence[start : change.end].decode(), (before + change.replacement).decode()

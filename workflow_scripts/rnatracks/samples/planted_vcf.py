"""The VCF of the simulated changes."""

from collections.abc import Mapping
from pathlib import Path

import pysam

from ..files import atomic_write
from ..vcf.normalise import vcf_alleles
from .planted_changes import PlantedChange
from .simulate import SimulatedGenome


def write_planted_variants(genome: SimulatedGenome, planted: Mapping[str, PlantedChange], target: Path) -> None:
    """Write changes by id, sorted by position, as a bgzipped VCF; an empty allele gets the base before it."""
    header = pysam.VariantHeader()
    for chrom, sequence in genome.sequences.items():
        header.contigs.add(chrom, length=len(sequence))
    header.info.add("KIND", 1, "String", "What was changed in the simulated genome")
    with atomic_write(target) as partial, pysam.VariantFile(str(partial), "wz", header=header) as file:
        for name, each in planted.items():
            pos, *alleles = vcf_alleles(genome, each.change)
            record = header.new_record(each.change.chrom, pos - 1, pos - 1 + len(alleles[0]), alleles, name)
            record.info["KIND"] = str(each.kind)
            file.write(record)

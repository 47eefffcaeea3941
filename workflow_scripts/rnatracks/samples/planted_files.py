"""Files of the simulated changes: a VCF for the models, and the table of what each change does to genes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pysam

from ..files import atomic_write
from .planted_changes import PlantedChange
from .planted_levels import GenomeChange
from .simulate import SimulatedGenome

PLANTED_COLUMNS = ["id", "kind", "gene_id", "cell_type", "level_before", "level_after"]


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


def _alleles(genome: SimulatedGenome, change: GenomeChange) -> tuple[int, str, str]:
    """Position (0-based) and both alleles, as VCF requires them."""
    start = change.written_from
    sequence = genome.sequences[change.chrom].tobytes()
    before = sequence[start : change.start]
    return start, sequence[start : change.end].decode(), (before + change.replacement).decode()


def write_planted_effects(planted: Mapping[str, PlantedChange], cell_types: Sequence[str], target: Path) -> None:
    """Write one row per change, gene and cell type; genes that are not listed keep their level."""
    rows = [
        (name, str(each.kind), effect.gene_id, cell_type, before, after)
        for name, each in planted.items()
        for effect in each.effects
        for cell_type, before, after in zip(cell_types, effect.before, effect.after, strict=False)
    ]
    with atomic_write(target) as partial:
        table = pd.DataFrame(rows, columns=PLANTED_COLUMNS)
        table.to_csv(partial, sep="\t", index=False, float_format="%.9g")


def read_planted_effects(path: Path) -> pd.DataFrame:
    """Read the table that `write_planted_effects` wrote."""
    return pd.read_csv(path, sep="\t", dtype=dict.fromkeys(PLANTED_COLUMNS[:4], str), keep_default_na=False)

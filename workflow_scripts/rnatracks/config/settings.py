"""What follows from a validated configuration alone, for the Snakefile and for scripts, which get the configuration."""

import re
from collections.abc import Mapping
from typing import Any

from ..vocabulary import Split


def locus_file_name(locus: str) -> str:
    """Turn a gene name or region into a file name: `chr19:39,407,000-39,439,000` to `chr19_39407000-39439000`."""
    return re.sub(r"[^\w.-]", "_", locus.strip().replace(",", ""))


def loci_by_file(config: Mapping[str, Any]) -> dict[str, str]:
    """What the configuration calls each locus, by its file name."""
    return {locus_file_name(locus): locus for locus in config["loci"]}


def chromosome_splits(config: Mapping[str, Any]) -> dict[str, Split]:
    """The split of each chosen chromosome, in their order: `train` unless the configuration holds it out."""
    held_out = {chrom: split for split in (Split.VALID, Split.TEST) for chrom in config["split"][split]}
    return {chrom: held_out.get(chrom, Split.TRAIN) for chrom in config["genome"]["chromosomes"]}


def seam_chromosomes(config: Mapping[str, Any]) -> list[str]:
    """Where seams are looked for: on held-out chromosomes, or on the first one."""
    return config["split"]["test"] or config["genome"]["chromosomes"][:1]

"""What mutagenesis measures: the mean coverage of a gene's exons, or of a region."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError
from ..genome.annotation import Annotation
from ..genome.loci import Region
from ..genome.tables import EXON_COLUMNS, GENE_COLUMNS, on_strand
from ..variants.alleles import Alleles
from ..variants.effects import GeneEffects, counted_exons
from ..vocabulary import Strand, Track


@dataclass(frozen=True)
class Measured:
    """Bases whose mean coverage is compared between alleles.

    Parameters
    ----------
    name
        Gene id, or the region as a user types it.
    gene
        One row, columns `GENE_COLUMNS`; a region is the exon of a gene of its own.
    exons
        Its exons, columns `EXON_COLUMNS`.
    counted
        Those, or the parts of them, that count on the tracks of each strand.
    tracks
        Numbers of the tracks that are measured, among those of the model.
    strands
        Strand of each track of the model.
    """

    name: str
    gene: pd.DataFrame
    exons: pd.DataFrame
    counted: dict[Strand, pd.DataFrame]
    tracks: list[int]
    strands: list[Strand]

    def intervals(self, track: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Starts and ends (0-based, half-open) of the bases that count on a track of the model."""
        table = on_strand(self.counted[self.strands[track]], self.strands[track])
        return table["start"].to_numpy(np.int64), table["end"].to_numpy(np.int64)

    def means(self, alleles: Alleles) -> NDArray[np.float64]:
        """Mean normalised coverage of the reference, one per measured track."""
        chrom, means = self.gene["chrom"].iloc[0], []
        for track in self.tracks:
            starts, ends = self.intervals(track)
            parts = [
                alleles.reference(chrom, *place)[track] for place in zip(starts.tolist(), ends.tolist(), strict=True)
            ]
            means.append(np.concatenate(parts).mean(dtype=np.float64))
        return np.array(means)

    def effects(self, alleles: Alleles) -> GeneEffects:
        """What compares it between alleles."""
        return GeneEffects(alleles, self.gene, self.exons, self.counted)


def measured_gene(gene: pd.Series, annotation: Annotation, tracks: Sequence[str]) -> Measured:
    """The exons of a gene, without the bases that it shares with others, on the tracks of its strand.

    Raises
    ------
    InputError
        If no track of the model is on its strand, or it has no exonic base of its own.
    """
    exons = annotation.exons
    near = exons[(exons["chrom"] == gene["chrom"]) & (exons["start"] < gene["end"]) & (exons["end"] > gene["start"])]
    nearby = replace(annotation, exons=near)
    strands = [Track.parse(name).strand for name in tracks]
    counted = {}
    for strand in dict.fromkeys(strands):
        own = counted_exons(nearby, strand, "leave_out")
        counted[strand] = own[own["gene_id"] == gene["gene_id"]]
    chosen = [number for number, strand in enumerate(strands) if strand.holds(gene["strand"])]
    where = f"gene {gene['gene_id']}"
    if not chosen:
        raise InputError(
            where, f"strand {gene['strand']}", f"a gene on a strand of the model's tracks: {', '.join(tracks)}"
        )
    if any(counted[strands[number]].empty for number in chosen):
        raise InputError(where, "no exonic base that it does not share with another gene", "one or more")
    own = near[near["gene_id"] == gene["gene_id"]]
    return Measured(gene["gene_id"], gene.to_frame().T, own, counted, chosen, strands)


def measured_region(region: Region, tracks: Sequence[str]) -> Measured:
    """All bases of a region, on all tracks."""
    strands = [Track.parse(name).strand for name in tracks]
    name, place = str(region), (region.chrom, region.start, region.end)
    counted = {
        strand: pd.DataFrame([(*place, name, "-" if strand is Strand.MINUS else "+")], columns=list(EXON_COLUMNS))
        for strand in dict.fromkeys(strands)
    }
    row = (name, name, "", region.chrom, "+", region.start, region.end, region.end - region.start, 0.0)
    gene = pd.DataFrame([row], columns=list(GENE_COLUMNS))
    exons = next(iter(counted.values()))
    return Measured(name, gene, exons, counted, list(range(len(tracks))), strands)

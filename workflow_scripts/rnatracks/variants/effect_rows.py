"""Rows of the table of effects: what each variant does to each gene and track."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from ..genome.annotation import Annotation
from ..tracks.expression import log2_ratio
from ..vcf.record_alleles import Variant
from ..vocabulary import Track
from .alleles import AllelePair, Alleles
from .consequences import Consequence, GeneContext
from .effects import GeneEffects, counted_exons, largest_base_change


class EffectRows:
    """Rows of the table for pairs of alleles.

    Parameters
    ----------
    alleles
        The model and the genome.
    annotation
        All genes.
    genes
        Those to list, columns `tables.GENE_COLUMNS`.
    shared_exons
        How exonic bases that genes share are counted: `leave_out` or `count_for_each`, as in the configuration.
    pseudocount
        c in log2((alt + c) / (ref + c)), in units of normalised coverage.
    """

    def __init__(
        self, alleles: Alleles, annotation: Annotation, genes: pd.DataFrame, shared_exons: str, pseudocount: float
    ) -> None:
        self.alleles = alleles
        self.tracks = alleles.model.config.tracks
        self.pseudocount = pseudocount
        strands = {Track.parse(track).strand for track in self.tracks}
        counted = {strand: counted_exons(annotation, strand, shared_exons) for strand in strands}
        self.effects = GeneEffects(alleles, genes, annotation.exons, counted)
        self._names = [*genes[["gene_id", "gene_name", "strand"]].itertuples(index=False, name=None)]
        self._context = GeneContext(genes, annotation.exons, annotation.bodies)

    def of(self, variants: Sequence[Variant]) -> Iterator[list[tuple]]:
        """Rows of each variant, columns `ROW_COLUMNS`.

        A track without a gene in reach has one row without a gene; if that holds for all tracks, it is `intergenic`.
        """
        pairs = self.alleles.pairs(variant.edit for variant in variants)
        for variant, pair in zip(variants, pairs, strict=True):
            yield list(self._rows(variant, pair))

    def _rows(self, variant: Variant, pair: AllelePair) -> Iterator[tuple]:
        named = (variant.chrom, variant.pos, variant.id, variant.ref, variant.alt)
        changes, places = largest_base_change(pair, self.pseudocount)
        positions = ["" if np.isnan(change) else place + 1 for change, place in zip(changes, places, strict=True)]
        alone = set(range(len(self.tracks)))
        effects = self.effects.of(pair)
        genes = np.array([effect.gene for effect in effects], np.intp)
        consequences = self._context.consequences(pair.edit, genes)
        distances = self._context.tss_distances(pair.edit, genes)
        for effect, consequence, distance in zip(effects, consequences, distances, strict=True):
            about = (*self._names[effect.gene], distance, consequence)
            ratios = log2_ratio(effect.alternative, effect.shifted, self.pseudocount)
            shifts = log2_ratio(effect.shifted, effect.reference, self.pseudocount)
            numbers = zip(effect.tracks.tolist(), effect.reference, effect.alternative, ratios, shifts, strict=True)
            for track, *of_track in numbers:
                values = (effect.reach, *of_track, changes[track])
                yield (*named, *about, self.tracks[track], *values, positions[track])
            alone -= set(effect.tracks.tolist())
        about = ("",) * 4 + (Consequence.INTERGENIC if len(alone) == len(self.tracks) else "",)
        for track in sorted(alone):
            yield (*named, *about, self.tracks[track], *(np.nan,) * 5, changes[track], positions[track])

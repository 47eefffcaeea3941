"""Where a change lies relative to genes: consequence classes, and distances to transcription start sites."""

from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..genome.edits import Edit
from ..genome.tables import with_gene_numbers

PROMOTER = 1000  # bases upstream of a transcription start site
# SO:0001630, splice_region_variant, together with the splice sites themselves (SO:0001629).
SPLICE_EXON, SPLICE_INTRON = 3, 8  # bases on either side of a splice junction


class Consequence(StrEnum):
    """Class of a change relative to a gene; a change that touches several has the first of them.

    `splice_region`: at a splice junction, 3 bases of the exon and 8 of the intron. `exon`. `intron`. `promoter`: up to
    1,000 bases upstream of a transcription start site. `upstream` or `downstream`: elsewhere outside the gene.
    `intergenic`: no gene is in reach.
    """

    SPLICE_REGION = "splice_region"
    EXON = "exon"
    INTRON = "intron"
    PROMOTER = "promoter"
    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"
    INTERGENIC = "intergenic"


class GeneContext:
    """Genes, as their consequence classes see them.

    Parameters
    ----------
    genes
        Columns `GENE_COLUMNS`; genes are numbered by its rows.
    exons, bodies
        All exons and bodies, as in `annotation.Annotation`.

    Notes
    -----
    Exons are those of all transcripts together, so the end of an exon within a longer exon of another transcript is no
    splice junction here. Introns are the gaps between exons of one body. Each body of a gene has a promoter; elsewhere
    between two bodies a change is downstream.
    """

    def __init__(self, genes: pd.DataFrame, exons: pd.DataFrame, bodies: pd.DataFrame) -> None:
        self._reverse = (genes["strand"] == "-").to_numpy()
        starts, ends = genes["start"].to_numpy(np.int64), genes["end"].to_numpy(np.int64)
        self._starts_of_transcription = np.where(self._reverse, ends - 1, starts)
        columns = ["chrom", "start", "end", "gene"]
        exons, bodies = (with_gene_numbers(table, genes)[columns] for table in (exons, bodies))
        self._regions = {  # in the order in which they are painted over each other
            Consequence.PROMOTER: _by_chromosome(_promoters(bodies, self._reverse)),
            Consequence.INTRON: _by_chromosome(bodies),
            Consequence.EXON: _by_chromosome(exons),
            Consequence.SPLICE_REGION: _by_chromosome(_splice_regions(exons, bodies)),
        }

    def consequences(self, edit: Edit, genes: NDArray[np.integer]) -> list[Consequence]:
        """Class of an edit relative to each of some genes on its chromosome.

        A replaced or deleted base touches the region that it lies in. An insertion touches a region if both its
        neighbours do, and the promoter also directly before the transcription start site.
        """
        found = dict.fromkeys(genes.tolist(), Consequence.DOWNSTREAM)
        found |= dict.fromkeys(genes[self.tss_distances(edit, genes) < 0].tolist(), Consequence.UPSTREAM)
        for consequence, regions in self._regions.items():
            if edit.chrom in regions:
                starts, ends, owners = regions[edit.chrom]
                for gene in owners[(starts < edit.end) & (ends > edit.start)].tolist():
                    if gene in found:
                        found[gene] = consequence
        return [found[gene] for gene in genes.tolist()]

    def tss_distances(self, edit: Edit, genes: NDArray[np.integer]) -> NDArray[np.int64]:
        """Distance in bases from the transcription start site of each of some genes, negative upstream of it.

        It is that of the nearest replaced or deleted base; of an insertion, that of its neighbour on the 5' side.
        """
        sites, reverse = self._starts_of_transcription[genes], self._reverse[genes]
        first, last = edit.start, edit.end - 1
        if edit.start == edit.end:
            first = last = np.where(reverse, edit.start, edit.start - 1)
        nearest = np.clip(sites, first, last)
        return np.where(reverse, sites - nearest, nearest - sites)


def _promoters(bodies: pd.DataFrame, reverse: NDArray[np.bool_]) -> pd.DataFrame:
    """The bases upstream of each body and its first base, so that what is inserted between them is in the promoter."""
    turned = reverse[bodies["gene"]]
    starts = np.where(turned, bodies["end"] - 1, bodies["start"] - PROMOTER)
    return bodies.assign(start=starts, end=starts + PROMOTER + 1)


def _splice_regions(exons: pd.DataFrame, bodies: pd.DataFrame) -> pd.DataFrame:
    """Regions around the splice junctions, at the ends of the gaps between two exons of one body."""
    bodies = bodies[["gene", "start"]].assign(body=np.arange(len(bodies)))
    within = pd.merge_asof(exons.sort_values("start"), bodies.sort_values("start"), on="start", by="gene")
    exons = within.sort_values(["gene", "start"], ignore_index=True)
    left, right = exons.iloc[:-1].reset_index(drop=True), exons.iloc[1:].reset_index(drop=True)
    introns = (left["body"] == right["body"]) & (left["end"] < right["start"])
    left, right = left[introns], right[introns]
    at_left = left.assign(
        start=np.maximum(left["end"] - SPLICE_EXON, left["start"]),
        end=np.minimum(left["end"] + SPLICE_INTRON, right["start"]),
    )
    at_right = right.assign(
        start=np.maximum(right["start"] - SPLICE_INTRON, left["end"]),
        end=np.minimum(right["start"] + SPLICE_EXON, right["end"]),
    )
    regions = pd.concat([at_left, at_right]).sort_values(["gene", "start"], ignore_index=True)
    # Those that meet are joined, so that no insertion falls between them.
    apart = (regions["gene"] != regions["gene"].shift()) | (regions["start"] > regions["end"].shift())
    return regions.groupby(apart.cumsum()).agg({"chrom": "first", "gene": "first", "start": "min", "end": "max"})


def _by_chromosome(regions: pd.DataFrame) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Starts, ends and gene numbers of regions."""
    columns = ["start", "end", "gene"]
    return {
        chrom: tuple(rows[column].to_numpy(np.int64) for column in columns) for chrom, rows in regions.groupby("chrom")
    }

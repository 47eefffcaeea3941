"""The strongest variants of a model: which they are, and where their alternative tracks are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..genome.edits import Edit
from ..genome.loci import Region
from ..vcf.normalise import trimmed
from ..vocabulary import Track
from .effect_summary import read_summary, strongest_of

MAX_TOP = 5  # variants per model
MAX_TOP_TRACKS = 6  # per variant: those that it changes most
_MAX_ALLELE = 8  # bases in full in a name


@dataclass(frozen=True, kw_only=True)
class TopVariant:
    """One of the strongest variants of a model, with its strongest effect.

    Parameters
    ----------
    model, rank
        The model, and the place among its strongest variants, from 1.
    variants
        Name of the set of variants in the configuration.
    name
        As `variant_name` gives it.
    edit
        The change.
    region
        What the tiles that hold the change cover, on the reference. Beyond it, both alleles have the same values.
    gene_id, gene_name, track, reference, alternative, log2_ratio, gene_score
        The strongest effect: mean coverage of the gene's exons on both alleles, and the gene score of the track, NaN
        if there is none.
    shown_tracks
        Tracks with a bigWig of the alternative.
    """

    model: str
    rank: int
    variants: str
    name: str
    edit: Edit
    region: Region
    gene_id: str
    gene_name: str
    track: Track
    reference: float
    alternative: float
    log2_ratio: float
    gene_score: float
    shown_tracks: tuple[Track, ...]

    def bigwig_name(self, track: Track) -> str:
        """File of the alternative's coverage on the reference's coordinates, in the folder `variants/{model}/top`."""
        return f"{self.rank}.{track}.alternative.bw"


def choose_top(strongest: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The strongest variants of a model, each once; changes without any effect are left out.

    Parameters
    ----------
    strongest
        By the name of the set of variants, the strongest effects of its variants.

    Returns
    -------
    At most `MAX_TOP` rows, in front of whose columns are `rank` and `variants`.
    """
    tables = [table.assign(variants=name) for name, table in strongest.items() if not table.empty]
    if not tables:
        return next(iter(strongest.values())).assign(rank=0, variants="")
    every = pd.concat(tables, ignore_index=True)
    top = strongest_of(every[every["log2_ratio"] != 0], MAX_TOP)
    top.insert(0, "rank", range(1, len(top) + 1))
    top.insert(1, "variants", top.pop("variants"))
    return top


def edit_of(chrom: str, pos: int, ref_allele: str, alt_allele: str) -> Edit:
    """The change that a row of a VCF describes, without bases that both alleles share at their ends."""
    start, ref, alt = trimmed(pos - 1, ref_allele.upper(), alt_allele.upper())
    return Edit(chrom, start, start + len(ref), alt.encode())


def variant_name(chrom: str, pos: int, ref_allele: str, alt_allele: str, id: str = ".") -> str:
    """Place (1-based) and alleles of a variant, after its id if it has one; long alleles are cut, with their length.

    Examples
    --------
    >>> variant_name("chr3", 12_345, "A", "ACGTACGTACGT")
    'chr3:12,345 A>ACGT…(12)'
    """
    name = f"{chrom}:{pos:,} {_shortened(ref_allele)}>{_shortened(alt_allele)}"
    return name if id in ("", ".") else f"{id}, {name}"


def _shortened(allele: str) -> str:
    return allele if len(allele) <= _MAX_ALLELE else f"{allele[:4]}…({len(allele)})"


def read_top(path: Path, model: str) -> list[TopVariant]:
    """Read `variants/{model}/top.tsv`."""
    return [
        TopVariant(
            model=model,
            rank=row.rank,
            variants=row.variants,
            name=variant_name(row.chrom, row.pos, row.ref_allele, row.alt_allele, row.id),
            edit=edit_of(row.chrom, row.pos, row.ref_allele, row.alt_allele),
            region=Region(row.chrom, row.first_base - 1, row.last_base),
            gene_id=row.gene_id,
            gene_name=row.gene_name or row.gene_id,
            track=Track.parse(row.track),
            reference=row.ref,
            alternative=row.alt,
            log2_ratio=row.log2_ratio,
            gene_score=row.gene_score,
            shown_tracks=tuple(map(Track.parse, row.shown_tracks.split(","))),
        )
        for row in read_summary(path).itertuples()
    ]

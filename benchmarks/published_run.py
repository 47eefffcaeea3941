"""The size of the published run, for 07_plan.py and projection.py."""

from dataclasses import dataclass

BASES = 2_875_001_522  # in chr1-22 of hg38


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Cell types with the same kind of files: their number, samples per cell type, strands and source."""

    cell_types: int
    samples: int
    strands: tuple[str, ...]
    source: str

    @property
    def tracks(self) -> int:
        return self.cell_types * len(self.strands)

    @property
    def files(self) -> int:
        return self.tracks * self.samples


# The tracks are the 667 published ones: 271 ENCODE pairs, 71 unstranded ENCODE tracks and 54 GTEx tissues. The
# numbers of samples were not published; three (ENCODE) and ten (GTEx) are assumed.
KINDS = {
    "pair": Kind(cell_types=271, samples=3, strands=("plus", "minus"), source="encode"),
    "single": Kind(cell_types=71, samples=3, strands=("unstranded",), source="encode"),
    "tissue": Kind(cell_types=54, samples=10, strands=("unstranded",), source="gtex"),
}
TRACKS = sum(kind.tracks for kind in KINDS.values())
FILES = sum(kind.files for kind in KINDS.values())
MODELS = sum(kind.cell_types for kind in KINDS.values())

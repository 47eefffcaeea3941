"""Levels of simulated genes after a change of the genome, read from the changed sequence by the rule of `simulate`.

Where a word's place keeps its length, the class is read there. A place whose six bases are all deleted is gone, and one
that loses only some of them is broken. A word of any class that the change makes within an exon, on the gene's strand,
is a place as well; words that random bases happened to spell before the change are not.
"""

from ..genome.edits import Edit
from .simulate import SILENT, WORD_SIZE, SimulatedGene, SimulatedGenome, on_gene_strand


def crosses_border(change: Edit, gene: SimulatedGene) -> bool:
    """Whether a change reaches over a border of an exon, or inserts at one, so that it is open what is exonic."""
    borders = [border for exon in gene.exons for border in exon] if gene.chrom == change.chrom else []
    return any(change.start < border < change.end or change.start == border == change.end for border in borders)


def levels_after(genome: SimulatedGenome, gene: SimulatedGene, change: Edit) -> tuple[float, ...]:
    """Levels of a gene in both cell types after a change of its chromosome that crosses none of its borders."""
    if not gene.start <= change.start <= change.end <= gene.end:
        return gene.levels if gene.words else SILENT
    before = genome.sequences[gene.chrom][gene.start : gene.end].tobytes()
    after = before[: change.start - gene.start] + change.replacement + before[change.end - gene.start :]

    def level_at(place: int) -> tuple[int, int] | None:
        return genome.levels.get(on_gene_strand(after[place : place + WORD_SIZE], gene))

    same = _shared(before, after), _shared(before[::-1], after[::-1])
    places, broken = _places(gene, change, len(before), same)
    made = _made(gene, change, before, after, same) - places
    levels = [level_at(place) or SILENT for place in sorted(places)] + [SILENT] * broken
    levels += [level for place in sorted(made) if (level := level_at(place)) is not None]
    return tuple(sum(level) / len(levels) for level in zip(*levels, strict=True)) if levels else SILENT


def _shared(first: bytes, second: bytes) -> int:
    """Length of the common beginning."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))


def _places(gene: SimulatedGene, change: Edit, length: int, same: tuple[int, int]) -> tuple[set[int], int]:
    """Places of a gene's words after a change, from the start of the gene, and how many a change of length broke.

    `same` is the number of bases that are the same from the left and from the right. A word within them is unchanged,
    wherever in a repeat the change is written.
    """
    places, broken = set(), 0
    for word in gene.words:
        place = word - gene.start
        if place + WORD_SIZE <= same[0] or change.growth == 0:
            places.add(place)
        elif place >= length - same[1]:
            places.add(place + change.growth)
        elif not (change.start <= word and word + WORD_SIZE <= change.end):
            broken += 1
    return places, broken


def _made(gene: SimulatedGene, change: Edit, before: bytes, after: bytes, same: tuple[int, int]) -> set[int]:
    """Places within the exons, from the start of the gene, whose bases are not those of a place before the change."""
    made = set()
    for start, end in gene.exons:
        first = start + (change.growth if start >= change.end else 0) - gene.start
        last = end + (change.growth if end >= change.end else 0) - gene.start - WORD_SIZE
        first, last = max(first, same[0] - WORD_SIZE + 1), min(last, len(after) - same[1] - 1)
        made |= {
            place
            for place in range(first, last + 1)
            if change.growth or before[place : place + WORD_SIZE] != after[place : place + WORD_SIZE]
        }
    return made

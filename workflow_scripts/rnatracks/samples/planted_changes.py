"""Changes of the simulated genome whose effects on expression are known.

What a change does is not what was meant by drawing it: `planted_levels` reads it from the changed sequence, also for
genes that overlap. The changes are of seven kinds, in equal parts:

- `word_swapped`, `exon_swapped`: one word of an exon, or all, become those of another class;
- `word_broken`, `exon_broken`: one base of one word, or of each word of an exon, is changed;
- `words_deleted`: neighbouring words of an exon are deleted with the bases between them. Their places are gone, so the
  gene's level stays the same, unless it loses all its words;
- `words_inserted`: one to six words of another class are inserted before a word;
- `outside`: a base is changed, or up to eight are inserted or deleted, outside the words and motifs of all genes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..genome.edits import Edit
from ..genome.sequence import UNKNOWN
from ..vcf.normalise import vcf_alleles
from ..vocabulary import Strand
from .planted_levels import crosses_border, levels_after
from .simulate import ACCEPTOR, BASES, SILENT, WORD_SIZE, SimulatedGene, SimulatedGenome, on_gene_strand

MAX_DRAWS = 1000  # of one change
SURROUNDINGS = 100  # bases on either side of a gene that are its surroundings
MAX_INSERTED = 6  # words
MAX_OUTSIDE = 8  # bases of an insertion or deletion


class ChangeKind(StrEnum):
    """What is changed: see the module."""

    WORD_SWAPPED = "word_swapped"
    EXON_SWAPPED = "exon_swapped"
    WORD_BROKEN = "word_broken"
    EXON_BROKEN = "exon_broken"
    WORDS_DELETED = "words_deleted"
    WORDS_INSERTED = "words_inserted"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class PlantedEffect:
    """Levels of a gene before and after a change, one per cell type."""

    gene_id: str
    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True)
class PlantedChange:
    """A change, and its effects: on the gene for which it was drawn, and on all others whose level it moves."""

    change: Edit
    kind: ChangeKind
    effects: Sequence[PlantedEffect]


def draw_changes(genome: SimulatedGenome, *, chromosomes: Sequence[str], count: int, seed: int) -> list[PlantedChange]:
    """Draw `count` different changes on some chromosomes, sorted by their position in a VCF.

    Genes without words stay without, and changes cross no border of an exon.

    Raises
    ------
    InputError
        If these chromosomes have no room for so many.
    """
    rng = np.random.default_rng([seed, 2])
    drawing = _Drawing(genome, rng)
    genes = [gene for gene in genome.genes if gene.chrom in chromosomes and gene.words]
    planted: dict[Edit, PlantedChange] = {}
    for number in range(count):
        kind = list(ChangeKind)[number % len(ChangeKind)]
        for _ in range(MAX_DRAWS if genes else 0):
            gene = genes[rng.integers(len(genes))]
            change = drawing.draw(kind, gene)
            effects = None if change is None or change in planted else drawing.effects(kind, gene, change)
            if effects is not None:
                planted[change] = PlantedChange(change, kind, effects)
                break
        else:
            raise InputError("config, simulate.variants", count, f"at most {len(planted)} for {', '.join(chromosomes)}")
    order = {chrom: number for number, chrom in enumerate(genome.sequences)}
    places = {change: (order[change.chrom], vcf_alleles(genome, change)[0], change) for change in planted}
    return [planted[change] for change in sorted(planted, key=places.__getitem__)]


class _Drawing:
    """Draws single changes, which may prove unsuitable."""

    def __init__(self, genome: SimulatedGenome, rng: np.random.Generator) -> None:
        self._genome, self._rng = genome, rng
        self._genes = {chrom: [gene for gene in genome.genes if gene.chrom == chrom] for chrom in genome.sequences}

    def draw(self, kind: ChangeKind, gene: SimulatedGene) -> Edit | None:
        """Draw a change; None if the exon that it fell on has fewer than two words."""
        start, end = gene.exons[self._rng.integers(len(gene.exons))]
        words = [word for word in gene.words if start <= word < end]
        if kind is ChangeKind.OUTSIDE:
            return self._outside(gene, start, end)
        if len(words) < 2:
            return None
        one = [words[self._rng.integers(len(words))]]
        match kind:
            case ChangeKind.WORD_SWAPPED:
                return self._swapped(gene, one)
            case ChangeKind.EXON_SWAPPED:
                return self._swapped(gene, words)
            case ChangeKind.WORD_BROKEN:
                return self._broken(gene, one)
            case ChangeKind.EXON_BROKEN:
                return self._broken(gene, words)
            case ChangeKind.WORDS_DELETED:
                return self._deleted(gene, words)
            case ChangeKind.WORDS_INSERTED:
                return self._inserted(gene, words)

    def effects(self, kind: ChangeKind, gene: SimulatedGene, change: Edit) -> list[PlantedEffect] | None:
        """Effects of a change drawn for a gene; None if it is not suitable."""
        found = []
        for each in self._genes[change.chrom]:
            if crosses_border(change, each):
                return None
            before = each.levels if each.words else SILENT
            after = levels_after(self._genome, each, change)
            if after != before and (kind is ChangeKind.OUTSIDE or not each.words):
                return None
            if after != before or each is gene:
                found.append(PlantedEffect(each.gene_id, before, after))
        return found

    def _swapped(self, gene: SimulatedGene, words: Sequence[int]) -> Edit:
        other = on_gene_strand(self._other_word(gene), gene)
        return self._rewritten(gene, words, [other] * len(words))

    def _broken(self, gene: SimulatedGene, words: Sequence[int]) -> Edit:
        broken = []
        for word in words:
            bases = self._bases(gene, word, word + WORD_SIZE)
            at = self._rng.integers(WORD_SIZE)
            bases[at] = self._other_base(bases[at])
            broken.append(bases.tobytes())
        return self._rewritten(gene, words, broken)

    def _deleted(self, gene: SimulatedGene, words: Sequence[int]) -> Edit:
        first = int(self._rng.integers(len(words)))
        last = int(self._rng.integers(first + 1, len(words) + 1))
        end = words[last] if last < len(words) else words[-1] + WORD_SIZE
        return Edit(gene.chrom, words[first], end, b"")

    def _inserted(self, gene: SimulatedGene, words: Sequence[int]) -> Edit:
        other = on_gene_strand(self._other_word(gene), gene)
        spaces = self._rng.integers(2, 7, self._rng.integers(1, MAX_INSERTED + 1))
        inserted = b"".join(other + self._rng.choice(BASES, space).tobytes() for space in spaces)
        place = words[self._rng.integers(1, len(words))]
        return Edit(gene.chrom, place, place, inserted)

    def _outside(self, gene: SimulatedGene, start: int, end: int) -> Edit | None:
        """Half of these are in the exon start:end, half anywhere in the gene and its surroundings."""
        if self._rng.random() < 0.5:
            start, end = gene.start - SURROUNDINGS, gene.end + SURROUNDINGS
        place, size = int(self._rng.integers(max(start, 1), end)), int(self._rng.integers(1, MAX_OUTSIDE + 1))
        match self._rng.integers(3):
            case 0:
                new = self._other_base(self._bases(gene, place, place + 1)[0])
                change = Edit(gene.chrom, place, place + 1, bytes([new]))
            case 1:
                change = Edit(gene.chrom, place, place, self._rng.choice(BASES, size).tobytes())
            case _:
                change = Edit(gene.chrom, place, place + size, b"")
        kept = [stretch for each in self._genes[gene.chrom] for stretch in _words_and_motifs(each)]
        near = (first < max(change.end, change.start + 1) and last > change.start for first, last in kept)
        unknown = UNKNOWN in self._bases(gene, place - 1, place + size + 1)
        return None if any(near) or unknown else change

    def _rewritten(self, gene: SimulatedGene, words: Sequence[int], new: Sequence[bytes]) -> Edit:
        start, end = words[0], words[-1] + WORD_SIZE
        bases = bytearray(self._bases(gene, start, end).tobytes())
        for word, text in zip(words, new, strict=True):
            bases[word - start : word - start + WORD_SIZE] = text
        return Edit(gene.chrom, start, end, bytes(bases))

    def _bases(self, gene: SimulatedGene, start: int, end: int) -> NDArray[np.uint8]:
        return self._genome.bases(gene.chrom, start, end).copy()

    def _other_word(self, gene: SimulatedGene) -> bytes:
        words = [word for word, levels in self._genome.levels.items() if levels != gene.levels]
        return words[self._rng.integers(len(words))]

    def _other_base(self, base: np.uint8) -> np.uint8:
        return self._rng.choice(BASES[base != BASES])


def _words_and_motifs(gene: SimulatedGene) -> Iterator[tuple[int, int]]:
    """The stretches of a gene that mean something: its words, both ends of its introns, and before its transcript."""
    yield from ((word, word + WORD_SIZE) for word in gene.words)
    for (_, left), (right, _) in pairwise(gene.exons):
        yield from ((left, left + len(ACCEPTOR)), (right - len(ACCEPTOR), right))
    yield (gene.start - 30, gene.start) if gene.strand is Strand.PLUS else (gene.end, gene.end + 30)

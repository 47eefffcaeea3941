"""A small genome with genes and RNA-seq samples, for the demo and for tests.

How expression is planted, so that nobody mistakes the demo's scores for biology:

- Bases are random and uniform. Genes are on both strands and have 1 to 5 exons.
  Introns begin with GTAAGT and end with TTTTCTTCAG, and a TATA box lies 30 bases
  before each transcript, all on the gene's own strand.
- A gene belongs to one of a few expression classes, each a pair of levels, one
  for each cell type (say high in both, or medium in the first and silent in the second).
- Each class has a 6-base word, and the exons of its genes carry that word on
  the gene's strand about every 10 bases. Genes that are silent everywhere carry none.
- A gene's level in a cell type is the mean, over the places of words in its exons, of
  the level of the class whose word is intact there: 0 for a broken word, and a gene
  without words is silent. In the genome as drawn all words are intact, so this is the
  level of the gene's class; `planted_levels` applies the rule to a changed genome.
- Reads are drawn from the spliced transcript, evenly, with sampling noise and a
  gene-by-sample factor. A few per cent come from unspliced transcripts, and one in a
  thousand from anywhere on either strand.

So expression can be read from DNA locally, by words of 6 bases, which is far
easier than in any real genome. The demo shows that the workflow works, not
that the model is good.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..config.data import SimulatedGenomeSettings
from ..genome.sequence import COMPLEMENT, UNKNOWN
from ..vocabulary import Strand

BASES = np.frombuffer(b"ACGT", np.uint8)
WORD_SIZE = 6
DONOR, ACCEPTOR, TATA_BOX = b"GTAAGT", b"TTTTCTTCAG", b"TATAAAAG"
# Reads per base of exon, as a multiple of the sample's depth, in (first, second) cell type.
EXPRESSION_CLASSES = ((4, 4), (1, 1), (4, 0), (0, 4), (1, 4), (4, 1))
SILENT = (0, 0)


@dataclass(frozen=True)
class SimulatedGene:
    """A gene: `exons` are 0-based half-open (start, end) pairs from left to right.

    `words` are the leftmost positions of the words of its class, without those that an overlapping gene overwrote.
    """

    gene_id: str
    chrom: str
    strand: Strand
    exons: tuple[tuple[int, int], ...]
    levels: tuple[int, int]
    words: tuple[int, ...] = ()

    @property
    def start(self) -> int:
        return self.exons[0][0]

    @property
    def end(self) -> int:
        return self.exons[-1][1]


@dataclass(frozen=True)
class SimulatedGenome:
    """Sequences (uint8, ASCII) and genes of a simulated genome, and the levels of each class by its word."""

    sequences: Mapping[str, NDArray[np.uint8]]
    genes: Sequence[SimulatedGene] = field(default_factory=tuple)
    levels: Mapping[bytes, tuple[int, int]] = field(default_factory=dict)

    def bases(self, chrom: str, start: int, end: int) -> NDArray[np.uint8]:
        """Bases of chrom:start-end (0-based, half-open)."""
        return self.sequences[chrom][start:end]


def simulate_genome(settings: SimulatedGenomeSettings) -> SimulatedGenome:
    """Draw the sequences and genes; the same settings give the same genome."""
    rng = np.random.default_rng([settings.seed, 0])
    words = dict(zip(EXPRESSION_CLASSES, draw_words(rng, len(EXPRESSION_CLASSES)), strict=True))
    sequences, genes = {}, []
    for index, (chrom, length) in enumerate(settings.chromosomes.items()):
        sequence = rng.choice(BASES, size=length)
        gap = (length // 2, length // 2 + settings.gap) if index == 0 else None
        for exons, strand, levels in _draw_genes(rng, length, gap):
            gene = SimulatedGene(f"SIM{len(genes) + 1:05d}", chrom, strand, exons, levels)
            planted = _write_gene(rng, sequence, gene, words.get(levels))
            genes.append(replace(gene, words=planted))
        if gap is not None:
            sequence[gap[0] : gap[1]] = UNKNOWN
        sequences[chrom] = sequence
    genes = [replace(gene, words=_intact(sequences[gene.chrom], gene, words.get(gene.levels))) for gene in genes]
    return SimulatedGenome(sequences, tuple(genes), {word: levels for levels, word in words.items()})


def draw_words(rng: np.random.Generator, count: int) -> list[bytes]:
    """Draw words that differ from each other, and from all reverse complements, in 3 bases or more."""
    words: list[bytes] = []
    while len(words) < count:
        word = rng.choice(BASES, WORD_SIZE).tobytes()
        others = [reverse_complement(word)]
        others += [form for other in words for form in (other, reverse_complement(other))]
        if all(sum(a != b for a, b in zip(word, other, strict=True)) >= 3 for other in others):
            words.append(word)
    return words


def reverse_complement(sequence: bytes) -> bytes:
    """Sequence of the other strand, read in its own direction."""
    return sequence.translate(COMPLEMENT.tobytes())[::-1]


def on_gene_strand(sequence: bytes, gene: SimulatedGene) -> bytes:
    """Sequence of the chromosome as read along a gene, or the other way round."""
    return sequence if gene.strand is Strand.PLUS else reverse_complement(sequence)


def simulate_coverage(
    genome: SimulatedGenome,
    settings: SimulatedGenomeSettings,
    *,
    cell_type_index: int,
    depth: float,
    noise: float,
    seed: int,
) -> dict[tuple[str, Strand], NDArray[np.float32]]:
    """Draw one sample: reads per million over each base, by chromosome and strand.

    Parameters
    ----------
    cell_type_index
        0 or 1: which of a gene's two levels applies.
    depth
        Depth of this sample, as a multiple of `settings.depth`.
    noise
        Standard deviation of the log of the gene-by-sample factor.
    seed
        Makes this sample's draw differ from that of other samples.
    """
    rng = np.random.default_rng([settings.seed, 1, seed])
    steps = {
        (chrom, strand): np.zeros(len(sequence) + 1, np.int64)
        for chrom, sequence in genome.sequences.items()
        for strand in (Strand.PLUS, Strand.MINUS)
    }
    per_base = settings.depth * depth / settings.read_length
    reads = 0
    for gene in genome.genes:
        rate = per_base * gene.levels[cell_type_index] * rng.lognormal(0, noise)
        target = steps[gene.chrom, gene.strand]
        reads += _draw_reads(rng, target, gene.exons, rate, settings.read_length)
        reads += _draw_reads(rng, target, ((gene.start, gene.end),), 0.02 * rate, settings.read_length)
    for (chrom, _), target in steps.items():
        stretch = ((0, len(genome.sequences[chrom])),)
        reads += _draw_reads(rng, target, stretch, 0.001 * per_base, settings.read_length)
    coverage = {}
    for (chrom, strand), target in steps.items():
        depth_at = np.cumsum(target[:-1])
        depth_at[genome.sequences[chrom] == UNKNOWN] = 0
        coverage[chrom, strand] = (depth_at * (1e6 / reads)).astype(np.float32)
    return coverage


def _draw_genes(
    rng: np.random.Generator, length: int, gap: tuple[int, int] | None
) -> Iterator[tuple[tuple[tuple[int, int], ...], Strand, tuple[int, int]]]:
    """Place genes from left to right outside the gap; one in twelve overlaps its left neighbour on the other strand."""
    drawn, left_end, strand, neighbour = 0, int(rng.integers(80, 200)), Strand.PLUS, None
    while True:
        if drawn % 12 == 11 and neighbour is not None:
            strand = Strand.MINUS if strand is Strand.PLUS else Strand.PLUS
            # Its TATA box must not fall on the splice site before the neighbour's last exon.
            start = max(left_end - int(rng.integers(80, 120)), neighbour[-1][0] + 30)
        else:
            strand = Strand(rng.choice(["plus", "minus"]))
            start = left_end + int(rng.integers(120, 420))
        exons = _draw_exons(rng, start)
        end = exons[-1][1]
        if gap is not None and start < gap[1] and end + 60 > gap[0]:
            left_end, gap, drawn, neighbour = gap[1], None, drawn + 1, None
            continue
        if end + 60 > length:
            return
        silent = rng.random() < 0.3
        yield exons, strand, SILENT if silent else EXPRESSION_CLASSES[rng.integers(len(EXPRESSION_CLASSES))]
        left_end, drawn, neighbour = end, drawn + 1, exons


def _draw_exons(rng: np.random.Generator, start: int) -> tuple[tuple[int, int], ...]:
    count = int(rng.choice([1, 2, 3, 4, 5], p=[0.2, 0.25, 0.25, 0.15, 0.15]))
    exons = []
    for size, intron in zip(rng.integers(120, 320, count), rng.integers(80, 220, count), strict=True):
        exons.append((start, start + int(size)))
        start += int(size) + int(intron)
    return tuple(exons)


def _write_gene(
    rng: np.random.Generator, sequence: NDArray[np.uint8], gene: SimulatedGene, word: bytes | None
) -> tuple[int, ...]:
    """Plant splice sites, a TATA box and the class's word, all on the gene's strand; return where the words are."""

    def plant(start: int, motif: bytes) -> None:
        motif = on_gene_strand(motif, gene)
        start = max(start, 0)
        sequence[start : start + len(motif)] = np.frombuffer(motif, np.uint8)[: len(sequence) - start]

    for (_, left_end), (right_start, _) in zip(gene.exons[:-1], gene.exons[1:], strict=True):
        first, last = (DONOR, ACCEPTOR) if gene.strand is Strand.PLUS else (ACCEPTOR, DONOR)
        plant(left_end, first)
        plant(right_start - len(last), last)
    plant(gene.start - 30 if gene.strand is Strand.PLUS else gene.end + 30 - len(TATA_BOX), TATA_BOX)
    words: list[int] = []
    if word is None:
        return ()
    for start, end in gene.exons:
        position = start + int(rng.integers(0, 4))
        while position + WORD_SIZE <= end:
            plant(position, word)
            words.append(position)
            position += WORD_SIZE + int(rng.integers(2, 7))
    return tuple(words)


def _intact(sequence: NDArray[np.uint8], gene: SimulatedGene, word: bytes | None) -> tuple[int, ...]:
    """The words of a gene that are still there after its neighbours were written."""
    here = (sequence[start : start + WORD_SIZE].tobytes() for start in gene.words)
    return tuple(start for start, found in zip(gene.words, here, strict=True) if on_gene_strand(found, gene) == word)


def _draw_reads(
    rng: np.random.Generator,
    steps: NDArray[np.int64],
    exons: Sequence[tuple[int, int]],
    rate: float,
    read_length: int,
) -> int:
    """Add reads with uniform starts over a spliced transcript to `steps`, the base-to-base differences of coverage.

    Starts range from `read_length - 1` bases before the transcript to its last base, and
    reads are clipped to it, so that the expected coverage is flat up to both ends.
    """
    bounds = np.cumsum([0, *(end - start for start, end in exons)])
    count = rng.poisson(rate * (bounds[-1] + read_length - 1))
    first = rng.integers(1 - read_length, bounds[-1], size=count)
    begin, stop = np.maximum(first, 0), np.minimum(first + read_length, bounds[-1])
    for (start, _), left, right in zip(exons, bounds[:-1], bounds[1:], strict=True):
        inside = (begin < right) & (stop > left)
        np.add.at(steps, start + np.maximum(begin[inside], left) - left, 1)
        np.add.at(steps, start + np.minimum(stop[inside], right) - left, -1)
    return int(count)

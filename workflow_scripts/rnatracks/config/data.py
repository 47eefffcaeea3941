"""What a user may say of the data: reference, samples, windows, splits, genes, scores."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..downloads.data_file import is_url
from ..errors import InputError
from .fields import BaseUrl, ChromosomeName, ChromosomeNames, Location, Md5, Name, Number, Section, Word, Words


class GenomeSettings(Section):
    """Reference sequence."""

    fasta: Location
    """FASTA file, plain or gzipped, as a path or a URL. A base is known where it has A, C, G or T, in either case;
    every other letter counts as N and is reported."""

    md5: Md5 | None = None
    """MD5 of the FASTA file as fetched (32 hex digits in lower case), the URL of a published list that holds it, or
    null to pin what is fetched first."""

    chromosomes: ChromosomeNames
    """Chromosomes to work on, named as in the FASTA file; all others are ignored."""

    assembly: Word | None = Field(default=None, pattern=r"^[A-Za-z0-9_.]+$")
    """Name of the assembly at UCSC and in IGV, such as hg38, for the track hub and the IGV session; or null, which
    leaves the hub out and points the session at reference/genome.fa."""

    @model_validator(mode="after")
    def _check_md5(self) -> Self:
        if self.md5 and is_url(self.md5) and not is_url(self.fasta):
            raise InputError("md5", repr(self.md5), f"32 hex digits, as {self.fasta} is a path")
        return self


class AnnotationSettings(Section):
    """Gene models, with the chromosome names of the FASTA file."""

    gtf: Location
    """GTF file, plain or gzipped, as a path or a URL. A gene_id that is found at several places counts as several
    genes, with the place added to the id."""

    md5: Md5 | None = None
    """MD5 of the GTF file as fetched (32 hex digits in lower case), the URL of a published list that holds it, or
    null to pin what is fetched first."""

    @model_validator(mode="after")
    def _check_md5(self) -> Self:
        if self.md5 and is_url(self.md5) and not is_url(self.gtf):
            raise InputError("md5", repr(self.md5), f"32 hex digits, as {self.gtf} is a path")
        return self


class SourceSettings(Section):
    """Where samples are searched for, how many a search may find, and where backbones come from."""

    encode: BaseUrl = "https://www.encodeproject.org"
    """Base URL of the ENCODE portal."""

    recount3: BaseUrl = "http://duffel.rail.bio/recount3"
    """Base URL of recount3, which serves the GTEx coverage."""

    hub: BaseUrl = "https://huggingface.co"
    """Base URL of the Hugging Face hub, which serves backbones."""

    max_samples: int = Field(default=200, ge=1)
    """Most samples that the search for one cell type may take; more are refused, as the query is then too wide."""


class NormalisationSettings(Section):
    """Common scale of the samples."""

    total: Number = Field(default=100000000.0, gt=0)
    """Sum of a sample's coverage after scaling, in base reads over the chosen chromosomes, both strands together.
    The default is a million reads of 100 bases."""


class WindowSettings(Section):
    """Windows that the genome is cut into for training and prediction."""

    size: int = Field(default=32000, ge=1)
    """Length of a window, in bases."""

    overlap: int = Field(default=16000, ge=0)
    """Bases that a window shares with the next one; less than size."""

    max_n_fraction: Number = Field(default=0.5, ge=0, le=1)
    """Windows with a larger fraction of unknown bases (N) do not train."""

    max_blacklist_fraction: Number = Field(default=0.5, ge=0, le=1)
    """Windows with a larger fraction of blacklisted bases do not train."""

    @model_validator(mode="after")
    def _check_overlap(self) -> Self:
        if self.overlap >= self.size:
            raise InputError("overlap", self.overlap, f"less than windows.size, which is {self.size}")
        return self


class SplitSettings(Section):
    """Chromosomes held out of training; every other chosen chromosome trains."""

    valid: Words = ()
    """Chromosomes on which models are watched during training, and their best epoch is chosen (training.keep)."""

    test: Words = ()
    """Chromosomes that are only scored, after training."""


class GeneSettings(Section):
    """How genes are scored."""

    pseudocount: Number = Field(default=0.01, gt=0)
    """The c of the cell-type difference log2((a + c) / (b + c)), in units of normalised coverage."""

    types: Words | None = Field(default=None, min_length=1)
    """Values of the GTF attribute gene_type to score, or null for all genes."""

    shared_exons: Literal["leave_out", "count_for_each"] = "leave_out"
    """Exonic bases that two genes of one strand share (of either strand, where a track is unstranded). leave_out
    counts them for neither gene, count_for_each for both."""


class QcSettings(Section):
    """How samples are compared and flagged."""

    bin_size: int = Field(default=10000, ge=1)
    """Bases of a bin in which samples are compared, for the correlation heat map and the PCA."""

    stop_on_flags: bool = False
    """Stop before anything is averaged when the strands of a sample look swapped or unstranded; otherwise it is
    only said, in the log and in the report."""


class EvaluationSettings(Section):
    """How predictions are scored."""

    block_size: int = Field(default=1000000, ge=1)
    """Bases of a block of the bootstrap, which gives the confidence intervals."""

    resamples: int = Field(default=1000, ge=100)
    """Resamples of the bootstrap."""

    sample_bases: int = Field(default=1000000, ge=1000)
    """Bases drawn from the whole genome for Spearman's correlation at single bases and for the scatter plots."""

    seed: int = Field(default=42, ge=0)
    """Seed of the bootstrap and of the sampled bases."""

    baselines: Words = ()
    """Keys of models, such as cnn, whose scores stand as a column beside those of the other models of the same cell
    types."""

    pairs: Literal["all", "neighbours"] = "all"
    """Cell types whose differences are scored. all takes every pair, neighbours each cell type and the one that its
    column other_cell_type names. all is refused where it makes more than 1,000 pairs of tracks."""


class BrowserSettings(Section):
    """What the browser page shows beside the loci."""

    genes: int = Field(default=5, ge=0)
    """Number of genes that a model predicts best, and as many that it predicts worst, of which half are expressed
    and missed (one more if the number is odd), half are silent or nearly so and invented; of the held-out
    chromosomes where there are any."""


class SimulatedSampleSettings(Section):
    """One simulated sample."""

    depth: Number = Field(gt=0)
    """Sequencing depth, as a multiple of the common depth."""

    noise: Number = Field(ge=0)
    """Standard deviation of the natural logarithm of a gene's factor in this sample."""

    negative_minus: bool = False
    """Store the minus strand as negative values, as some public files do."""


class SimulatedGenomeSettings(Section):
    """A small genome with genes, and how its reads are drawn."""

    seed: int = Field(ge=0)
    """Seed of the genome and of the reads."""

    chromosomes: Annotated[dict[ChromosomeName, Annotated[int, Field(ge=1)]], Field(min_length=1)]
    """Length of each chromosome, in bases, by name."""

    gap: int = Field(default=3000, ge=0)
    """Unknown bases (N) in the middle of the first chromosome."""

    depth: Number = Field(default=8.0, gt=0)
    """Reads over each base of an exon at expression level 1, in a sample of depth 1."""

    read_length: int = Field(default=50, ge=1)
    """Length of a read, in bases."""


class SimulationSettings(SimulatedGenomeSettings):
    """Built-in demo data."""

    samples: Annotated[dict[Name, SimulatedSampleSettings], Field(min_length=1)]
    """Samples to draw, by their name in the sample sheet."""

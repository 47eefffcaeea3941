"""Settings of the data: reference, samples, windows, splits, genes, scores."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..downloads.data_file import is_url
from ..errors import InputError
from .fields import BaseUrl, ChromosomeName, ChromosomeNames, Location, Md5, Name, Number, Section, Word, Words


class GenomeSettings(Section):
    """Reference sequence."""

    fasta: Location
    """FASTA file, plain or gzipped, as a path or a URL. Letters other than A, C, G and T (upper or lower case) count
    as unknown bases (N) and are reported."""

    md5: Md5 | None = None
    """MD5 of the FASTA file as downloaded (32 lower-case hex digits), or the URL of a published list that contains it.
    With null, the first download is pinned: later downloads of the same URL must have the same content."""

    chromosomes: ChromosomeNames
    """Chromosomes to use, named as in the FASTA file. All others are ignored."""

    assembly: Word | None = Field(default=None, pattern=r"^[A-Za-z0-9_.]+$")
    """Name of the assembly in UCSC and IGV, such as hg38, for the UCSC track hub and the IGV session. With null, no
    track hub is written and the IGV session uses reference/genome.fa."""

    @model_validator(mode="after")
    def _check_md5(self) -> Self:
        if self.md5 and is_url(self.md5) and not is_url(self.fasta):
            raise InputError("md5", repr(self.md5), f"32 hex digits, because {self.fasta} is a local file")
        return self


class AnnotationSettings(Section):
    """Gene models, with the same chromosome names as the FASTA file."""

    gtf: Location
    """GTF file, plain or gzipped, as a path or a URL. A gene_id that occurs at several locations is split into several
    genes, with the location appended to the id."""

    md5: Md5 | None = None
    """MD5 of the GTF file as downloaded (32 lower-case hex digits), or the URL of a published list that contains it.
    With null, the first download is pinned: later downloads of the same URL must have the same content."""

    @model_validator(mode="after")
    def _check_md5(self) -> Self:
        if self.md5 and is_url(self.md5) and not is_url(self.gtf):
            raise InputError("md5", repr(self.md5), f"32 hex digits, because {self.gtf} is a local file")
        return self


class SourceSettings(Section):
    """Servers that are searched for samples and that provide backbones, and the size limit of a search."""

    encode: BaseUrl = "https://www.encodeproject.org"
    """Base URL of the ENCODE portal."""

    recount3: BaseUrl = "http://duffel.rail.bio/recount3"
    """Base URL of recount3, which provides the GTEx coverage."""

    hub: BaseUrl = "https://huggingface.co"
    """Base URL of the Hugging Face Hub, which provides the backbones."""

    max_samples: int = Field(default=200, ge=1)
    """Maximum number of samples from the search for one cell type. A query that finds more is refused as too broad."""

    gtex_samples: int | None = Field(default=None, ge=1)
    """Number of samples to use of each GTEx tissue, evenly spread over its list of samples; with null, all of them, up
    to max_samples. Most tissues have hundreds."""

    @model_validator(mode="after")
    def _check_gtex_samples(self) -> Self:
        if self.gtex_samples is not None and self.gtex_samples > self.max_samples:
            raise InputError("gtex_samples", self.gtex_samples, f"at most sources.max_samples ({self.max_samples})")
        return self


class NormalisationSettings(Section):
    """Scale to which all samples are normalised."""

    total: Number = Field(default=100000000.0, gt=0)
    """Total to which coverage is scaled; per and over define what is summed. The default corresponds to one million
    reads of 100 bases."""

    per: Literal["pair", "file"] = "pair"
    """What is scaled to the total. pair: a sample, both strands together with one factor. file: each strand's file by
    its own factor, which sets both strands to the same level, about twice as high. For unstranded samples, both are the
    same."""

    over: Literal["chosen", "all"] = "chosen"
    """Chromosomes that the total is summed over. chosen: those of genome.chromosomes. all: every chromosome that the
    file has, such as chrX, chrM and spike-ins, even if it is not used otherwise."""

    track_mean: Literal["pair", "track"] = "pair"
    """The m of a track in the squash, a mean over bases with signal. pair: averaged over the strands of the cell type,
    as the published tracks have it. track: each track has its own."""

    @property
    def scaling(self) -> dict[str, float | str]:
        """Arguments of `qc.checks.SampleCheck.scales`."""
        return self.model_dump(include={"total", "per", "over"})

    def recorded(self, *keys: str) -> float | dict[str, float | str]:
        """What a rule records of the total and of `keys`: the total alone if these have their defaults.

        Versions up to 0.3.0 had no other key. This way, they don't average and train again after an update.
        """
        default = all(getattr(self, key) == type(self).model_fields[key].default for key in keys)
        return self.total if default else self.model_dump(include={"total", *keys})


class WindowSettings(Section):
    """Windows into which the genome is cut for training and prediction."""

    size: int = Field(default=32000, ge=1)
    """Window length in bases."""

    overlap: int = Field(default=16000, ge=0)
    """Overlap of consecutive windows in bases; less than size."""

    max_n_fraction: Number = Field(default=0.5, ge=0, le=1)
    """Windows with a larger fraction of unknown bases (N) are excluded from training."""

    max_blacklist_fraction: Number = Field(default=0.5, ge=0, le=1)
    """Windows with a larger fraction of blacklisted bases are excluded from training."""

    @model_validator(mode="after")
    def _check_overlap(self) -> Self:
        if self.overlap >= self.size:
            raise InputError("overlap", self.overlap, f"less than windows.size ({self.size})")
        return self


class SplitSettings(Section):
    """Chromosomes held out of training. All other chosen chromosomes are used for training."""

    valid: Words = ()
    """Validation chromosomes: models are scored on them during training to choose the best epoch (training.keep)."""

    test: Words = ()
    """Test chromosomes: used only for scoring, after training."""


class GeneSettings(Section):
    """How genes are scored."""

    pseudocount: Number = Field(default=0.01, gt=0)
    """Pseudocount c in the difference between cell types, log2((a + c) / (b + c)), in units of normalised coverage."""

    types: Words | None = Field(default=None, min_length=1)
    """Gene types to score (GTF attribute gene_type, or gene_biotype if it is absent), or null for all genes."""

    shared_exons: Literal["leave_out", "count_for_each"] = "leave_out"
    """How to treat exonic bases that two genes on the same strand share (regardless of strand, for unstranded tracks).
    leave_out counts them for neither gene, count_for_each counts them for both."""


class QcSettings(Section):
    """How samples are compared and flagged."""

    bin_size: int = Field(default=10000, ge=1)
    """Bin size in bases for the comparison of samples (correlation heat map and PCA)."""

    stop_on_flags: bool = False
    """Stop before averaging if the strands of a sample look swapped or unstranded. Otherwise this is only reported, in
    the log and in the report."""

    nonzero_means: Location | None = None
    """Path of a tab-separated table of published nonzero means (columns track, such as NK.plus, and nonzero_mean), to
    which the report compares those of the observed tracks; null for none. Tracks of the run may be missing from it, but
    it must not list others."""

    @model_validator(mode="after")
    def _check_path(self) -> Self:
        if self.nonzero_means and is_url(self.nonzero_means):
            raise InputError("nonzero_means", repr(self.nonzero_means), "a path: download the table first")
        return self


class EvaluationSettings(Section):
    """How predictions are scored."""

    block_size: int = Field(default=1000000, ge=1)
    """Block size in bases of the block bootstrap, which gives the confidence intervals."""

    resamples: int = Field(default=1000, ge=100)
    """Number of bootstrap resamples."""

    sample_bases: int = Field(default=1000000, ge=1000)
    """Number of bases sampled genome-wide for the base-level Spearman correlation and for the scatter plots."""

    seed: int = Field(default=42, ge=0)
    """Random seed of the bootstrap and of the sampled bases."""

    baselines: Words = ()
    """Keys of models, such as unet, to use as baselines. Their scores become a column next to the scores of the other
    models of the same cell types."""

    pairs: Literal["all", "neighbours"] = "all"
    """Pairs of cell types whose differences are scored. all: every pair; refused if that gives more than 1,000 pairs of
    tracks. neighbours: each cell type only with the one used for its other_cell_type score, which is the nearest above
    it in the cell-type sheet with the same strands, or else the nearest below."""


class BrowserSettings(Section):
    """What the browser page shows in addition to the loci."""

    genes: int = Field(default=5, ge=0)
    """Number of best-predicted genes to show, over all models and tracks, and the same number of worst-predicted genes.
    Of the worst, half are expressed but missed (one more if the number is odd) and half are silent or nearly silent
    but predicted. Genes are taken from held-out chromosomes if there are any."""


class SimulatedSampleSettings(Section):
    """One simulated sample."""

    depth: Number = Field(gt=0)
    """Sequencing depth, as a multiple of the common depth."""

    noise: Number = Field(ge=0)
    """Standard deviation of the natural logarithm of the random factor on each gene's expression in this sample."""

    negative_minus: bool = False
    """Store the minus strand as negative values, as some public files do."""


class SimulatedGenomeSettings(Section):
    """A small simulated genome with genes, and the reads drawn from it."""

    seed: int = Field(ge=0)
    """Random seed of the genome and the reads."""

    chromosomes: Annotated[dict[ChromosomeName, Annotated[int, Field(ge=1)]], Field(min_length=1)]
    """Length of each chromosome in bases, by name."""

    gap: int = Field(default=3000, ge=0)
    """Number of unknown bases (N) in the middle of the first chromosome."""

    depth: Number = Field(default=8.0, gt=0)
    """Read depth at each exonic base of a gene with expression level 1, in a sample of depth 1."""

    read_length: int = Field(default=50, ge=1)
    """Read length in bases."""


class SimulationSettings(SimulatedGenomeSettings):
    """Built-in demo data."""

    samples: Annotated[dict[Name, SimulatedSampleSettings], Field(min_length=1)]
    """Samples to simulate, by their name in the sample sheet."""

    variants: int = Field(default=0, ge=0)
    """Number of changes of the genome with a known effect on expression, written to {results}/simulated/planted.vcf.gz,
    on the test chromosomes or, if there are none, on all; 0 for none. The section variants must name this file."""

    @staticmethod
    def planted(results: str) -> Path:
        """The VCF with the simulated changes."""
        return Path(results, "simulated", "planted.vcf.gz")

    def check_files(self, results: str, reference: Mapping[str, str | None], variants: Mapping[str, str]) -> None:
        """Check that the files that are simulated go into a separate folder, where they cannot overwrite a user's.

        Parameters
        ----------
        reference
            The reference files, by their key in the configuration.
        variants
            The VCF files by name; the others than the simulated one may be anywhere else.

        Raises
        ------
        InputError
            For the first file that is not where it should be.
        """
        planted = self.planted(results)
        for key, location in reference.items():
            if location is None or not Path(location).is_relative_to(planted.parent):
                raise InputError(key, repr(location), f"a file in {planted.parent}, because simulate is set")
        for name, location in variants.items():
            if Path(location).is_relative_to(planted.parent) and (Path(location) != planted or not self.variants):
                expected = f"{planted}, the only VCF in this folder, if simulate.variants is not 0"
                raise InputError(f"variants.{name}", repr(location), expected)
        if self.variants and [Path(location) for location in variants.values()].count(planted) != 1:
            expected = f"one name for {planted} in the section variants"
            raise InputError("simulate.variants", self.variants, expected)

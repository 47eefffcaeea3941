"""Options that several subcommands share, and what they stand for."""

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config.data import GeneSettings
from ..genome.annotation import Annotation, read_gtf
from ..genome.sequence import Genome
from ..prediction.locus import NO_EXONS, NO_GENES
from ..prediction.predict import Arithmetic
from ..prediction.stitching import Stitch


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the first argument of every subcommand."""
    parser.add_argument("model", type=Path, help="folder of a trained model")


def add_genome(parser: argparse.ArgumentParser) -> None:
    """Add the second argument of the subcommands that work on a genome."""
    parser.add_argument("genome", type=Path, help="uncompressed FASTA file")


def add_prediction(parser: argparse.ArgumentParser) -> None:
    """Add the output folder, and the options that say how tiles are laid, predicted and combined."""
    parser.add_argument("--out", type=Path, default=Path(), help="output folder (default: current folder)")
    parser.add_argument("--overlap", type=int, help="bases shared by adjacent tiles (default: half the model's window)")
    stitches, formats = [*map(str, Stitch)], [*map(str, Arithmetic)]
    parser.add_argument("--stitch", choices=stitches, default="blend", help="how tiles are combined (default: blend)")
    both = "average with the prediction of the reverse complement, which takes twice as long"
    parser.add_argument("--reverse-complement", action="store_true", help=both)
    about = "number format of products (default: bf16 on a GPU, otherwise float32)"
    parser.add_argument("--precision", choices=formats, default="auto", help=about)
    parser.add_argument("--batch-size", type=int, default=4, help="tiles predicted at once (default: 4)")


def prediction_options(options: argparse.Namespace) -> Mapping[str, Any]:
    """The options of `add_prediction` as arguments of `load_predictor`."""
    names = ("overlap", "stitch", "reverse_complement", "precision", "batch_size")
    return {name: getattr(options, name) for name in names}


def read_annotation(gtf: Path | None, genome: Genome) -> Annotation:
    """Genes of a GTF; no genes without a file."""
    return Annotation(NO_GENES, NO_EXONS, NO_EXONS) if gtf is None else read_gtf(gtf, genome.lengths)


def add_pseudocount(parser: argparse.ArgumentParser) -> None:
    """Add the pseudocount of log ratios, by default that of the configuration."""
    default = GeneSettings.model_fields["pseudocount"].default
    about = f"added to both sides of a log ratio, in normalised coverage (default: {default}, as in genes.pseudocount)"
    parser.add_argument("--pseudocount", type=_positive, default=default, help=about)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value

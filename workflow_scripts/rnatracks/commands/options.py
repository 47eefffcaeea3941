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
    parser.add_argument("model", type=Path, help="folder of a trained model, such as results/models/unet")


def add_genome(parser: argparse.ArgumentParser) -> None:
    """Add the second argument of the subcommands that work on a genome."""
    parser.add_argument("genome", type=Path, help="uncompressed FASTA file")


def add_prediction(parser: argparse.ArgumentParser) -> None:
    """Add the output folder, and the options that say how windows are laid, predicted and combined."""
    parser.add_argument("--out", type=Path, default=Path(), metavar="FOLDER", help="output (default: current folder)")
    group = parser.add_argument_group("prediction", "as under prediction in the configuration of a run")
    about = "bases that neighbouring windows share (default: half of a window)"
    group.add_argument("--overlap", type=int, metavar="BASES", help=about)
    about = "how overlapping windows are combined (default: blend)"
    group.add_argument("--stitch", choices=[*map(str, Stitch)], default="blend", help=about)
    about = "average with the prediction of the reverse complement, which takes twice as long"
    group.add_argument("--reverse-complement", action="store_true", help=about)
    about = "number format of products (default: auto, bf16 on a GPU that has it and otherwise float32)"
    group.add_argument("--precision", choices=[*map(str, Arithmetic)], default="auto", help=about)
    about = "windows predicted at a time (default: 4)"
    group.add_argument("--batch-size", type=int, default=4, metavar="N", help=about)


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
    about = f"pseudocount of log2 ratios, in normalised coverage (default: {default}, as genes.pseudocount)"
    parser.add_argument("--pseudocount", type=_positive, default=default, metavar="C", help=about)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value

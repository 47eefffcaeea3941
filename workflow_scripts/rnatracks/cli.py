"""The command `rnatracks`: its subcommands use a model folder without the workflow; each is a module of `commands`."""

import argparse
import logging
import sys
from collections.abc import Sequence

from .commands.locus import add_locus
from .commands.mutagenesis import add_mutagenesis
from .commands.predict_sequence import add_predict_sequence
from .commands.variants import add_variants
from .errors import InputError

log = logging.getLogger(__name__)

SUBCOMMANDS = {
    "locus": ("predict one locus", add_locus),
    "variants": ("predict what the variants of a VCF file do to genes", add_variants),
    "mutagenesis": ("predict what a change of any base of a region does", add_mutagenesis),
    "predict-sequence": ("predict the sequences of a FASTA file, also after edits", add_predict_sequence),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `rnatracks`."""
    about = "Predict RNA-seq coverage from DNA with a trained model, without the workflow."
    parser = argparse.ArgumentParser(prog="rnatracks", description=about)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (about, add) in SUBCOMMANDS.items():
        add(commands.add_parser(name, help=about, description=f"With a trained model, {about}."))
    return _run(parser, arguments)


def locus_main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `rnatracks-locus`, the same as `rnatracks locus`."""
    parser = argparse.ArgumentParser(prog="rnatracks-locus", description="With a trained model, predict one locus.")
    add_locus(parser)
    return _run(parser, arguments)


def _run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        paths = options.run(options)
    except (InputError, OSError) as error:  # such as a full disk
        log.error("rnatracks: %s", error)
        return 1
    for path in paths:
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

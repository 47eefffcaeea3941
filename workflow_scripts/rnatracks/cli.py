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
    "variants": ("predict what the variants of a VCF do to genes", add_variants),
    "mutagenesis": ("change every base of a region", add_mutagenesis),
    "predict-sequence": ("predict any sequences, and their edits", add_predict_sequence),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `rnatracks`."""
    about = "Predict coverage from DNA with a trained model."
    parser = argparse.ArgumentParser(prog="rnatracks", description=about)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (about, add) in SUBCOMMANDS.items():
        add(commands.add_parser(name, help=about, description=f"{about.capitalize()} with a trained model."))
    return _run(parser, arguments)


def locus_main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `rnatracks-locus`, the same as `rnatracks locus`."""
    parser = argparse.ArgumentParser(prog="rnatracks-locus", description="Predict one locus with a trained model.")
    add_locus(parser)
    return _run(parser, arguments)


def _run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        paths = options.run(options)
    except InputError as error:
        log.error("rnatracks: %s", error)
        return 1
    for path in paths:
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`rnatracks predict-sequence MODEL SEQ.fa` predicts any sequences, as given and with edits."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from ..config.settings import locus_file_name
from ..errors import InputError
from ..figures.edited_sequence import sequence_figure
from ..figures.style import write_svg
from ..files import check_output_folder
from ..genome.edit_table import read_edits
from ..genome.edits import EditedGenome
from ..genome.sequence import open_genome
from ..prediction.predictor import load_predictor
from ..prediction.sequences import (
    check_sequences,
    predict_sequences,
    totals,
    write_edited_fasta,
    write_sequences,
)
from .options import add_model, add_prediction, add_pseudocount, prediction_options


def add_predict_sequence(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `rnatracks predict-sequence`."""
    add_model(parser)
    parser.add_argument("sequences", type=Path, help="uncompressed FASTA file, such as reporter constructs")
    about = (
        "tab-separated table of edits: chrom (the record), start, end (0-based, half-open), replacement (. for none) "
        "and, if wanted, name"
    )
    parser.add_argument("--edits", type=Path, metavar="TABLE", help=about)
    add_pseudocount(parser)
    add_prediction(parser)
    parser.set_defaults(run=predict_all_records)


def predict_all_records(options: argparse.Namespace) -> list[Path]:
    """Write the files of `write_sequences`, a figure per record and, with edits, `NAME.edited.fa`."""
    check_output_folder(options.out)
    genome = open_genome(options.sequences)
    names = _file_names(genome.lengths, options.sequences)
    check_sequences(genome)
    edits = [] if options.edits is None else read_edits(options.edits, genome)
    edited = EditedGenome(genome, [named.edit for named in edits]) if edits else None
    if edited is not None:
        check_sequences(edited)
    predictor = load_predictor(options.model, **prediction_options(options))
    predictions, tracks = list(predict_sequences(predictor, genome, edited)), predictor.tracks
    stem = locus_file_name(options.sequences.stem)
    table = totals(predictions, tracks, options.pseudocount)
    paths = write_sequences(predictions, tracks, options.out, stem, names, table)
    if edited is not None:
        paths.append(options.out / f"{stem}.edited.fa")
        write_edited_fasta(edited, paths[-1])
    for each in predictions:
        marked = [(named.edit.start, named.edit.end, named.name) for named in edits if named.edit.chrom == each.record]
        figure = sequence_figure(each.record, tracks, each.coverage, each.edited, each.counterparts, marked)
        paths.append(options.out / f"{stem}.{names[each.record]}.svg")
        write_svg(figure, paths[-1])
    return paths


def _file_names(records: Iterable[str], fasta: Path) -> dict[str, str]:
    """Name of each record in file names.

    Raises
    ------
    InputError
        If two records have the same.
    """
    names: dict[str, str] = {}
    for record in records:
        names[record] = locus_file_name(record)
        same = [other for other, name in names.items() if name == names[record]]
        if len(same) > 1:
            raise InputError(
                fasta, f"records {same[0]!r} and {same[1]!r}", f"one file name each, not {names[record]!r}"
            )
    return names

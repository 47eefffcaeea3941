"""Coverage of any sequences, such as reporter constructs and transgenes, as given and after edits."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError
from ..files import atomic_write, write_table
from ..genome.edits import EditedGenome
from ..genome.fasta import fasta_record
from ..genome.sequence import Genome
from ..tracks.bigwig import write_coverage
from ..tracks.expression import log2_ratio
from .predictor import Predictor

log = logging.getLogger(__name__)

MAX_SEQUENCE_BASES = 20_000_000  # of all records: their coverage is held in memory


@dataclass(frozen=True)
class SequencePrediction:
    """Predicted coverage of a record.

    Parameters
    ----------
    record
        Its name.
    coverage
        Normalised coverage, `[track, base]`.
    edited
        The same of the edited record; None without edits.
    counterparts
        Stretches in which both correspond, as (start, end, start in the edited record); see `EditedGenome`.
    """

    record: str
    coverage: NDArray[np.float32]
    edited: NDArray[np.float32] | None
    counterparts: list[tuple[int, int, int]]


def check_sequences(genome: Genome) -> None:
    """Raise `InputError` if a record has no base or a character that is not one, or they are too long in all."""
    total = sum(genome.lengths.values())
    if total > MAX_SEQUENCE_BASES:
        expected = f"at most {MAX_SEQUENCE_BASES:,}; the workflow predicts whole genomes"
        raise InputError(genome.path, f"{total:,} bases", expected)
    for record, length in genome.lengths.items():
        if length == 0:
            raise InputError(f"{genome.path}, record {record}", "no base, perhaps after edits", "at least one")
        genome.bases(record, 0, length)


def predict_sequences(
    predictor: Predictor, genome: Genome, edited: EditedGenome | None
) -> Iterator[SequencePrediction]:
    """Predict each record of a FASTA file, and also with its edits.

    A record is predicted as a chromosome is. If it is shorter than the model's window, unknown bases (N) follow it up
    to that length, which the model has hardly seen in training: a construct is better predicted in its surroundings.

    Raises
    ------
    InputError
        If all bases of a record are deleted, or predicted coverage is NaN or infinite.
    """
    size = predictor.tiles.size
    short = [record for record, length in genome.lengths.items() if length < size]
    if short:
        log.warning(
            "%d of %d records, such as %s, are shorter than the model's window of %d bases: unknown bases (N) follow",
            *(len(short), len(genome.lengths), short[0], size),
        )
    for record, length in genome.lengths.items():
        coverage, changed, stretches = predictor.region(genome, record, 0, length), None, [(0, length, 0)]
        if edited is not None:
            stretches = edited.counterparts(record)
            is_same = stretches == [(0, length, 0)]
            changed = coverage if is_same else predictor.region(edited, record, 0, edited.lengths[record])
        yield SequencePrediction(record, coverage, changed, stretches)


def totals(predictions: Sequence[SequencePrediction], tracks: Sequence[str], pseudocount: float) -> pd.DataFrame:
    """Total and mean coverage of each record and track, and with edits also of the edited record.

    The log ratio is log2((edited_total + c n) / (total + c n)) with the n bases of the record as given, so it compares
    what is transcribed from the whole record, whatever its length is after the edits.

    Parameters
    ----------
    pseudocount
        c, in normalised coverage of a base.

    Returns
    -------
    Columns `record`, `track`, `bases`, `total`, `mean` and, with edits, `edited_bases`, `edited_total`, `edited_mean`,
    `log2_ratio`; totals are sums of normalised coverage.
    """
    rows = []
    for prediction in predictions:
        for track, coverage in enumerate(prediction.coverage):
            bases, total = len(coverage), coverage.sum(dtype=np.float64)
            row = {"record": prediction.record, "track": tracks[track], "bases": bases, "total": total}
            row["mean"] = total / bases
            if prediction.edited is not None:
                edited = prediction.edited[track]
                edited_total = edited.sum(dtype=np.float64)
                row |= {"edited_bases": len(edited), "edited_total": edited_total}
                row |= {"edited_mean": edited_total / len(edited)}
                row |= {"log2_ratio": log2_ratio(edited_total, total, pseudocount * bases)}
            rows.append(row)
    return pd.DataFrame(rows)


def write_sequences(
    predictions: Sequence[SequencePrediction],
    tracks: Sequence[str],
    folder: Path,
    name: str,
    records: dict[str, str],
    table: pd.DataFrame,
) -> list[Path]:
    """Write the table `NAME.totals.tsv`, arrays `NAME.{record}.npz`, and one bigWig per track for all records.

    Parameters
    ----------
    records
        Name of each record in file names.
    table
        From `totals`.

    Returns
    -------
    Paths of the files.
    """
    paths = [folder / f"{name}.totals.tsv"]
    write_table(table.map(lambda value: f"{value:.9g}" if isinstance(value, float) else value), paths[0])
    for prediction in predictions:
        arrays = {"coverage": prediction.coverage, "tracks": list(tracks), "record": prediction.record}
        if prediction.edited is not None:
            arrays |= {"edited_coverage": prediction.edited, "counterparts": np.array(prediction.counterparts)}
        paths.append(folder / f"{name}.{records[prediction.record]}.npz")
        with atomic_write(paths[-1]) as partial:
            np.savez_compressed(partial, **arrays)
    kinds = {"": [each.coverage for each in predictions]}
    if all(each.edited is not None for each in predictions):
        kinds["edited."] = [each.edited for each in predictions]
    for kind, coverage in kinds.items():
        lengths = {each.record: values.shape[1] for each, values in zip(predictions, coverage, strict=True)}
        for track, track_name in enumerate(tracks):
            paths.append(folder / f"{name}.{kind}{track_name}.bw")
            write_coverage(paths[-1], lengths, (values[track] for values in coverage))
    return paths


def write_edited_fasta(edited: EditedGenome, target: Path) -> None:
    """Write the sequences after their edits; all letters but A, C, G and T are N, as the model reads them."""
    with atomic_write(target) as partial, partial.open("wb") as stream:
        for record, length in edited.lengths.items():
            stream.write(fasta_record(record, edited.bases(record, 0, length).tobytes()))

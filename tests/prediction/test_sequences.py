"""Any sequences, as given and edited, against the prediction of FASTA files that are written by hand."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest
from models import random_bases, small_model, write_fasta
from numpy.typing import NDArray

from rnatracks.errors import InputError
from rnatracks.genome.edits import Edit, EditedGenome
from rnatracks.genome.sequence import Genome
from rnatracks.prediction import sequences
from rnatracks.prediction.predict import Precision, TilePlan, predict_region
from rnatracks.prediction.predictor import Predictor
from rnatracks.prediction.sequences import (
    check_sequences,
    predict_sequences,
    totals,
    write_edited_fasta,
    write_sequences,
)
from rnatracks.prediction.stitching import Stitch

TRACKS = ("B.plus", "B.minus")
RECORDS = {"long": 300, "short|1": 40}


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    model = small_model(backbone={"type": "dilated_cnn"}, window_size=96)
    tiles = TilePlan(size=96, overlap=48, stitch=Stitch.BLEND)
    return Predictor(models=[model], tiles=tiles, precision=Precision(bf16=False, digits=None), batch_size=1)


@pytest.fixture(scope="module")
def bases() -> dict[str, str]:
    rng = np.random.default_rng(2)
    return {record: random_bases(rng, length) for record, length in RECORDS.items()}


@pytest.fixture
def genome(tmp_path: Path, bases: dict[str, str]) -> Genome:
    return Genome(write_fasta(tmp_path / "constructs.fa", bases))


@pytest.fixture
def edited(genome: Genome) -> EditedGenome:
    return EditedGenome(genome, [Edit("long", 10, 30, b""), Edit("long", 200, 200, b"ACGTN" * 9)])


def predicted(predictor: Predictor, folder: Path, record: str, sequence: str) -> NDArray[np.float32]:
    """Oracle: a record of its own file."""
    genome = Genome(write_fasta(folder / "one.fa", {record: sequence}))
    stretches = predict_region(
        predictor.models,
        genome,
        record,
        0,
        len(sequence),
        tiles=predictor.tiles,
        precision=predictor.precision,
        batch_size=1,
    )
    return np.concatenate([values for _, values in stretches], axis=1)


def test_records_and_edited_records_are_predicted_as_files_of_their_own(
    tmp_path: Path, predictor: Predictor, genome: Genome, edited: EditedGenome, bases: dict[str, str]
) -> None:
    long, short = predict_sequences(predictor, genome, edited)
    changed = bases["long"][:10] + bases["long"][30:200] + "ACGTN" * 9 + bases["long"][200:]
    np.testing.assert_array_equal(long.coverage, predicted(predictor, tmp_path, "long", bases["long"]))
    np.testing.assert_array_equal(long.edited, predicted(predictor, tmp_path, "long", changed))
    assert long.counterparts == [(0, 10, 0), (30, 200, 10), (200, 300, 225)]
    np.testing.assert_array_equal(short.coverage, predicted(predictor, tmp_path, "short|1", bases["short|1"]))
    np.testing.assert_array_equal(short.edited, short.coverage)


def test_a_short_record_is_followed_by_unknown_bases(
    tmp_path: Path, predictor: Predictor, genome: Genome, bases: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        _, short = predict_sequences(predictor, genome, None)
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith("1 of 2 records, such as short|1, are shorter than the model's window of 96 bases")
    padded = predicted(predictor, tmp_path, "padded", bases["short|1"] + "N" * 56)
    np.testing.assert_array_equal(short.coverage, padded[:, :40])
    assert short.edited is None


def test_totals_are_sums_and_their_log_ratio(predictor: Predictor, genome: Genome, edited: EditedGenome) -> None:
    predictions = list(predict_sequences(predictor, genome, edited))
    table = totals(predictions, TRACKS, 0.01)
    assert table[["record", "track", "bases", "edited_bases"]].to_numpy().tolist() == [
        ["long", "B.plus", 300, 325],
        ["long", "B.minus", 300, 325],
        ["short|1", "B.plus", 40, 40],
        ["short|1", "B.minus", 40, 40],
    ]
    for row in table.itertuples():
        each = predictions[row.record == "short|1"]
        before, after = (
            float(np.asarray(values, float)[TRACKS.index(row.track)].sum()) for values in (each.coverage, each.edited)
        )
        assert (row.total, row.mean) == pytest.approx((before, before / row.bases))
        assert (row.edited_total, row.edited_mean) == pytest.approx((after, after / row.edited_bases))
        expected = np.log2((after / row.bases + 0.01) / (before / row.bases + 0.01))
        assert row.log2_ratio == pytest.approx(expected)
    assert "edited_total" not in totals(list(predict_sequences(predictor, genome, None)), TRACKS, 0.01)


def test_files_hold_what_was_predicted(
    tmp_path: Path, predictor: Predictor, genome: Genome, edited: EditedGenome
) -> None:
    predictions = list(predict_sequences(predictor, genome, edited))
    table, names = totals(predictions, TRACKS, 0.01), {"long": "long", "short|1": "short_1"}
    paths = write_sequences(predictions, TRACKS, tmp_path / "out", "set", names, table)
    assert {path.name for path in paths} == {path.name for path in (tmp_path / "out").iterdir()}
    pd.testing.assert_frame_equal(pd.read_csv(paths[0], sep="\t"), table, rtol=1e-8)
    with np.load(tmp_path / "out/set.long.npz") as arrays:
        np.testing.assert_array_equal(arrays["coverage"], predictions[0].coverage)
        np.testing.assert_array_equal(arrays["edited_coverage"], predictions[0].edited)
        assert arrays["counterparts"].tolist() == [[0, 10, 0], [30, 200, 10], [200, 300, 225]]
        assert (str(arrays["record"]), arrays["tracks"].tolist()) == ("long", list(TRACKS))
    for kind, attribute, length in (("", "coverage", 300), ("edited.", "edited", 325)):
        for track, name in enumerate(TRACKS):
            with pyBigWig.open(str(tmp_path / f"out/set.{kind}{name}.bw")) as file:
                assert file.chroms() == {"long": length, "short|1": 40}
                for prediction in predictions:
                    found = file.values(prediction.record, 0, file.chroms(prediction.record), numpy=True)
                    np.testing.assert_array_equal(found, getattr(prediction, attribute)[track])


def test_the_edited_fasta_has_the_edited_sequences(tmp_path: Path, edited: EditedGenome, bases: dict[str, str]) -> None:
    write_edited_fasta(edited, tmp_path / "edited.fa")
    records = (tmp_path / "edited.fa").read_text().split(">")[1:]
    found = {name: "".join(lines) for name, *lines in (record.split("\n") for record in records)}
    changed = bases["long"][:10] + bases["long"][30:200] + "ACGTN" * 9 + bases["long"][200:]
    assert found == {"long": changed, "short|1": bases["short|1"]}


def test_sequences_that_cannot_be_predicted_are_refused(
    tmp_path: Path, genome: Genome, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_sequences(genome)
    with pytest.raises(InputError, match=r"record short\|1: found no base, perhaps after edits; expected at least one"):
        check_sequences(EditedGenome(genome, [Edit("short|1", 0, 40, b"")]))
    with pytest.raises(InputError, match="bad.fa, bad:3: found the character '!' in the sequence"):
        check_sequences(Genome(write_fasta(tmp_path / "bad.fa", {"bad": "AC!T"})))
    monkeypatch.setattr(sequences, "MAX_SEQUENCE_BASES", 339)
    with pytest.raises(InputError, match="constructs.fa: found 340 bases; expected at most 339; the workflow predicts"):
        check_sequences(genome)

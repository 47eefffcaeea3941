"""What a model has seen: recorded by sequence, and never held out from a model that starts there."""

import hashlib
import json
import logging
from pathlib import Path

import numpy as np
import pytest
from jobs import make_job, make_plan, make_windows, tile, write_data
from models import random_bases, write_fasta

from rnatracks.errors import InputError
from rnatracks.genome.sequence import Genome
from rnatracks.model import seen_chromosomes as seen
from rnatracks.model.folder import load_model
from rnatracks.model.network import CoverageConfig
from rnatracks.model.seen_chromosomes import SeenSequence, check_start
from rnatracks.training.train import train

LENGTHS = {"chr1": 2100, "chr2": 500, "chr3": 500, "chr4": 640}
RANDOM = np.random.default_rng(11)
SEQUENCES = {name: random_bases(RANDOM, length) for name, length in LENGTHS.items()}
OTHER = {name: random_bases(RANDOM, length) for name, length in LENGTHS.items()}
FIRST = {"chr1": "train", "chr2": "valid", "chr3": "test"}


def windows_of(splits: dict[str, str], sequences: dict[str, str]):
    return make_windows(*(row for chrom, split in splits.items() for row in tile(chrom, split, len(sequences[chrom]))))


def data_of(folder: Path, sequences: dict[str, str], splits: dict[str, str]) -> Path:
    return write_data(folder, windows_of(splits, sequences), sequences=sequences)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model trained on chr1, its epoch chosen on chr2, chr3 held out."""
    folder = tmp_path_factory.mktemp("first")
    job = make_job(data_of(folder / "data", SEQUENCES, FIRST), folder / "model", keep="best")
    train(job)
    return job.target


def start(first: Path, folder: Path, sequences: dict[str, str], splits: dict[str, str], name: str = "NK") -> Path:
    """Train a model from another one on these sequences."""
    plan = make_plan(name=name, backbone=None, init_from="first")
    job = make_job(data_of(folder / f"data of {name}", sequences, splits), folder / name, plan, start=first)
    train(job)
    return job.target


def record(folder: Path) -> dict[tuple[str, str], tuple[int, str]]:
    entries = json.loads((folder / "config.json").read_text())["seen_sequences"]
    return {(entry["name"], entry["split"]): (entry["length"], entry["md5"]) for entry in entries}


def by_hand(bases: str) -> tuple[int, str]:
    return len(bases), hashlib.md5(bases.upper().encode()).hexdigest()


# --- What is recorded


def test_training_and_validation_sequences_are_recorded(first: Path) -> None:
    assert record(first) == {
        ("chr1", "train"): by_hand(SEQUENCES["chr1"]),
        ("chr2", "valid"): by_hand(SEQUENCES["chr2"]),
    }
    assert load_model(first, "cpu").config.training_chromosomes == ["chr1"]


def test_what_a_start_saw_is_inherited(first: Path, tmp_path: Path) -> None:
    second = start(first, tmp_path, SEQUENCES, {"chr4": "train", "chr2": "valid", "chr3": "test"}, "second")
    third = start(second, tmp_path, OTHER, {"chr1": "train", "chr4": "valid"}, "third")
    assert record(third).keys() >= {("chr2", "valid"), ("chr4", "train"), ("chr4", "valid")}
    entries = json.loads((third / "config.json").read_text())["seen_sequences"]
    assert [(entry["name"], entry["split"], entry["length"], entry["md5"]) for entry in entries] == [
        ("chr1", "train", *by_hand(SEQUENCES["chr1"])),
        ("chr2", "valid", *by_hand(SEQUENCES["chr2"])),
        ("chr4", "train", *by_hand(SEQUENCES["chr4"])),
        ("chr1", "train", *by_hand(OTHER["chr1"])),
        ("chr4", "valid", *by_hand(OTHER["chr4"])),
    ]
    assert load_model(third, "cpu").config.training_chromosomes == ["chr1", "chr4"]


def test_without_validation_only_training_is_recorded(tmp_path: Path) -> None:
    job = make_job(data_of(tmp_path / "data", SEQUENCES, {"chr1": "train", "chr3": "test"}), tmp_path / "B")
    train(job)
    assert record(job.target).keys() == {("chr1", "train")}


@pytest.mark.parametrize("block", [7, 100, 1 << 24])
def test_checksum_is_that_of_upper_case_and_n(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A soft-masked base is the same base, any letter but A, C, G and T an unknown one."""
    monkeypatch.setattr(seen, "CHUNK_BASES", block)
    fasta = write_fasta(
        tmp_path / "one.fa", {"a": "ACGT" * 50, "b": "acgtACGT" * 25, "c": "AC" * 30 + "RYKMxn-*" + "GT"}
    )
    genome = Genome(fasta)
    found = {chrom: SeenSequence.of(genome, chrom, "train").md5 for chrom in "abc"}
    assert found["a"] == found["b"] == by_hand("ACGT" * 50)[1]
    assert found["c"] == by_hand("AC" * 30 + "NNNNNNNN" + "GT")[1]
    assert SeenSequence.of(genome, "c", "test", flipped=True).md5 == by_hand("AC" + "NNNNNNNN" + "GT" * 30)[1]


# --- What is refused


def soft_masked(bases: str) -> str:
    return bases[:700].lower() + bases[700:]


def ambiguous(bases: str) -> str:
    return bases.replace("N", "R")


GAPS = SEQUENCES | {"chr1": SEQUENCES["chr1"][:50] + "N" * 20 + SEQUENCES["chr1"][70:]}


@pytest.mark.parametrize("split", ["valid", "test"])
@pytest.mark.parametrize(
    ("here", "bases", "named"),
    [
        ("chr1", SEQUENCES["chr1"], "chr1"),
        ("1", SEQUENCES["chr1"], "chr1 (here called 1)"),
        ("CM000663.2", soft_masked(SEQUENCES["chr1"]), "chr1 (here called CM000663.2)"),
        ("chr3", SEQUENCES["chr1"].lower(), "chr1 (here called chr3)"),
        ("ctg1", SEQUENCES["chr1"][::-1].translate(str.maketrans("ACGT", "TGCA")), "chr1 (here called ctg1)"),
    ],
    ids=["name", "other name", "soft-masked", "name of another", "reverse complement"],
)
def test_a_trained_sequence_is_not_held_out(
    first: Path, split: str, here: str, bases: str, named: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refusal:
        start(first, tmp_path, {"new": OTHER["chr4"], here: bases}, {"new": "train", here: split})
    assert str(refusal.value) == (
        f"{first}, to start NK from: found a model that was trained on {named}; "
        "expected a model that has not seen the coverage of the chromosomes held out by split"
    )


def test_unknown_letters_hide_no_sequence(tmp_path: Path) -> None:
    job = make_job(data_of(tmp_path / "data", GAPS, FIRST), tmp_path / "first")
    train(job)
    copies = {"chr4": OTHER["chr4"], "1": ambiguous(GAPS["chr1"])}
    with pytest.raises(InputError, match=r"trained on chr1 \(here called 1\)"):
        start(job.target, tmp_path, copies, {"chr4": "train", "1": "test"})


def test_a_sequence_that_validated_is_not_tested_on(first: Path, tmp_path: Path) -> None:
    sequences = {"chr4": SEQUENCES["chr4"], "2": SEQUENCES["chr2"]}
    with pytest.raises(InputError, match=r"a model that was validated on chr2 \(here called 2\); expected"):
        start(first, tmp_path, sequences, {"chr4": "train", "2": "test"})


def test_both_reasons_are_said_at_once(first: Path, tmp_path: Path) -> None:
    splits = {"chr4": "train", "chr1": "valid", "chr2": "test"}
    with pytest.raises(InputError, match="a model that was trained on chr1 and was validated on chr2"):
        start(first, tmp_path, SEQUENCES, splits)


def test_what_a_start_of_the_start_saw_is_refused(first: Path, tmp_path: Path) -> None:
    second = start(first, tmp_path, SEQUENCES, {"chr4": "train", "chr3": "test"}, "second")
    with pytest.raises(InputError, match="trained on chr1; expected"):
        start(second, tmp_path, SEQUENCES, {"chr4": "train", "chr1": "test"}, "third")


def test_windows_that_are_not_used_are_held_out_too(first: Path, tmp_path: Path) -> None:
    """A test chromosome that is mostly blacklisted is scored all the same."""
    windows = windows_of({"chr4": "train", "chr1": "test"}, SEQUENCES)
    windows.loc[windows["split"] == "test", "blacklist_fraction"] = 0.9
    data = write_data(tmp_path / "data", windows, sequences=SEQUENCES)
    with pytest.raises(InputError, match="trained on chr1; expected"):
        train(make_job(data, tmp_path / "NK", make_plan(backbone=None, init_from="first"), start=first))


# --- What is accepted


@pytest.mark.parametrize("here", ["chr1", "1"])
def test_another_sequence_of_the_name_is_accepted_with_a_word(
    first: Path, here: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "rnatracks"):
        target = start(first, tmp_path, {"chr4": OTHER["chr4"], here: OTHER["chr1"]}, {"chr4": "train", here: "test"})
    assert (target / "model.safetensors").exists()
    said = [message for message in caplog.messages if "which differs from" in message]
    assert said == [
        f"{first}, to start NK from: it has seen a chr1 of 2,100 bases, which differs from {here} here "
        "(2,100 bases, test); sequence that both share is not detected"
    ]


def test_roles_may_stay_as_they_were(first: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The models of one run share its split: the second chooses its epoch on the chromosomes of the first."""
    with caplog.at_level(logging.WARNING, "rnatracks.model.seen_chromosomes"):
        start(first, tmp_path, SEQUENCES, FIRST)
    assert not [record for record in caplog.records if record.name == "rnatracks.model.seen_chromosomes"]


# --- Models that were trained before sequences were recorded


def of_old(first: Path, folder: Path, **changes: object) -> Path:
    folder.mkdir()
    for path in first.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    settings = json.loads((folder / "config.json").read_text())
    del settings["seen_sequences"]
    (folder / "config.json").write_text(json.dumps(settings | changes))
    return folder


@pytest.mark.parametrize(("here", "named"), [("chr1", "chr1"), ("1", r"chr1 \(here called 1\)")])
def test_an_older_start_is_compared_by_name(
    first: Path, here: str, named: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Even though the sequence is another one: that cannot be known."""
    old = of_old(first, tmp_path / "old")
    with pytest.raises(InputError, match=f"a model that was trained on {named}; expected"):
        start(old, tmp_path, {"chr4": OTHER["chr4"], here: OTHER["chr1"]}, {"chr4": "train", here: "test"})
    with caplog.at_level(logging.WARNING, "rnatracks"):
        target = start(old, tmp_path, SEQUENCES, {"chr4": "train", "chr3": "test"}, "second")
    assert (
        f"{old}, to start second from: it does not list the sequences of chr1, so these are compared by name"
        in caplog.messages
    )
    assert load_model(target, "cpu").config.training_chromosomes == ["chr1", "chr4"]
    with pytest.raises(InputError, match="a model that was trained on chr1; expected"):
        start(target, tmp_path, SEQUENCES, {"chr4": "train", "chr1": "test"}, "third")


def test_a_start_that_says_nothing_is_a_warning(first: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    old = of_old(first, tmp_path / "old", training_chromosomes=[])
    with caplog.at_level(logging.WARNING, "rnatracks"):
        start(old, tmp_path, SEQUENCES, FIRST)
    said = f"{old}, to start NK from: it does not list its training chromosomes, so they cannot be compared"
    assert said in caplog.messages


@pytest.mark.parametrize("entries", [[{"name": "chr1"}], ["chr1"], [{"chromosome": "chr1", "md5": "0"}]])
def test_entries_that_are_none_are_one_line(entries: list) -> None:
    with pytest.raises(InputError, match="^here, config.json, seen_sequences: found .*; expected entries with name"):
        check_start(CoverageConfig(seen_sequences=entries), [], "here")

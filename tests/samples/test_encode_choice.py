"""The choice among ENCODE's files, in every order of the answer, and its reasons in words."""

import random

import pytest
from portal_files import MINUS, experiment, file, pair

from rnatracks.samples.encode import Query
from rnatracks.samples.encode_answers import Audit, Experiment, File
from rnatracks.samples.encode_choice import Choice, choose, experiment_fault, file_fault, pair_fault, pair_files

STRANDED, UNSTRANDED = (Query.of("", stranded=stranded) for stranded in (True, False))


def choose_in_every_order(files: list[File], *experiments: Experiment, query: Query = STRANDED) -> Choice:
    """The choice, which must not depend on the order of the answer."""
    known = {each.accession: each for each in experiments or (experiment(),)}
    choices = []
    for seed in range(10):
        shuffled = random.Random(seed).sample(files, len(files))
        choices.append(choose(pair_files(shuffled, query), known, query))
    assert all(choice == choices[0] for choice in choices)
    taken = [file for each in choices[0].chosen for file in each.signal.files.values()]
    assert sorted(each.accession for each in taken + [rejected for rejected, _ in choices[0].rejected]) == sorted(
        each.accession for each in files
    )
    return choices[0]


def accessions(choice: Choice) -> list[str]:
    return [each.accession for chosen in choice.chosen for each in chosen.signal.files.values()]


def reasons(choice: Choice) -> dict[str, str]:
    return {rejected.accession: reason for rejected, reason in choice.rejected}


FAULTS = [
    ({"file_format": "bed"}, "its format is bed, not bigWig"),
    ({"assembly": "hg19"}, "its assembly is hg19, not GRCh38"),
    ({"assembly": ""}, "its assembly is not stated, not GRCh38"),
    ({"status": "archived"}, "its status is archived, not released"),
    (
        {"output_type": "signal p-value"},
        "its output type is not a signal of the plus or the minus strand: signal p-value",
    ),
    ({"output_type": "signal of unique reads"}, "its output type is not a signal of the plus or the minus strand"),
    ({"dataset": "/annotations/ENCSR000AED/"}, "not to an experiment"),
    ({"href": ""}, "the portal offers no download for it"),
    ({"stored": False}, "the portal offers no download for it"),
    ({"no_file_available": True, "md5": None}, "the portal says that no file is available"),
    ({"restricted": True}, "access to it is restricted"),
    ({"md5": None}, "the portal gives no MD5 for it"),
    ({"read_length": 36}, "its mapped reads have 36 bases, fewer than 50"),
    ({"date": "2019-12-31T10:00:00"}, "it was made in 2019, before 2020"),
    ({"audit": Audit.ERROR}, "the portal's audit of it or its alignments found an ERROR"),
]


@pytest.mark.parametrize(("fields", "reason"), FAULTS, ids=[fault[1][:40] for fault in FAULTS])
def test_a_file_with_a_fault_is_rejected_and_so_is_its_partner(fields: dict[str, object], reason: str) -> None:
    plus, minus = pair("A")
    bad = file(**({"accession": plus.accession} | fields))
    choice = choose_in_every_order([bad, minus, *pair("B", replicates=(2,))])
    assert accessions(choice) == ["ENCFF000BAP", "ENCFF000BAM"]
    assert reason in reasons(choice)["ENCFF000AAP"]
    assert reasons(choice)["ENCFF000AAM"] == (
        "no plus file of the same experiment, replicates, analysis and reads to pair it with"
    )


@pytest.mark.parametrize(("status", "usable"), [("archived", True), ("revoked", False), ("in progress", False)])
def test_only_statuses_of_public_files_can_be_asked_for(status: str, usable: bool) -> None:
    fault = file_fault(file("ENCFF000AAP", status=status), Query.of(f"status={status}", stranded=True))
    assert fault == (
        None
        if usable
        else f"its status is {status}, and only released and archived files can be downloaded from the portal"
    )


MISMATCHES = [
    ({"replicates": (2,)}, "biological replicates"),
    ({"technical_replicates": ("1_2",)}, "technical replicates"),
    ({"analyses": ("/analyses/ENCAN000BBB/",)}, "analyses"),
    ({"annotation": "V24"}, "annotations"),
    ({"output_type": "minus strand signal of all reads"}, "reads"),
    ({"dataset": "/experiments/ENCSR000BBB/"}, "experiments"),
]


@pytest.mark.parametrize(("fields", "name"), MISMATCHES, ids=[name for _, name in MISMATCHES])
def test_strands_that_do_not_match_are_both_rejected(fields: dict[str, object], name: str) -> None:
    plus, minus = file("ENCFF000AAP"), file(**({"accession": "ENCFF000AAM", "output_type": MINUS} | fields))
    choice = choose_in_every_order([plus, minus])
    assert not choice.chosen
    assert set(reasons(choice)) == {"ENCFF000AAP", "ENCFF000AAM"}
    assert f"have different {name}" in (pair_fault(plus, minus) or "")


def test_pair_fault_of_columns_that_are_swapped() -> None:
    plus, minus = pair("A")
    assert pair_fault(plus, minus) is None
    assert pair_fault(minus, plus) == "ENCFF000AAM is the minus strand signal of unique reads"


PREFERENCES = [
    ({"reads": "unique", "date": ""}, {"reads": "all", "replicates": (1, 2)}, "unique reads only"),
    ({"audit": Audit.NOT_COMPLIANT}, {"date": ""}, "made on a known date"),
    ({}, {"audit": None, "replicates": (1, 2)}, "milder audit findings"),
    ({"audit": None}, {"audit": Audit.WARNING, "replicates": (1, 2)}, "milder audit findings"),
    ({}, {"audit": Audit.WARNING, "replicates": (1, 2)}, "milder audit findings"),
    ({"audit": Audit.WARNING}, {"audit": Audit.NOT_COMPLIANT, "replicates": (1, 2)}, "milder audit findings"),
    ({"replicates": (1, 2)}, {"preferred": True}, "more replicates pooled"),
    ({"preferred": True}, {"date": "2024-01-01", "analyses": ("/analyses/ENCAN000BBB/",)}, "preferred by the portal"),
    ({"analyses": ("b",), "date": "2022-01-01"}, {"analyses": ("a",)}, "newer analysis"),
]


@pytest.mark.parametrize(
    ("better", "worse", "why"), PREFERENCES, ids=[f"{w}-{i}" for i, (_, _, w) in enumerate(PREFERENCES)]
)
def test_preferences_within_an_experiment(better: dict[str, object], worse: dict[str, object], why: str) -> None:
    # The better one has the higher accession, so that its place decides nothing.
    choice = choose_in_every_order([*pair("Z", **better), *pair("A", **worse)])
    assert accessions(choice) == ["ENCFF000ZAP", "ENCFF000ZAM"]
    for strand in "PM":
        assert reasons(choice)[f"ENCFF000AA{strand}"] == (
            f"ENCFF000ZAP and ENCFF000ZAM of the same experiment chosen instead: {why}"
        )


def test_ties_are_broken_by_accession() -> None:
    choice = choose_in_every_order([*pair("B", replicates=(2,)), *pair("A"), *pair("C", replicates=(3,))])
    assert accessions(choice) == ["ENCFF000AAP", "ENCFF000AAM"]
    assert reasons(choice)["ENCFF000BAP"].endswith("lower accession")


def test_of_two_files_of_one_strand_the_newer_is_paired() -> None:
    choice = choose_in_every_order([*pair("A"), file("ENCFF000BAP", date="2023-01-01")])
    assert accessions(choice) == ["ENCFF000BAP", "ENCFF000AAM"]
    assert reasons(choice)["ENCFF000AAP"].startswith("no minus file of the same")


def test_unstranded_files_stand_alone() -> None:
    files = [
        file("ENCFF000AAB", "signal of all reads"),
        file("ENCFF000AAC", "signal of unique reads"),
        file("ENCFF000AAD"),
    ]
    choice = choose_in_every_order(files, query=UNSTRANDED)
    assert accessions(choice) == ["ENCFF000AAC"]
    assert "both strands together" in reasons(choice)["ENCFF000AAD"]


def test_all_reads_serve_where_there_are_no_unique_ones() -> None:
    choice = choose_in_every_order(pair("A", reads="all"))
    assert choice.chosen[0].reason == (
        "all reads; replicate 1; made 2021-03-04; mapped reads of 100 bases; no audit findings"
    )


def test_reads_of_unknown_length_are_kept_and_said_so() -> None:
    choice = choose_in_every_order(pair("A", read_length=None, replicates=(1, 2), audit=Audit.WARNING))
    assert choice.chosen[0].reason == (
        "unique reads; replicates 1, 2 pooled; made 2021-03-04; read length not stated; audit: WARNING"
    )


UNKNOWN = [
    ({}, {}, "no audit findings"),
    ({"audit": None}, {"audit": None}, "audit not stated"),
    ({"audit": None}, {}, "audit not stated"),
    ({"audit": Audit.WARNING}, {"audit": None}, "audit: WARNING, others not stated"),
    ({"audit": Audit.WARNING}, {"audit": Audit.NOT_COMPLIANT}, "audit: NOT_COMPLIANT"),
    ({}, {"perturbed": None}, "no audit findings; perturbation not stated"),
    ({"date": ""}, {}, "made on an unknown date; mapped reads of 100 bases; no audit findings"),
]


@pytest.mark.parametrize(("of_files", "of_experiment", "said"), UNKNOWN)
def test_what_is_not_stated_is_said(of_files: dict[str, object], of_experiment: dict[str, object], said: str) -> None:
    choice = choose_in_every_order(pair("A", **of_files), experiment(**of_experiment))
    assert choice.chosen[0].reason.endswith(f"; {said}")


def test_the_status_of_the_search_holds_for_experiments_too() -> None:
    query = Query.of("status=archived", stranded=True)
    for status in ("archived", "released"):
        choice = choose_in_every_order(pair("A", status="archived"), experiment(status=status), query=query)
        assert accessions(choice) == ["ENCFF000AAP", "ENCFF000AAM"]
    assert experiment_fault(experiment(status="revoked"), query) == (
        "the status of its experiment is revoked, not released or archived"
    )


def test_one_assembly_only_even_if_the_user_asks_for_two() -> None:
    query = Query.of("assembly=hg19&assembly=GRCh38", stranded=True)
    choice = choose_in_every_order([*pair("A"), *pair("B", assembly="hg19")], query=query)
    assert accessions(choice) == ["ENCFF000BAP", "ENCFF000BAM"]
    assert reasons(choice)["ENCFF000AAP"] == "its assembly is GRCh38, not hg19"


BAD_EXPERIMENTS = [
    ({"status": "archived"}, "the status of its experiment is archived, not released"),
    ({"perturbed": True}, "its experiment is perturbed"),
    ({"interventions": ("treated",)}, "its experiment is perturbed (treated)"),
    ({"audit": Audit.ERROR}, "the portal's audit of its experiment found an ERROR"),
    ({"fractions": ("nucleus",)}, "made from a subcellular fraction (nucleus), and whole cells were found"),
]


@pytest.mark.parametrize(("fields", "reason"), BAD_EXPERIMENTS, ids=[bad[1][:40] for bad in BAD_EXPERIMENTS])
def test_experiments_that_cannot_be_used(fields: dict[str, object], reason: str) -> None:
    other = "/experiments/ENCSR000BBB/"
    choice = choose_in_every_order(
        [*pair("A"), *pair("B", dataset=other)], experiment(**fields), experiment("ENCSR000BBB")
    )
    assert accessions(choice) == ["ENCFF000BAP", "ENCFF000BAM"]
    assert reasons(choice) == {"ENCFF000AAP": reason, "ENCFF000AAM": reason}


def test_parts_of_the_cell_serve_where_whole_cells_have_no_usable_files() -> None:
    short = pair("B", dataset="/experiments/ENCSR000BBB/", read_length=36)
    choice = choose_in_every_order([*pair("A"), *short], experiment(fractions=("nucleus",)), experiment("ENCSR000BBB"))
    assert accessions(choice) == ["ENCFF000AAP", "ENCFF000AAM"]


def test_parts_of_the_cell_serve_where_there_are_no_whole_cells() -> None:
    choice = choose_in_every_order(pair("A"), experiment(fractions=("nucleus",)))
    assert choice.chosen[0].reason.endswith("subcellular fraction: nucleus")


def test_two_experiments_of_one_donor_are_kept_and_the_second_says_so() -> None:
    third = {"dataset": "/experiments/ENCSR000CCC/", "replicates": (2,)}
    choice = choose_in_every_order(
        [*pair("A"), *pair("B", dataset="/experiments/ENCSR000BBB/"), *pair("C", **third)],
        *(experiment(accession) for accession in ("ENCSR000AED", "ENCSR000BBB", "ENCSR000CCC")),
    )
    assert [each.donors for each in choice.chosen] == [("ENCDO000AAA",), ("ENCDO000AAA",), ("ENCDO000AAB",)]
    said = [each.reason.partition("; same donor as ")[2] for each in choice.chosen]
    assert said == ["", "ENCSR000AED, kept as a separate experiment", ""]

"""ENCODE: queries, the choice among files in every order of the answer, and faults of the portal."""

import hashlib
import json
import random
from collections.abc import Iterator
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from servers import encode as portal
from servers.faults import ALWAYS, Cut, Fault, Forbidden, Html, RedirectLoop, Stall, Status
from servers.server import DataServer

from rnatracks.encode import (
    OUTPUT_TYPES,
    Audit,
    Choice,
    Experiment,
    File,
    Query,
    Reads,
    ask_experiment,
    ask_file,
    choose,
    pair_fault,
    pair_files,
    search_files,
)
from rnatracks.errors import InputError
from rnatracks.terms import Strand
from rnatracks.web import Patience, Web

AT_ONCE = Patience(attempts=3, delay=0.0, longest=0.0, timeout=0.5, redirects=4)
GM12878 = "assay_title=total RNA-seq&biosample_ontology.term_id=EFO:0002784"
STRANDED = Query.of(GM12878, stranded=True)
UNSTRANDED = Query.of(GM12878, stranded=False)
PLUS, MINUS = (f"{strand} strand signal of unique reads" for strand in ("plus", "minus"))
HEART = portal.EncodeExperiment(accession="ENCSR000AED", replicates=(portal.Replicate(1, 1, "000AAA"),))


def file(accession: str, output_type: str = PLUS, **fields: object) -> File:
    """A file that nothing speaks against."""
    defaults = {
        "dataset": "/experiments/ENCSR000AED/",
        "href": f"/files/{accession}/@@download/{accession}.bigWig",
        "file_format": "bigWig",
        "assembly": "GRCh38",
        "status": "released",
        "md5": "0" * 32,
        "size": 10,
        "replicates": (1,),
        "technical_replicates": ("1_1",),
        "analyses": ("/analyses/ENCAN000AAA/",),
        "annotation": "V29",
        "date": "2021-03-04T10:00:00",
        "preferred": False,
        "read_length": 100,
        "audit": Audit.NONE,
    }
    return File(accession=accession, output_type=output_type, **(defaults | fields))


def pair(letter: str, reads: str = "unique", **fields: object) -> list[File]:
    """Both strands of a signal, ENCFF000xAP and ENCFF000xAM."""
    return [
        file(f"ENCFF000{letter}A{s[0].upper()}", f"{s} strand signal of {reads} reads", **fields)
        for s in ("plus", "minus")
    ]


def experiment(accession: str = "ENCSR000AED", **fields: object) -> Experiment:
    defaults = {
        "status": "released",
        "perturbed": False,
        "interventions": (),
        "fractions": (),
        "donors": {1: ("ENCDO000AAA",), 2: ("ENCDO000AAB",)},
        "audit": Audit.NONE,
    }
    return Experiment(accession=accession, **(defaults | fields))


def choose_in_every_order(files: list[File], *experiments: Experiment, query: Query = STRANDED) -> Choice:
    """The choice, which must not depend on the order of the answer."""
    known = {each.accession: each for each in experiments or (experiment(),)}
    choices = []
    for seed in range(10):
        shuffled = random.Random(seed).sample(files, len(files))
        choices.append(choose(pair_files(shuffled, query), known))
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


def test_query_adds_what_the_user_leaves_open() -> None:
    sent = parse_qs(urlsplit(STRANDED.url("http://host/prefix/")).query)
    assert STRANDED.url("http://host/prefix/").startswith("http://host/prefix/search/?assay_title=total%20RNA-seq&")
    assert sent == {
        "assay_title": ["total RNA-seq"],
        "biosample_ontology.term_id": ["EFO:0002784"],
        "type": ["File"],
        "format": ["json"],
        "limit": ["all"],
        "frame": ["object"],
        "file_format": ["bigWig"],
        "assembly": ["GRCh38"],
        "status": ["released"],
        "output_type": [f"{strand} strand signal of {reads} reads" for reads in Reads for strand in ("plus", "minus")],
    }
    assert parse_qs(urlsplit(UNSTRANDED.url("http://host")).query)["output_type"] == [
        "signal of unique reads",
        "signal of all reads",
    ]


def test_filters_of_the_user_override_ours() -> None:
    text = "assembly=hg19&output_type=signal of all reads&lab.title!=X+Y&status=released&status=archived"
    sent = parse_qsl(urlsplit(Query.of(text, stranded=False).url("http://host")).query)
    assert [pair for pair in sent if pair[0] in ("assembly", "output_type", "lab.title!", "status")] == [
        ("assembly", "hg19"),
        ("output_type", "signal of all reads"),
        ("lab.title!", "X Y"),
        ("status", "released"),
        ("status", "archived"),
    ]


def test_output_types_are_those_of_the_portal() -> None:
    assert OUTPUT_TYPES["plus strand signal of unique reads"] == (Strand.PLUS, Reads.UNIQUE)
    assert OUTPUT_TYPES["signal of all reads"] == (Strand.UNSTRANDED, Reads.ALL)
    assert len(OUTPUT_TYPES) == 6


FAULTS = [
    ({"file_format": "bed"}, "its format is bed, not bigWig"),
    ({"assembly": "hg19"}, "its assembly is hg19, not GRCh38"),
    ({"assembly": ""}, "its assembly is not stated, not GRCh38"),
    ({"status": "archived"}, "its status is archived, not released"),
    ({"output_type": "signal p-value"}, "its output type is no signal of the plus or the minus strand: signal p-value"),
    ({"output_type": "signal of unique reads"}, "its output type is no signal of the plus or the minus strand"),
    ({"dataset": "/annotations/ENCSR000AED/"}, "which is no experiment"),
    ({"href": ""}, "the portal offers no download of it"),
    ({"md5": None}, "the portal gives no MD5 of it"),
    ({"read_length": 36}, "its mapped reads have 36 bases, fewer than 50"),
    ({"audit": Audit.ERROR}, "the portal's audit of it holds an ERROR"),
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
    assert f"are of different {name}" in (pair_fault(plus, minus) or "")


def test_pair_fault_of_columns_that_are_swapped() -> None:
    plus, minus = pair("A")
    assert pair_fault(plus, minus) is None
    assert pair_fault(minus, plus) == "ENCFF000AAM is the minus strand signal of unique reads"


PREFERENCES = [
    ({"reads": "unique", "date": "2015-01-01"}, {"reads": "all", "replicates": (1, 2)}, "unique reads only"),
    ({"audit": Audit.NOT_COMPLIANT}, {"date": "2019-12-31"}, "made in 2020 or later"),
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
            f"ENCFF000ZAP and ENCFF000ZAM of the same experiment taken instead: {why}"
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


def test_one_assembly_only_even_if_the_user_asks_for_two() -> None:
    query = Query.of("assembly=hg19&assembly=GRCh38", stranded=True)
    choice = choose_in_every_order([*pair("A"), *pair("B", assembly="hg19")], query=query)
    assert accessions(choice) == ["ENCFF000BAP", "ENCFF000BAM"]
    assert reasons(choice)["ENCFF000AAP"] == "its assembly is GRCh38, not hg19"


BAD_EXPERIMENTS = [
    ({"status": "archived"}, "the status of its experiment is archived, not released"),
    ({"perturbed": True}, "its experiment is perturbed"),
    ({"interventions": ("treated",)}, "its experiment is perturbed (treated)"),
    ({"audit": Audit.ERROR}, "the portal's audit of its experiment holds an ERROR"),
    ({"fractions": ("nucleus",)}, "made of a part of the cell (nucleus), and whole cells were found"),
]


@pytest.mark.parametrize(("fields", "reason"), BAD_EXPERIMENTS, ids=[bad[1][:40] for bad in BAD_EXPERIMENTS])
def test_experiments_that_cannot_be_used(fields: dict[str, object], reason: str) -> None:
    other = "/experiments/ENCSR000BBB/"
    choice = choose_in_every_order(
        [*pair("A"), *pair("B", dataset=other)], experiment(**fields), experiment("ENCSR000BBB")
    )
    assert accessions(choice) == ["ENCFF000BAP", "ENCFF000BAM"]
    assert reasons(choice) == {"ENCFF000AAP": reason, "ENCFF000AAM": reason}


def test_parts_of_the_cell_serve_where_there_are_no_whole_cells() -> None:
    choice = choose_in_every_order(pair("A"), experiment(fractions=("nucleus",)))
    assert choice.chosen[0].reason.endswith("part of the cell: nucleus")


def test_two_experiments_of_one_donor_are_kept_and_the_second_says_so() -> None:
    third = {"dataset": "/experiments/ENCSR000CCC/", "replicates": (2,)}
    choice = choose_in_every_order(
        [*pair("A"), *pair("B", dataset="/experiments/ENCSR000BBB/"), *pair("C", **third)],
        *(experiment(accession) for accession in ("ENCSR000AED", "ENCSR000BBB", "ENCSR000CCC")),
    )
    assert [each.donors for each in choice.chosen] == [("ENCDO000AAA",), ("ENCDO000AAA",), ("ENCDO000AAB",)]
    said = [each.reason.partition("; same donor as ")[2] for each in choice.chosen]
    assert said == ["", "ENCSR000AED, kept as another experiment", ""]


@pytest.fixture
def server() -> Iterator[DataServer]:
    library = portal.EncodeLibrary(
        (
            HEART.file(
                "ENCFF000AAP",
                b"plus",
                preferred_default=True,
                mapped_read_length=101,
                audits=(portal.Audit("WARNING", "low depth"), portal.Audit("INTERNAL_ACTION", "note")),
            ),
            HEART.file("ENCFF000AAM", b"minus", output_type=MINUS, omit=("md5sum",)),
        ),
        (HEART,),
    )
    with DataServer(library) as running:
        yield running


@pytest.fixture
def web() -> Iterator[Web]:
    with Web(AT_ONCE) as session:
        yield session


def test_search_reads_the_fields_of_the_portal(server: DataServer, web: Web) -> None:
    minus, plus = search_files(web, server.url(), STRANDED)
    assert plus == file(
        "ENCFF000AAP",
        md5=hashlib.md5(b"plus").hexdigest(),
        size=4,
        preferred=True,
        read_length=101,
        audit=Audit.WARNING,
        date="2021-03-04T10:00:00.000000+00:00",
    )
    assert (minus.md5, minus.read_length, minus.audit) == (None, None, Audit.NONE)
    assert ask_file(web, server.url(), "ENCFF000AAP", "here") == plus


def test_no_hit_is_an_empty_list(server: DataServer, web: Web) -> None:
    assert search_files(web, server.url(), Query.of("biosample_ontology.term_id=CL:0000623", stranded=True)) == []


def test_experiment_reads_what_was_done_to_the_cells(web: Web) -> None:
    replicates = (
        portal.Replicate(1, 1, "000AAA", treatments=("interferon",), subcellular_fraction="nucleus"),
        portal.Replicate(1, 2, "000AAC", modifications=("CRISPR",)),
        portal.Replicate(2, 1, "000AAB", phase="G1"),
    )
    treated = portal.EncodeExperiment(
        accession="ENCSR000NKT",
        perturbed=True,
        replicates=replicates,
        audits=(portal.Audit("NOT_COMPLIANT", "low depth"), portal.Audit("WARNING", "old")),
    )
    with DataServer(portal.EncodeLibrary((), (treated, HEART))) as server:
        assert ask_experiment(web, server.url(), "ENCSR000NKT", "here") == experiment(
            "ENCSR000NKT",
            perturbed=True,
            interventions=("cell-cycle phase G1", "genetically modified", "treated"),
            fractions=("nucleus",),
            donors={1: ("ENCDO000AAA", "ENCDO000AAC"), 2: ("ENCDO000AAB",)},
            audit=Audit.NOT_COMPLIANT,
        )
        assert ask_experiment(web, server.url(), "ENCSR000AED", "here") == experiment(donors={1: ("ENCDO000AAA",)})


def test_unknown_accessions_are_one_line(server: DataServer, web: Web) -> None:
    with pytest.raises(
        InputError, match=r"^sample b1, plus: found ENCFF999ZZZ, which http://127\S+ does not know; exp"
    ):
        ask_file(web, server.url(), "ENCFF999ZZZ", "sample b1, plus")
    with pytest.raises(InputError, match=r"^row: found ENCSR999ZZZ, which http\S+/experiments/ENCSR999ZZZ/\S+ does"):
        ask_experiment(web, server.url(), "ENCSR999ZZZ", "row")


HEALING = [Status(503, times=2), Status(429, retry_after=30, times=2), Status(500), Cut(20), Cut(0, times=2)]


@pytest.mark.parametrize("fault", HEALING, ids=str)
def test_faults_that_pass_are_waited_for(server: DataServer, web: Web, fault: Fault) -> None:
    server.fail("/search/", fault)
    assert len(search_files(web, server.url(), STRANDED)) == 2
    assert len(server.requests) == 1 + (fault.times or 0)


LASTING = [
    (Status(503, times=ALWAYS), "HTTP status 503 Service Unavailable (3 attempts)", 3),
    (Cut(20, times=ALWAYS), "ChunkedEncodingError", 3),
    (Stall(5.0, times=ALWAYS), "(3 attempts)", 3),
    (Forbidden(times=ALWAYS), "HTTP status 403 Forbidden", 1),
    (Status(404, times=ALWAYS), "an HTML page (HTTP status 404 Not Found)", 1),
    (Html(times=ALWAYS), "an HTML page (HTTP status 200 OK)", 1),
    (RedirectLoop(), "more than 4 redirects", 5),
]


@pytest.mark.parametrize(("fault", "found", "requests"), LASTING, ids=[type(bad[0]).__name__ for bad in LASTING])
def test_faults_that_last_are_one_line(server: DataServer, fault: Fault, found: str, requests: int) -> None:
    server.fail("/search/", fault)
    patience = Patience(attempts=3, delay=0.0, longest=0.0, timeout=0.1, redirects=4)
    with Web(patience) as web, pytest.raises(InputError) as caught:
        search_files(web, server.url(), STRANDED)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(STRANDED.url(server.url()))
    assert found in line
    assert line.endswith("; expected a JSON object")
    assert len(server.requests) == requests


BODIES = [
    (b"{'@graph': []}", "no JSON, but b\"{'@graph': []}\""),
    (b"\xff\xfe", "no JSON"),
    (b"[1]", "JSON of another kind: list"),
    (b"{}", "an answer without a list under @graph; expected the answer of an ENCODE search"),
    (b'{"@graph": {}}', "an answer without a list under @graph"),
    (b'{"@graph": [], "total": 7}', "0 of 7 files in the answer"),
    (b'{"@graph": [{"accession": "ENCSR000AED"}]}', "accession is 'ENCSR000AED'; expected ENCODE files"),
    (b'{"@graph": ["x"]}', "accession is None"),
    (b'{"@graph": [{"accession": "ENCFF000AAA", "assembly": 38}]}', "ENCFF000AAA, assembly: found 38; expected str"),
    (b'{"@graph": [{"accession": "ENCFF000AAA", "analyses": [{}]}]}', "analyses: found {}; expected a list of str"),
    (b'{"@graph": [{"accession": "ENCFF000AAA", "date_created": "May"}]}', "date_created: found 'May'"),
]


@pytest.mark.parametrize(("body", "found"), BODIES, ids=[bad[1][:40] for bad in BODIES])
def test_other_answers_are_one_line(web: Web, body: bytes, found: str) -> None:
    with DataServer(files={"/search/": body}) as server, pytest.raises(InputError) as caught:
        search_files(web, server.url(), STRANDED)
    assert "\n" not in str(caught.value)
    assert found in str(caught.value)


def test_a_server_that_is_gone_is_one_line(web: Web) -> None:
    with DataServer() as server:
        url = server.url()
    with pytest.raises(InputError, match=r"^http://127\S+: found ConnectionError: .* \(3 attempts\); expected a JSON"):
        search_files(web, url, STRANDED)


def test_the_base_address_may_have_a_path(web: Web) -> None:
    documents = {"/mirror/v1/search/": {"@graph": [HEART.file("ENCFF000AAP").as_json(portal.Frame.OBJECT)]}}
    with DataServer(files={path: json.dumps(body).encode() for path, body in documents.items()}) as server:
        for slash in ("", "/"):
            assert [each.accession for each in search_files(web, server.url(f"/mirror/v1{slash}"), STRANDED)] == [
                "ENCFF000AAP"
            ]


def test_waits_double_and_honour_retry_after(server: DataServer, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("rnatracks.web.time.sleep", waits.append)
    server.fail("/search/", Status(503, times=3), Status(429, retry_after=17), Status(429, retry_after=3600))
    with Web(Patience(attempts=6, delay=1.0, longest=60.0)) as web:
        search_files(web, server.url(), STRANDED)
    assert all(0.5 * 2**n <= wait <= 1.5 * 2**n for n, wait in enumerate(waits[:3]))
    assert waits[3:] == [17.0, 60.0]

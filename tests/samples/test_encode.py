"""ENCODE: queries, what is read from the portal's answers, and faults of the portal."""

import hashlib
import json
from collections.abc import Iterator
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from portal_files import MINUS, experiment, file
from servers import encode as portal
from servers.faults import ALWAYS, Cut, Fault, Forbidden, Html, RedirectLoop, Stall, Status
from servers.server import DataServer

from rnatracks.downloads.retry import Patience
from rnatracks.downloads.web import Web
from rnatracks.errors import InputError
from rnatracks.samples.encode import Query, ask_experiment, ask_file, complete, search_files
from rnatracks.samples.encode_answers import OUTPUT_TYPES, Alignments, Audit, File, Reads
from rnatracks.vocabulary import Strand

AT_ONCE = Patience(attempts=3, delay=0.0, longest=0.0, timeout=0.5, redirects=4)
GM12878 = "assay_title=total RNA-seq&biosample_ontology.term_id=EFO:0002784"
STRANDED = Query.of(GM12878, stranded=True)
UNSTRANDED = Query.of(GM12878, stranded=False)
HEART = portal.EncodeExperiment(accession="ENCSR000AED", replicates=(portal.Replicate(1, 1, "000AAA"),))


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
        audit=None,
        date="2021-03-04T10:00:00.000000+00:00",
    )
    assert (minus.md5, minus.read_length, minus.audit) == (None, None, None)
    assert ask_file(web, server.url(), "ENCFF000AAP", "here") == plus


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"extra": {"restricted": True}}, {"restricted": True}),
        ({"extra": {"restricted": False, "no_file_available": None}}, {}),
        (
            {"extra": {"no_file_available": True}, "omit": ("s3_uri", "cloud_metadata")},
            {"no_file_available": True, "stored": False},
        ),
        ({"omit": ("restricted", "no_file_available", "cloud_metadata")}, {}),
        ({"omit": ("s3_uri",)}, {}),
    ],
)
def test_what_cannot_be_fetched_is_read(web: Web, fields: dict[str, object], read: dict[str, bool]) -> None:
    library = portal.EncodeLibrary((HEART.file("ENCFF000AAP", **fields),), (HEART,))
    with DataServer(library) as server:
        (found,) = search_files(web, server.url(), STRANDED)
        assert ask_file(web, server.url(), "ENCFF000AAP", "here") == found
    assert {name: getattr(found, name) for name in ("restricted", "no_file_available", "stored")} == {
        "restricted": False,
        "no_file_available": False,
        "stored": True,
    } | read


def test_a_flag_that_is_no_boolean_is_one_line(web: Web) -> None:
    library = portal.EncodeLibrary((HEART.file("ENCFF000AAP", extra={"restricted": "no"}),), (HEART,))
    with (
        DataServer(library) as server,
        pytest.raises(InputError, match="ENCFF000AAP, restricted: found 'no'; expected bool"),
    ):
        ask_file(web, server.url(), "ENCFF000AAP", "here")


def test_no_hit_is_an_empty_list(server: DataServer, web: Web) -> None:
    assert search_files(web, server.url(), Query.of("biosample_ontology.term_id=CL:0000623", stranded=True)) == []


def test_experiment_reads_what_was_done_to_the_cells(web: Web) -> None:
    replicates = (
        portal.Replicate(1, 1, "000AAA", treatments=("interferon",), subcellular_fraction="nucleus"),
        portal.Replicate(1, 2, "000AAC", modifications=("CRISPR",)),
        portal.Replicate(2, 1, "000AAB", phase="G1"),
    )
    silent = portal.EncodeExperiment(accession="ENCSR000AAS", replicates=(), omit=("audit", "perturbed"))
    treated = portal.EncodeExperiment(
        accession="ENCSR000NKT",
        perturbed=True,
        replicates=replicates,
        audits=(portal.Audit("NOT_COMPLIANT", "low depth"), portal.Audit("WARNING", "old")),
    )
    with DataServer(portal.EncodeLibrary((), (treated, HEART, silent))) as server:
        assert ask_experiment(web, server.url(), "ENCSR000NKT", "here") == experiment(
            "ENCSR000NKT",
            perturbed=True,
            interventions=("cell-cycle phase G1", "genetically modified", "treated"),
            fractions=("nucleus",),
            donors={1: ("ENCDO000AAA", "ENCDO000AAC"), 2: ("ENCDO000AAB",)},
            audit=Audit.NOT_COMPLIANT,
        )
        assert ask_experiment(web, server.url(), "ENCSR000AED", "here") == experiment(donors={1: ("ENCDO000AAA",)})
        assert ask_experiment(web, server.url(), "ENCSR000AAS", "here") == experiment(
            "ENCSR000AAS", donors={}, audit=None, perturbed=None
        )


def bam(accession: str, replicate: int, length: int, **fields: object) -> portal.EncodeFile:
    """Alignments of one replicate."""
    of_replicate = {"biological_replicates": (replicate,), "technical_replicates": (f"{replicate}_1",)}
    return TWICE.file(
        accession,
        file_format="bam",
        **({"output_type": "alignments", "mapped_read_length": length} | of_replicate | fields),
    )


TWICE = portal.EncodeExperiment(
    accession="ENCSR000AED",
    replicates=(portal.Replicate(1, 1, "000AAA"), portal.Replicate(2, 1, "000AAB")),
    audits=(portal.Audit("WARNING", "low depth"),),
)
OTHER_ANALYSIS = (portal.Analysis("ENCAN000BBB"),)
BARE = portal.EncodeLibrary(
    (
        TWICE.file("ENCFF000AAP", audits=(portal.Audit("INTERNAL_ACTION", "note"),)),
        TWICE.file(
            "ENCFF000AAM", output_type=MINUS, audits=(portal.Audit("NOT_COMPLIANT", "a"), portal.Audit("WARNING", "b"))
        ),
        TWICE.file("ENCFF000ABP", biological_replicates=(1,)),
        TWICE.file("ENCFF000ABM", biological_replicates=(2,)),
        bam("ENCFF000AAR", 1, 101),
        bam("ENCFF000AAS", 2, 76, audits=(portal.Audit("WARNING", "c"),)),
        bam("ENCFF000AAT", 1, 36, analyses=OTHER_ANALYSIS, audits=(portal.Audit("ERROR", "d"),)),
        bam("ENCFF000AAU", 1, 25, output_type="transcriptome alignments"),
    ),
    (TWICE,),
)


def test_audits_and_read_lengths_come_from_the_page_of_the_experiment(web: Web) -> None:
    with DataServer(BARE) as server:
        found = {each.accession: each for each in search_files(web, server.url(), STRANDED)}
        known = ask_experiment(web, server.url(), "ENCSR000AED", "here")
    assert all(each.audit is None and each.read_length is None for each in found.values())
    assert (known.audit, known.file_audits["ENCFF000AAM"]) == (Audit.WARNING, Audit.NOT_COMPLIANT)
    assert known.alignments[0] == Alignments("ENCFF000AAR", (1,), ("/analyses/ENCAN000AAA/",), 101)
    told = [complete(each, known) for each in found.values()]
    assert {each.accession: (each.audit, each.read_length) for each in told} == {
        "ENCFF000AAP": (Audit.WARNING, 76),  # of one of the alignments that it counts
        "ENCFF000AAM": (Audit.NOT_COMPLIANT, 76),
        "ENCFF000ABP": (Audit.NONE, 101),
        "ENCFF000ABM": (Audit.WARNING, 76),
    }


def test_links_may_be_paths_or_objects(web: Web) -> None:
    whole = HEART.file("ENCFF000AAP").as_json(portal.Frame.EMBEDDED)
    assert isinstance(whole["analyses"][0], dict)
    with DataServer(files={"/files/ENCFF000AAP/": json.dumps(whole).encode()}) as server:
        assert ask_file(web, server.url(), "ENCFF000AAP", "here").analyses == ("/analyses/ENCAN000AAA/",)


def test_a_page_without_an_audit_or_alignments_tells_nothing_of_a_file() -> None:
    bare: File = file("ENCFF000AAP", audit=None, read_length=None)
    assert complete(bare, experiment(audit=None)) == bare
    assert complete(bare, experiment()).audit is Audit.NONE
    stated = file("ENCFF000AAP", audit=Audit.WARNING, read_length=75)
    assert complete(stated, experiment(audit=None, alignments=(Alignments("x", (1,), stated.analyses, 36),))) == stated


def test_unknown_accessions_are_one_line(server: DataServer, web: Web) -> None:
    with pytest.raises(
        InputError, match=r"^sample b1, plus: found ENCFF999ZZZ, which does not exist at http://127\S+; exp"
    ):
        ask_file(web, server.url(), "ENCFF999ZZZ", "sample b1, plus")
    with pytest.raises(
        InputError,
        match=r"^row: found ENCSR999ZZZ, which does not exist at http\S+/experiments/ENCSR999ZZZ/\S+; expected",
    ):
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
    (b"{'@graph': []}", "b\"{'@graph': []}\", which is not JSON"),
    (b"\xff\xfe", "which is not JSON"),
    (b"[1]", "JSON of another type: list"),
    (b"{}", "a response without a list under @graph; expected the response to an ENCODE search"),
    (b'{"@graph": {}}', "a response without a list under @graph"),
    (b'{"@graph": [], "total": 7}', "0 of 7 files in the response"),
    (b'{"@graph": [{"accession": "ENCSR000AED"}]}', "accession is 'ENCSR000AED'; expected ENCODE files"),
    (b'{"@graph": ["x"]}', "accession is None"),
    (b'{"@graph": [{"accession": "ENCFF000AAA", "assembly": 38}]}', "ENCFF000AAA, assembly: found 38; expected str"),
    (
        b'{"@graph": [{"accession": "ENCFF000AAA", "analyses": [3]}]}',
        "analyses: found 3; expected a list of dict | str",
    ),
    (
        b'{"@graph": [{"accession": "ENCFF000AAA", "technical_replicates": [{}]}]}',
        "technical_replicates: found {}; expected a list of str",
    ),
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
    monkeypatch.setattr("urllib3.util.retry.time.sleep", waits.append)
    server.fail("/search/", Status(503, times=3), Status(429, retry_after=17), Status(429, retry_after=3600))
    with Web(Patience(attempts=6, delay=1.0, longest=60.0)) as web:
        search_files(web, server.url(), STRANDED)
    assert [int(wait) for wait in waits[:2]] == [2, 4], (
        "none before the second attempt, then doubled with a random part"
    )
    assert waits[2:] == [17.0, 60.0]

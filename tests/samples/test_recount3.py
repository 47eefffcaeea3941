"""recount3: addresses, metadata, and tables that are not what they should be."""

import gzip
from collections.abc import Iterator

import pytest
import requests
from servers.faults import ALWAYS, Cut, Fault, Forbidden, Html, Status
from servers.recount3 import GtexSample, gzipped_table, metadata_path, recount3_files
from servers.server import DataServer

from rnatracks.downloads.retry import Patience
from rnatracks.downloads.web import Web
from rnatracks.errors import InputError
from rnatracks.samples import recount3
from rnatracks.samples.recount3 import Tissue, metadata_url, of_tissue, project_samples, signal_url

FIRST = GtexSample(content=b"first")
LOWER = GtexSample(external_id="GTEX-ABCD-0003-SM-5ghz7.1", content=b"second", average_mapped_length=99.5)
LINE = GtexSample(external_id="K-562-SM-2AXTE.1", tissue="BONE_MARROW", content=b"line")
AT_ONCE = Patience(attempts=2, delay=0.0, longest=0.0, timeout=0.5, redirects=4)


@pytest.fixture
def web() -> Iterator[Web]:
    with Web(AT_ONCE) as session:
        yield session


def test_samples_of_a_tissue_and_their_files(web: Web) -> None:
    with DataServer(files=recount3_files([LOWER, FIRST, LINE])) as server:
        base = server.url("/recount3")
        first, lower = project_samples(web, base, "BLOOD")
        (line,) = project_samples(web, f"{base}/", "BONE_MARROW")
        assert [requests.get(each.url, timeout=5).content for each in (first, lower, line)] == [
            b"first",
            b"second",
            b"line",
        ]
    assert first == recount3.GtexSample(FIRST.external_id, first.url, "GTEX-1117F", "Whole Blood", 150.4, None)
    assert lower.mapped_length == 99.5
    assert [each.donor for each in (lower, line)] == ["GTEX-ABCD", "K-562"]


def test_addresses() -> None:
    base = "http://duffel.rail.bio/recount3"
    assert signal_url(base, "BLOOD", FIRST.external_id) == f"http://duffel.rail.bio{FIRST.path}"
    for table in ("gtex", "recount_project", "recount_qc"):
        assert metadata_url(base, "BLOOD", table) == f"http://duffel.rail.bio{metadata_path(table, 'BLOOD')}"


def tables(
    length: str = "150",
    project: str = "BLOOD",
    column: str = "star.average_mapped_length",
    detail: dict[str, str] | None = None,
) -> dict[str, bytes]:
    """Metadata of one sample."""
    keys = {"external_id": FIRST.external_id}
    return {
        metadata_path("recount_qc", "BLOOD"): gzipped_table([{**keys, column: length}]),
        metadata_path("recount_project", "BLOOD"): gzipped_table([{**keys, "project": project, "file_source": "gtex"}]),
        metadata_path("gtex", "BLOOD"): gzipped_table([{**keys, **(detail or {"SMTSD": "Whole Blood"})}]),
    }


def test_the_name_of_the_table_may_stand_before_a_column(web: Web) -> None:
    with DataServer(files=tables(column="recount_qc.star.average_mapped_length")) as server:
        assert project_samples(web, server.url("/recount3"), "BLOOD")[0].mapped_length == 150


@pytest.mark.parametrize("column", ["SMTSD", "gtex.SMTSD", "gtex.smtsd"])
def test_the_tissue_of_a_sample(web: Web, column: str) -> None:
    odd = {column: "Whole Blood", "SMPTHNTS": 'free text\x0b\u2028 with\rodd \x1cbreaks and a quote "'}
    with DataServer(files=tables(detail=odd)) as server:
        assert project_samples(web, server.url("/recount3"), "BLOOD")[0].detail == "Whole Blood"


def test_a_tissue_is_read_and_written() -> None:
    assert Tissue.of("BLOOD: Whole Blood") == Tissue("BLOOD", "Whole Blood")
    assert [str(Tissue.of(text)) for text in ("BLOOD:Whole Blood", "LIVER")] == ["BLOOD:Whole Blood", "LIVER"]


CULTURED = "Cells - EBV-transformed lymphocytes"


def sample(name: str, detail: str, fault: str | None = None) -> recount3.GtexSample:
    return recount3.GtexSample(name, "url", "donor", detail, 150.0, fault)


MIXED = [sample("a", "Whole Blood"), sample("b", CULTURED), sample("c", ""), sample("d", "Spleen", "lost")]


def test_samples_of_other_tissues_get_a_fault() -> None:
    assert [each.fault for each in of_tissue(MIXED, Tissue("BLOOD", "Whole Blood"), "here")] == [
        None,
        f"its tissue is {CULTURED}, not Whole Blood",
        "the gtex table does not state its tissue (SMTSD)",
        "lost",
    ]
    pure = [each for each in MIXED if each.detail != CULTURED]
    assert [each.fault is None for each in of_tissue(pure, Tissue("BLOOD"), "here")] == [True, False, False]


@pytest.mark.parametrize(
    ("tissue", "line"),
    [
        (
            Tissue("BLOOD"),
            f"here: found 2 tissues (SMTSD) in BLOOD: {CULTURED}, Whole Blood; expected one of them, "
            f"such as BLOOD:{CULTURED}",
        ),
        (
            Tissue("BLOOD", "Lung"),
            f"here: found 'Lung'; expected a tissue (SMTSD) of BLOOD: {CULTURED}, Whole Blood",
        ),
    ],
)
def test_a_project_of_several_tissues_needs_one(tissue: Tissue, line: str) -> None:
    with pytest.raises(InputError) as caught:
        of_tissue(MIXED, tissue, "here")
    assert str(caught.value) == line


def test_tables_may_come_unpacked(web: Web) -> None:
    with DataServer(files={path: gzip.decompress(table) for path, table in tables().items()}) as server:
        assert project_samples(web, server.url("/recount3"), "BLOOD")[0].fault is None


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"length": ""}, "recount_qc has no mapped length for it"),
        ({"length": "NA"}, "recount_qc has no mapped length for it"),
        ({"length": "0"}, "recount_qc has no mapped length for it"),
        ({"project": "LUNG"}, "its bigWig is in project 'LUNG' of 'gtex', not in BLOOD of gtex"),
    ],
)
def test_samples_that_cannot_be_used(web: Web, changed: dict[str, str], fault: str) -> None:
    with DataServer(files=tables(**changed)) as server:
        assert [each.fault for each in project_samples(web, server.url("/recount3"), "BLOOD")] == [fault]


QC = metadata_path("recount_qc", "BLOOD")
BAD_TABLES = [
    (b"", "no column 'external_id'"),
    (gzipped_table([{"external_id": "a"}]), "no column 'star.average_mapped_length'"),
    (gzipped_table([{"external_id": "a", "star.average_mapped_length": "long"}]), "'long'; expected a number"),
    (b"external_id\tstar.average_mapped_length\na\n", "line 2: found 1 cells; expected 2, as in the header"),
    (gzip.compress(b"external_id")[:-4], "a damaged file"),
    (b"\xff\xfe", "a damaged file"),
]


@pytest.mark.parametrize(("table", "found"), BAD_TABLES, ids=[bad[1][:30] for bad in BAD_TABLES])
def test_a_bad_table_is_one_line(web: Web, table: bytes, found: str) -> None:
    with DataServer(files=tables() | {QC: table}) as server, pytest.raises(InputError) as caught:
        project_samples(web, server.url("/recount3"), "BLOOD")
    assert str(caught.value).startswith(server.url(QC))
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Html(times=ALWAYS), "an HTML page"),
        (Forbidden(times=ALWAYS), "HTTP status 403"),
        (Status(404, times=ALWAYS), "HTTP status 404"),
        (Cut(30, times=ALWAYS), "(2 attempts)"),
    ],
    ids=str,
)
def test_faults_of_the_server_are_one_line(web: Web, fault: Fault, found: str) -> None:
    with DataServer(files=tables()) as server, pytest.raises(InputError) as caught:
        server.fail(QC, fault)
        project_samples(web, server.url("/recount3"), "BLOOD")
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("faults", "found"),
    [
        ((), None),
        ((Status(404),), "HTTP status 404 Not Found"),
        ((Status(410),), "HTTP status 410 Gone"),
        ((Forbidden(times=2),), "HTTP status 403 Forbidden"),
        ((Forbidden(),), None),  # to HEAD alone, as a signed address may
        ((Status(503), Status(404)), "HTTP status 404 Not Found"),
        ((Status(503),), None),
        ((Status(405),), None),
        ((Status(501),), None),
        ((Status(405), Status(404)), "HTTP status 404 Not Found"),
    ],
    ids=str,
)
def test_a_file_that_is_refused_is_seen_without_fetching_it(
    web: Web, faults: tuple[Fault, ...], found: str | None
) -> None:
    with DataServer(files=recount3_files([FIRST])) as server:
        server.fail(FIRST.path, *faults)
        assert web.refusal(server.url(FIRST.path)) == found
        assert server.requests[0].method == "HEAD"
        asked_for_byte = [request.sent for request in server.requests if request.status in (200, 206)]
        assert sum(asked_for_byte) <= 1


def test_a_file_of_a_server_that_always_falters_is_one_line(web: Web) -> None:
    with DataServer(files=recount3_files([FIRST])) as server:
        server.fail(FIRST.path, Status(503, times=ALWAYS))
        with pytest.raises(InputError, match=r"found HTTP status 503 Service Unavailable \(2 attempts\)"):
            web.refusal(server.url(FIRST.path))


def test_a_sample_id_that_cannot_be_a_file_name_is_refused(web: Web) -> None:
    bad = metadata_path("recount_project", "BLOOD")
    table = gzipped_table([{"external_id": "../a", "project": "BLOOD", "file_source": "gtex"}])
    with DataServer(files=tables() | {bad: table}) as server, pytest.raises(InputError, match="external_id '../a'"):
        project_samples(web, server.url("/recount3"), "BLOOD")

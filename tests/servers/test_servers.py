"""The test server itself: every route, every fault, and its counts, seen by `requests`, `http.client` and sockets."""

import gzip
import hashlib
import http.client
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from servers.encode import Analysis, Audit, Biosample, EncodeExperiment, EncodeFile, EncodeLibrary, Frame, Replicate
from servers.faults import (
    ALWAYS,
    Changed,
    Cut,
    Fault,
    Forbidden,
    GzipEncoding,
    Html,
    IgnoreRange,
    RedirectLoop,
    Slow,
    Stall,
    Status,
    WrongBytes,
    WrongLength,
)
from servers.recount3 import GtexSample, metadata_path, recount3_files
from servers.server import GENCODE, UCSC, DataServer, with_checksums

BODY = bytes(range(256)) * 1000
NK = Biosample("CL:0000623", "natural killer cell", "primary cell")
SEQUENCED = EncodeExperiment(accession="ENCSR000AED", replicates=(Replicate(1, 1, "000AAA"), Replicate(2, 1, "000AAB")))
TREATED = EncodeExperiment(
    accession="ENCSR000NKT",
    assay_title="polyA plus RNA-seq",
    biosample=NK,
    perturbed=True,
    replicates=(Replicate(treatments=("interleukin-2",), life_stage="embryonic"),),
    analyses=(Analysis("ENCAN000NKT", pipeline_version="1.2.3"),),
    audits=(Audit("NOT_COMPLIANT", "insufficient read depth"), Audit("ERROR", "missing donor")),
)
PLUS = SEQUENCED.file("ENCFF000AAP", BODY, preferred_default=True, mapped_read_length=101)
MINUS = SEQUENCED.file(
    "ENCFF000AAM", b"minus", output_type="minus strand signal of unique reads", mapped_read_length=36
)
OLD = TREATED.file(
    "ENCFF000NKO",
    b"old",
    output_type="signal of unique reads",
    assembly="hg19",
    status="archived",
    date_created="2015-01-01T00:00:00.000000+00:00",
)
PORTAL = EncodeLibrary((OLD, PLUS, MINUS), (SEQUENCED, TREATED))
LIBRARIES = (GtexSample(content=b"blood"), GtexSample(external_id="GTEX-ABCD-0003-SM-5ghz7.1", tissue="LUNG"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    files = {
        "/file": BODY,
        "/empty": b"",
        "/folder/a": BODY,
        "/folder/b": BODY,
        **recount3_files(LIBRARIES),
        **with_checksums(UCSC, {"hg38.fa.gz": b"genome"}, "md5sum.txt"),
        **with_checksums(GENCODE, {"gencode.v46.annotation.gtf.gz": b"genes"}, "MD5SUMS"),
    }
    with DataServer(PORTAL, files) as running:
        yield running


def get(server: DataServer, path: str, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(server.url(path), headers=named, timeout=5)


def search(server: DataServer, query: str) -> tuple[int, dict]:
    response = get(server, f"/search/?{query}", Accept="application/json")
    return response.status_code, response.json()


def check_found(server: DataServer, query: str, *accessions: str) -> None:
    status, document = search(server, f"{query}&frame=object&limit=all")
    assert sorted(hit["accession"] for hit in document["@graph"]) == sorted(accessions)
    assert document["total"] == len(accessions)
    assert (status, document["notification"]) == ((200, "Success") if accessions else (404, "No results found"))
    assert document["@id"] == f"/search/?{query}&frame=object&limit=all"


@pytest.mark.parametrize(
    ("query", "accessions"),
    [
        ("type=File", ["ENCFF000AAP", "ENCFF000AAM", "ENCFF000NKO"]),
        ("type=Experiment", ["ENCSR000AED", "ENCSR000NKT"]),
        ("type!=File", ["ENCSR000AED", "ENCSR000NKT"]),
        ("type=File&biosample_ontology.term_id=EFO:0002784", ["ENCFF000AAP", "ENCFF000AAM"]),
        ("type=File&biosample_ontology.term_name=natural+killer%20cell", ["ENCFF000NKO"]),
        ("type=File&assembly=GRCh38&assembly=hg19", ["ENCFF000AAP", "ENCFF000AAM", "ENCFF000NKO"]),
        ("type=File&assembly=GRCh38&output_type=signal+of+unique+reads", []),
        ("type=File&status!=archived", ["ENCFF000AAP", "ENCFF000AAM"]),
        ("type=File&accession!=ENCFF000AAP&accession!=ENCFF000AAM", ["ENCFF000NKO"]),
        ("type=File&preferred_default=true", ["ENCFF000AAP"]),
        ("type=File&preferred_default!=*", ["ENCFF000AAM", "ENCFF000NKO"]),
        ("type=File&mapped_read_length=gte:50", ["ENCFF000AAP"]),
        ("type=File&mapped_read_length=lt:101", ["ENCFF000AAM"]),
        ("type=File&date_created=gte:2020-01-01", ["ENCFF000AAP", "ENCFF000AAM"]),
        ("type=File&dataset=/experiments/ENCSR000AED/", ["ENCFF000AAP", "ENCFF000AAM"]),
        ("type=File&biological_replicates=2", ["ENCFF000AAP", "ENCFF000AAM"]),
        ("type=File&analyses.pipeline_version=1.2.3", ["ENCFF000NKO"]),
        ("type=Experiment&perturbed=false", ["ENCSR000AED"]),
        ("type=Experiment&replicates.library.biosample.life_stage=embryonic", ["ENCSR000NKT"]),
        ("type=Experiment&replicates.library.biosample.treatments.treatment_term_name!=*", ["ENCSR000AED"]),
        ("type=Experiment&audit.ERROR.category=missing+donor", ["ENCSR000NKT"]),
        ("type=Experiment&audit.ERROR.category!=*", ["ENCSR000AED"]),
        ("type=File&no_such_field=1", []),
    ],
)
def test_a_search_filters(server: DataServer, query: str, accessions: list[str]) -> None:
    check_found(server, query, *accessions)


def test_a_search_without_hits_is_a_404_with_a_document(server: DataServer) -> None:
    status, document = search(server, "type=File&assembly=mm10&format=json")
    assert (status, document["@graph"], document["total"]) == (404, [], 0)


def test_limits_of_a_search(server: DataServer) -> None:
    _, document = search(server, "type=File&limit=1&frame=object")
    assert (len(document["@graph"]), document["total"]) == (1, 3)
    many = EncodeLibrary(tuple(EncodeFile(accession=f"ENCFF{number:03}AAA") for number in range(30)))
    assert len(many.search([("type", "File")], "/search/")[1]["@graph"]) == 25
    assert len(many.search([("limit", "all")], "/search/")[1]["@graph"]) == 30


def test_the_newest_hit_comes_first(server: DataServer) -> None:
    _, document = search(server, "type=File&frame=object")
    assert document["@graph"][-1]["accession"] == "ENCFF000NKO"


@pytest.mark.parametrize("query", ["type=File&limit=many", "type=File&frame=raw", "type=File&searchTerm=NK"])
def test_what_a_search_does_not_know_is_refused(server: DataServer, query: str) -> None:
    assert search(server, query)[0] == 400


def test_frames_of_a_file(server: DataServer) -> None:
    linked = get(server, "/files/ENCFF000AAP/?format=json&frame=object").json()
    whole = get(server, "/files/ENCFF000AAP?format=json").json()
    assert linked["biosample_ontology"] == "/biosample-types/cell_line_EFO_0002784/"
    assert whole["biosample_ontology"]["term_name"] == "GM12878"
    assert linked["analyses"] == ["/analyses/ENCAN000AAA/"]
    assert whole["analyses"][0]["title"] == "ENCODE4 v1.2.1 GRCh38 V29"
    for document in (linked, whole):
        assert document["@type"] == ["File", "Item"]
        assert document["md5sum"] == hashlib.md5(BODY).hexdigest()
        assert document["file_size"] == len(BODY)
        assert document["dataset"] == "/experiments/ENCSR000AED/"
        assert document["technical_replicates"] == ["1_1", "2_1"]
        assert document["href"] == "/files/ENCFF000AAP/@@download/ENCFF000AAP.bigWig"
        assert document["s3_uri"].startswith("s3://encode-public/2021/03/04/")
        assert requests.get(document["cloud_metadata"]["url"], timeout=5).content == BODY
    assert "preferred_default" not in get(server, "/files/ENCFF000AAM/?format=json").json()


def test_a_search_without_a_frame_has_fewer_fields(server: DataServer) -> None:
    hit = search(server, "type=File&accession=ENCFF000AAP")[1]["@graph"][0]
    assert hit["biosample_ontology"]["term_id"] == "EFO:0002784"
    assert "md5sum" not in hit


def test_frames_of_an_experiment(server: DataServer) -> None:
    linked = get(server, "/experiments/ENCSR000NKT/?format=json&frame=object").json()
    whole = get(server, "/experiments/ENCSR000NKT/", Accept="application/json").json()
    assert whole["replicates"][0]["library"]["biosample"]["treatments"] == [{"treatment_term_name": "interleukin-2"}]
    assert linked["replicates"][0] == whole["replicates"][0]["@id"]
    assert linked["files"] == [whole["files"][0]["@id"]] == ["/files/ENCFF000NKO/"]
    assert whole["perturbed"] is True
    assert whole["audit"]["NOT_COMPLIANT"][0]["category"] == "insufficient read depth"
    assert set(whole["audit"]) == {"NOT_COMPLIANT", "ERROR"}


def test_fields_can_be_changed_and_left_out() -> None:
    document = PLUS.as_json(Frame.OBJECT)
    odd = SEQUENCED.file("ENCFF000AAP", BODY, extra={"file_size": 1}, omit=("md5sum",)).as_json(Frame.OBJECT)
    assert odd["file_size"] == 1
    assert document.keys() - odd.keys() == {"md5sum", "preferred_default", "mapped_read_length"}


def test_an_unknown_accession_is_a_404_with_a_document(server: DataServer) -> None:
    response = get(server, "/files/ENCFF999ZZZ/?format=json")
    assert (response.status_code, response.json()["title"]) == (404, "Not Found")


@pytest.mark.parametrize("path", ["/search/?type=File", "/files/ENCFF000AAP/", "/experiments/ENCSR000AED/"])
def test_a_browser_gets_a_page(server: DataServer, path: str) -> None:
    response = get(server, path)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")


def test_a_download_is_redirected(server: DataServer) -> None:
    for path in (PLUS.href, PLUS.href.replace("@@", "%40%40")):
        first = requests.get(server.url(path), allow_redirects=False, timeout=5)
        assert first.status_code == 307
        assert first.headers["Location"].startswith(server.url(PLUS.stored))
        response = get(server, path, Range="bytes=3-7")
        assert (response.status_code, response.content) == (206, BODY[3:8])
    blacklist = EncodeFile(accession="ENCFF356LFX", file_format="bed", output_type="exclusion list regions")
    assert blacklist.href.endswith("/ENCFF356LFX.bed.gz")


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("bytes=0-0", 0, 1), ("bytes=10-", 10, 256_000), ("bytes=-5", 255_995, 256_000), ("bytes=9-999999", 9, 256_000)],
)
def test_ranges(server: DataServer, wanted: str, start: int, end: int) -> None:
    response = get(server, "/file", Range=wanted)
    assert (response.status_code, response.content) == (206, BODY[start:end])
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/256000"
    assert response.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("wanted", ["bytes=5-2", "bytes=-", "bytes=0-1,4-5", "lines=1-2"])
def test_ranges_that_mean_nothing_are_ignored(server: DataServer, wanted: str) -> None:
    response = get(server, "/file", Range=wanted)
    assert (response.status_code, response.content) == (200, BODY)


@pytest.mark.parametrize(("path", "size"), [("/file", 256_000), ("/empty", 0)])
def test_a_range_past_the_end_is_refused(server: DataServer, path: str, size: int) -> None:
    response = get(server, path, Range=f"bytes={size}-")
    assert (response.status_code, response.headers["Content-Range"]) == (416, f"bytes */{size}")


def test_a_range_of_what_was_replaced_is_the_whole(server: DataServer) -> None:
    whole = get(server, "/file")
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert get(server, "/file", Range="bytes=9-", If_Range=whole.headers["ETag"]).status_code == 206
    assert get(server, "/file", Range="bytes=9-", If_Range='"other"').status_code == 200


def test_head_and_missing(server: DataServer) -> None:
    response = requests.head(server.url("/file"), timeout=5)
    assert (response.headers["Content-Length"], response.content) == ("256000", b"")
    assert get(server, "/nowhere").status_code == 404
    head, missing = server.requests
    assert (head.method, head.path, head.status, head.sent) == ("HEAD", "/file", 200, 0)
    assert (missing.method, missing.status) == ("GET", 404)


def test_recount3_files(server: DataServer) -> None:
    folder = "/recount3/human/data_sources/gtex"
    name = f"{folder}/base_sums/OD/BLOOD/Z7/gtex.base_sums.BLOOD_GTEX-1117F-0226-SM-5GZZ7.1.ALL.bw"
    assert get(server, name).content == b"blood"
    assert LIBRARIES[1].path.startswith(f"{folder}/base_sums/NG/LUNG/Z7/")
    assert metadata_path("recount_qc", "LUNG") == f"{folder}/metadata/NG/LUNG/gtex.recount_qc.LUNG.MD.gz"
    for table in ("gtex", "recount_project", "recount_qc"):
        lines = gzip.decompress(get(server, metadata_path(table, "BLOOD")).content).decode().splitlines()
        header, row = (line.split("\t") for line in lines)
        assert dict(zip(header, row, strict=True))["external_id"] == "GTEX-1117F-0226-SM-5GZZ7.1"
    assert "star.average_mapped_length" in header
    projects = gzip.decompress(get(server, f"{folder}/metadata/gtex.recount_project.MD.gz").content)
    assert len(projects.splitlines()) == 3


@pytest.mark.parametrize(
    ("folder", "listing", "name"),
    [(UCSC, "md5sum.txt", "hg38.fa.gz"), (GENCODE, "MD5SUMS", "gencode.v46.annotation.gtf.gz")],
)
def test_checksums_lie_beside_the_files(server: DataServer, folder: str, listing: str, name: str) -> None:
    md5, listed = get(server, f"{folder}/{listing}").text.split()
    assert listed == name
    assert md5 == hashlib.md5(get(server, f"{folder}/{name}").content).hexdigest()


def test_a_status_lasts_as_long_as_told(server: DataServer) -> None:
    server.fail("/file", Status(503, times=2, retry_after=7), Status(500))
    answers = [get(server, "/file") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 500, 200]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["7", "7", None, None]
    assert [request.status for request in server.requests] == [503, 503, 500, 200]


def test_faults_of_prefixes_come_after_those_of_paths(server: DataServer) -> None:
    server.fail("/folder/*", Status(500, times=ALWAYS))
    server.fail("/folder/a", Status(503))
    assert [get(server, path).status_code for path in ("/folder/b", "/folder/a", "/folder/a")] == [500, 503, 500]
    assert get(server, "/file").status_code == 200
    server.heal()
    assert get(server, "/folder/a").status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "kind"), [(Forbidden(), 403, "application/xml"), (Html(), 200, "text/html; charset=utf-8")]
)
@pytest.mark.parametrize("path", ["/file", "/search/?type=File&format=json"])
def test_pages_instead(server: DataServer, path: str, fault: Fault, status: int, kind: str) -> None:
    server.fail(path.partition("?")[0], fault)
    response = get(server, path)
    assert (response.status_code, response.headers["Content-Type"]) == (status, kind)
    assert response.content.startswith(b"<")


def test_a_redirect_that_loops(server: DataServer) -> None:
    server.fail("/file", RedirectLoop())
    with pytest.raises(requests.TooManyRedirects):
        get(server, "/file")


def test_a_cut_body_and_the_rest(server: DataServer) -> None:
    server.fail("/file", Cut(1000), Cut(500))
    received = b""
    for expected in (1000, 1500):
        client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
        client.request("GET", "/file", headers={"Range": f"bytes={len(received)}-"})
        with pytest.raises(http.client.IncompleteRead) as cut:
            client.getresponse().read()
        client.close()
        received += cut.value.partial
        assert received == BODY[:expected]
    received += get(server, "/file", Range=f"bytes={len(received)}-").content
    assert received == BODY
    assert [request.range for request in server.requests] == ["bytes=0-", "bytes=1000-", "bytes=1500-"]
    assert [request.sent for request in server.requests] == [1000, 500, len(BODY) - 1500]
    assert server.bytes_sent("/file") == len(BODY)


def test_a_plain_socket_sees_the_cut(server: DataServer) -> None:
    server.fail("/file", Cut(10))
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as client:
        client.sendall(b"GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(1 << 16), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"Content-Length: 256000" in head
    assert body == BODY[:10]


def test_wrong_bytes_have_the_right_length(server: DataServer) -> None:
    server.fail("/file", WrongBytes())
    wrong, right = get(server, "/file"), get(server, "/file")
    assert right.content == BODY
    assert wrong.content != BODY
    assert wrong.headers["Content-Length"] == right.headers["Content-Length"] == str(len(wrong.content))
    assert wrong.headers["ETag"] == right.headers["ETag"]


def test_a_wrong_length(server: DataServer) -> None:
    server.fail("/file", WrongLength(10), WrongLength(-10))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(server, "/file")
    assert get(server, "/file").content == BODY[:-10]


def test_a_range_that_is_ignored(server: DataServer) -> None:
    server.fail("/file", IgnoreRange())
    response = get(server, "/file", Range="bytes=5-")
    assert (response.status_code, response.content) == (200, BODY)
    assert "Content-Range" not in response.headers


def test_a_gzipped_body(server: DataServer) -> None:
    server.fail("/file", GzipEncoding(times=2))
    assert get(server, "/file", Accept_Encoding="identity").content == BODY
    raw = requests.get(server.url("/file"), stream=True, timeout=5)
    assert raw.headers["Content-Encoding"] == "gzip"
    sent = raw.raw.read(decode_content=False)
    assert gzip.decompress(sent) == BODY
    assert int(raw.headers["Content-Length"]) == len(sent) < len(BODY)


def test_a_file_that_changes(server: DataServer) -> None:
    server.fail("/file", Changed())
    first, second, third = (get(server, "/file") for _ in range(3))
    assert first.content == BODY
    assert second.content == third.content != BODY
    assert second.headers["ETag"] == third.headers["ETag"] != first.headers["ETag"]
    assert second.headers["Last-Modified"] != first.headers["Last-Modified"]
    assert get(server, "/file", Range="bytes=5-", If_Range=first.headers["ETag"]).status_code == 200


def test_a_stall_is_a_timeout(server: DataServer) -> None:
    server.fail("/file", Stall(5, after_bytes=100), Stall(0.05))
    response = requests.get(server.url("/file"), stream=True, timeout=0.1)
    assert response.raw.read(100) == BODY[:100]
    with pytest.raises(requests.exceptions.ConnectionError, match="timed out"):
        next(response.iter_content(100))
    started = time.monotonic()
    assert get(server, "/file").content == BODY
    assert time.monotonic() - started >= 0.05


def test_a_slow_body(server: DataServer) -> None:
    server.add({"/short": BODY[:1000]})
    server.fail("/short", Slow(10_000))
    started = time.monotonic()
    assert get(server, "/short").content == BODY[:1000]
    assert time.monotonic() - started >= 0.1


def test_downloads_at_once_are_counted(server: DataServer) -> None:
    for _ in range(20):
        get(server, "/file")
        get(server, "/search/?type=File")
    assert server.most_at_once == 1
    server.add({"/short": BODY[:1000]})
    server.fail("/short", Slow(5_000, times=ALWAYS))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: get(server, "/short"), range(3)))
    assert server.most_at_once == 3


def test_many_clients_are_all_counted(server: DataServer) -> None:
    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(lambda _: get(server, "/file").content, range(40)))
    assert bodies == [BODY] * 40
    assert server.bytes_sent("/file") == 40 * len(BODY)
    assert [request.sent for request in server.requests] == [len(BODY)] * 40


def test_the_server_stops_at_once_and_answers_no_more() -> None:
    with requests.Session() as session, ThreadPoolExecutor(1) as pool:
        session.trust_env = False
        with DataServer(files={"/file": BODY}) as server:
            server.fail("/file", Stall(60))
            waiting = pool.submit(session.get, server.url("/file"), timeout=5)
            while not server.requests:
                time.sleep(0.005)
            kept = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
            kept.request("GET", "/nowhere")
            kept.getresponse().read()
            stopped = time.monotonic()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            waiting.result()
        assert time.monotonic() - stopped < 4
        kept.request("GET", "/nowhere")
        with pytest.raises(http.client.RemoteDisconnected):
            kept.getresponse()
        kept.close()
        with pytest.raises(requests.ConnectionError):
            session.get(server.url("/file"), timeout=5)

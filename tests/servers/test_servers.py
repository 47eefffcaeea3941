"""The test server itself: every route, every fault, and its counts, seen by `requests`, `http.client` and sockets."""

import gzip
import hashlib
import http.client
import time
from collections.abc import Iterator

import pytest
import requests

from servers.encode import Analysis, Audit, Biosample, EncodeExperiment, EncodeFile, EncodeLibrary, Replicate
from servers.faults import (
    Changed,
    Cut,
    Stall,
    Status,
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


def test_a_status_lasts_as_long_as_told(server: DataServer) -> None:
    server.fail("/file", Status(503, times=2, retry_after=7), Status(500))
    answers = [get(server, "/file") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [503, 503, 500, 200]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["7", "7", None, None]
    assert [request.status for request in server.requests] == [503, 503, 500, 200]


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

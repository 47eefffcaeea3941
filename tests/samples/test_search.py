"""Samples of a cell type: listed rows, queries, what is refused, and the sheet that is written."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import requests
from servers import encode as portal
from servers.faults import ALWAYS, Forbidden, Status
from servers.recount3 import GtexSample, recount3_files
from servers.server import DataServer

from rnatracks.config.data import SourceSettings
from rnatracks.downloads.retry import Patience
from rnatracks.errors import InputError
from rnatracks.samples.sample import CellType, Rejected, Sample, SampleNotes, SignalFile
from rnatracks.samples.search import resolve
from rnatracks.samples.search_terms import Resolution
from rnatracks.samples.sheets import read_samples, write_rejected, write_rows
from rnatracks.vocabulary import Source, Strand

TODAY = date(2025, 1, 2)
PLUS, MINUS = (f"{strand} strand signal of unique reads" for strand in ("plus", "minus"))
QUERY = "assay_title=total RNA-seq&biosample_ontology.term_id=EFO:0002784"
GM12878 = CellType("GM12878", "EFO:0002784", encode_query=QUERY, stranded=True)
BLOOD = CellType("blood", gtex_tissue="BLOOD", stranded=False)
LIBRARIES = [GtexSample(content=b"1"), GtexSample(external_id="GTEX-ABCD-0003-SM-5GHZ7.1", content=b"2")]


def heart(letter: str, **fields: object) -> portal.EncodeExperiment:
    """An experiment ENCSR000A{letter}A with a donor of its own and two replicates."""
    replicates = tuple(portal.Replicate(number, 1, f"000{letter}A{number}") for number in (1, 2))
    return portal.EncodeExperiment(accession=f"ENCSR000A{letter}A", **({"replicates": replicates} | fields))


def strands(experiment: portal.EncodeExperiment, letters: str, **fields: object) -> list[portal.EncodeFile]:
    """Both strands, ENCFF000xxP and ENCFF000xxM."""
    return [
        experiment.file(f"ENCFF000{letters}P", b"plus " + letters.encode(), output_type=PLUS, **fields),
        experiment.file(f"ENCFF000{letters}M", b"minus " + letters.encode(), output_type=MINUS, **fields),
    ]


A, B = heart("A"), heart("B")
TREATED = heart("T", perturbed=True)
LIBRARY = portal.EncodeLibrary(
    (
        *strands(A, "AA", preferred_default=True, mapped_read_length=101),
        *strands(A, "AB", biological_replicates=(1,), technical_replicates=("1_1",)),
        *strands(B, "BA", omit=("md5sum",)),
        *strands(B, "BB"),
        *strands(B, "BO", status="archived", date_created="2014-01-01T00:00:00.000000+00:00"),
        *strands(TREATED, "TA"),
        *strands(A, "HG", assembly="hg19"),
        A.file("ENCFF000UUU", b"both", output_type="signal of unique reads"),
    ),
    (A, B, TREATED),
)


PATIENCE = Patience(attempts=2, delay=0.0, longest=0.0, timeout=2.0)


def ask(server: DataServer, **limits: int) -> SourceSettings:
    return SourceSettings(encode=server.url(), recount3=server.url("/recount3"), **limits)


def resolve_at(
    library: portal.EncodeLibrary, cell_type: CellType, listed: Sequence[Sample] = (), **limits: int
) -> Resolution:
    with DataServer(library, recount3_files(LIBRARIES)) as server:
        return resolve(cell_type, listed, ask(server, **limits), TODAY, patience=PATIENCE)


def refusal(
    cell_type: CellType, listed: Sequence[Sample] = (), library: portal.EncodeLibrary = LIBRARY, **limits: int
) -> str:
    with pytest.raises(InputError) as caught:
        resolve_at(library, cell_type, listed, **limits)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def row(name: str, source: Source = Source.ENCODE, experiment: str = "", **files: str) -> Sample:
    """A row of the sheet of GM12878, or of blood for GTEx."""
    return Sample(
        name,
        "blood" if source is Source.GTEX else "GM12878",
        source,
        {Strand(strand): SignalFile(location) for strand, location in files.items()},
        SampleNotes(experiment=experiment),
    )


def test_a_query_finds_one_pair_of_each_experiment(caplog: pytest.LogCaptureFixture) -> None:
    with DataServer(LIBRARY) as server, caplog.at_level(logging.INFO, logger="rnatracks"):
        found = resolve(GM12878, [], ask(server), TODAY, patience=PATIENCE)
        contents = {
            sample.name: [requests.get(file.location, timeout=5).content for file in sample.files.values()]
            for sample in found.samples
        }
    assert contents == {"ENCSR000AAA": [b"plus AA", b"minus AA"], "ENCSR000ABA": [b"plus BB", b"minus BB"]}
    plus = LIBRARY.files[0].as_json(portal.Frame.OBJECT)
    first, second = found.samples
    assert first.files[Strand.PLUS] == SignalFile(
        server.url("/files/ENCFF000AAP/@@download/ENCFF000AAP.bigWig"), plus["md5sum"], 7, "ENCFF000AAP"
    )
    assert first.provenance == SampleNotes(
        experiment="ENCSR000AAA",
        donor="ENCDO000AA1,ENCDO000AA2",
        replicates="1,2",
        output_type="signal of unique reads",
        read_length="101",
        date_asked="2025-01-02",
        reason="unique reads; replicates 1, 2 pooled; made 2021-03-04; mapped reads of 101 bases; no audit findings",
    )
    assert "read length not stated" in second.provenance.reason
    assert {each.accession: each.reason for each in found.rejected} == {
        **dict.fromkeys(
            ("ENCFF000ABP", "ENCFF000ABM"),
            "ENCFF000AAP and ENCFF000AAM of the same experiment chosen instead: more replicates pooled",
        ),
        **dict.fromkeys(("ENCFF000BAP", "ENCFF000BAM"), "the portal gives no MD5 for it"),
        **dict.fromkeys(("ENCFF000TAP", "ENCFF000TAM"), "its experiment is perturbed"),
    }
    assert (
        Rejected("GM12878", "ENCFF000TAP", "ENCSR000ATA", PLUS, "GRCh38", "released", "its experiment is perturbed")
        in found.rejected
    )
    assert (found.published, found.summary) == (
        4,
        "2 samples from 4 donors, 6 files rejected; the publication used 4",
    )
    assert f"GM12878: {found.summary}" in caplog.text


def test_a_user_may_ask_for_more_and_sees_why_it_is_not_taken() -> None:
    wide = replace(GM12878, encode_query=f"{QUERY}&status=released&status=archived&assembly=GRCh38&assembly=hg19")
    found = resolve_at(LIBRARY, wide)
    assert [sample.name for sample in found.samples] == ["ENCSR000AAA", "ENCSR000ABA"]
    reasons = {each.accession: each.reason for each in found.rejected}
    assert reasons["ENCFF000BOP"] == "its status is archived, not released"
    assert reasons["ENCFF000HGM"] == "its assembly is hg19, not GRCh38"


def test_an_unstranded_query() -> None:
    found = resolve_at(LIBRARY, replace(GM12878, stranded=False))
    assert [list(sample.files) for sample in found.samples] == [[Strand.UNSTRANDED]]
    assert found.samples[0].files[Strand.UNSTRANDED].accession == "ENCFF000UUU"
    assert found.rejected == ()


def test_the_resolved_sheet_is_a_sample_sheet_and_nothing_is_asked_again(tmp_path: Path) -> None:
    found = resolve_at(LIBRARY, GM12878)
    gtex = resolve_at(LIBRARY, BLOOD)
    write_rows(tmp_path / "resolved.tsv", [sample.as_row() for sample in found.samples + gtex.samples])
    write_rejected(tmp_path / "rejected.tsv", found.rejected)
    again = read_samples(tmp_path / "resolved.tsv", [GM12878, BLOOD])
    assert tuple(again) == found.samples + gtex.samples
    with DataServer() as server:
        for cell_type, before in ((GM12878, found), (BLOOD, gtex)):
            assert resolve(cell_type, again, ask(server), date(2030, 1, 1), patience=PATIENCE).samples == before.samples
        assert server.requests == ()
    lines = (tmp_path / "rejected.tsv").read_text().splitlines()
    assert len(lines) == 1 + len(found.rejected)
    assert all(line.count("\t") == 6 for line in lines)


def test_rows_with_paths_and_urls_pass_and_do_not_stop_a_query() -> None:
    local = row("mine", Source.LOCAL, plus="p.bw", minus="m.bw")
    url = row("theirs", Source.URL, plus="http://host/p.bw", minus="http://host/m.bw")
    found = resolve_at(LIBRARY, GM12878, [local, url])
    assert [sample.name for sample in found.samples] == ["mine", "theirs", "ENCSR000AAA", "ENCSR000ABA"]
    assert [(sample.files, sample.source) for sample in found.samples[:2]] == [
        (local.files, Source.LOCAL),
        (url.files, Source.URL),
    ]
    assert found.samples[0].provenance.reason == "listed in the sample sheet"


def test_rows_of_a_source_stop_its_query_and_other_cell_types_do_not() -> None:
    listed = [row("one", plus="ENCFF000ABP", minus="ENCFF000ABM")]
    assert [sample.name for sample in resolve_at(LIBRARY, GM12878, listed).samples] == ["one"]
    others = [replace(listed[0], cell_type="NK"), replace(listed[0], name="ENCSR000AAA", cell_type="NK")]
    assert [sample.name for sample in resolve_at(LIBRARY, GM12878, others).samples] == ["ENCSR000AAA.2", "ENCSR000ABA"]


def test_a_row_with_file_accessions() -> None:
    (sample,) = resolve_at(LIBRARY, GM12878, [row("one", plus="ENCFF000ABP", minus="ENCFF000ABM")]).samples
    assert [file.accession for file in sample.files.values()] == ["ENCFF000ABP", "ENCFF000ABM"]
    assert all(file.md5 and file.size and file.location.startswith("http") for file in sample.files.values())
    assert (sample.provenance.experiment, sample.provenance.donor) == ("ENCSR000AAA", "ENCDO000AA1")
    assert sample.provenance.reason.startswith("listed in the sample sheet; unique reads; replicate 1; made 2021")


def test_a_person_may_list_what_a_search_leaves_out(caplog: pytest.LogCaptureFixture) -> None:
    listed = [
        row("old", plus="ENCFF000BOP", minus="ENCFF000BOM"),
        row("treated", experiment="ENCSR000ATA"),
    ]
    old, treated = resolve_at(LIBRARY, GM12878, listed).samples
    assert "a search would have rejected it: ENCFF000BOP: its status is archived" in old.provenance.reason
    assert treated.provenance.reason.endswith("a search would have rejected it: its experiment is perturbed")
    assert caplog.text.count("WARNING") == 2


def test_a_row_with_an_experiment() -> None:
    found = resolve_at(LIBRARY, GM12878, [row("mine", experiment="ENCSR000ABA")])
    assert [sample.name for sample in found.samples] == ["mine"]
    assert found.samples[0].files[Strand.MINUS].accession == "ENCFF000BBM"
    assert {each.accession for each in found.rejected} == {"ENCFF000BAP", "ENCFF000BAM"}


def test_an_experiment_that_the_portal_has_merged_into_another() -> None:
    document = json.dumps(A.as_json(portal.Frame.EMBEDDED)).encode()
    with DataServer(LIBRARY, {"/experiments/ENCSR999OLD/": document}) as server:
        found = resolve(GM12878, [row("mine", experiment="ENCSR999OLD")], ask(server), TODAY, patience=PATIENCE)
    assert found.samples[0].provenance.experiment == "ENCSR000AAA"


def test_an_md5_of_the_sheet_stands_in_for_a_missing_one_and_must_agree() -> None:
    files = {Strand.PLUS: SignalFile("ENCFF000BAP", "0" * 32), Strand.MINUS: SignalFile("ENCFF000BAM", "1" * 32)}
    listed = Sample("one", "GM12878", Source.ENCODE, files)
    (sample,) = resolve_at(LIBRARY, GM12878, [listed]).samples
    assert sample.files[Strand.PLUS].md5 == "0" * 32
    files = {Strand.PLUS: SignalFile("ENCFF000BBP", "0" * 32), Strand.MINUS: SignalFile("ENCFF000BBM")}
    line = refusal(GM12878, [replace(listed, files=files)])
    assert line.startswith("sample one, plus: found ENCFF000BBP, whose MD5 at ENCODE is ")
    assert line.endswith(f"expected {'0' * 32}")


BAD_ROWS = [
    (
        row("b1", plus="ENCFF999ZZZ", minus="ENCFF000AAM"),
        "sample b1, plus: found ENCFF999ZZZ, which does not exist at http",
    ),
    (row("b1", plus="ENCFF000AAP", minus="ENCFF000ABM"), "have different biological replicates: (1, 2) and (1,); exp"),
    (row("b1", plus="ENCFF000AAP", minus="ENCFF000BBM"), "have different experiments: ENCSR000AAA and ENCSR000ABA"),
    (row("b1", plus="ENCFF000AAM", minus="ENCFF000AAP"), "found ENCFF000AAM is the minus strand signal of unique"),
    (row("b1", plus="ENCFF000HGP", minus="ENCFF000HGM"), "ENCFF000HGP, but its assembly is hg19, not GRCh38"),
    (row("b1", plus="ENCFF000BAP", minus="ENCFF000BAM"), "ENCFF000BAP, but the portal gives no MD5 for it"),
    (row("b1", unstranded="ENCFF000AAP"), "its output type is not a signal of both strands together"),
    (row("b1", "encode", "ENCSR999ZZZ"), "sample b1, experiment: found ENCSR999ZZZ, which does not exist at http"),
    (row("b1", "encode", "ENCSR000ABA", plus="ENCFF000AAP", minus="ENCFF000AAM"), "expected ENCSR000AAA, as at ENCODE"),
]


@pytest.mark.parametrize(("listed", "found"), BAD_ROWS, ids=[bad[1][:45] for bad in BAD_ROWS])
def test_rows_that_cannot_be_used_are_one_line(listed: Sample, found: str) -> None:
    assert found in refusal(GM12878, [replace(listed, source=Source.ENCODE)])


def test_an_experiment_without_files_is_one_line() -> None:
    library = portal.EncodeLibrary((), (A,))
    line = refusal(GM12878, [row("b1", experiment="ENCSR000AAA")], library)
    assert line.startswith("sample b1, experiment: found no file of ENCSR000AAA at http://")


def test_a_file_that_counts_twice_is_one_line() -> None:
    listed = [row("b1", plus="ENCFF000AAP", minus="ENCFF000AAM"), row("b2", experiment="ENCSR000AAA")]
    assert refusal(GM12878, listed).startswith(
        "sample b2 of GM12878, plus: found ENCFF000AAP, as in sample b1 of GM12878, plus; expected each"
    )


def test_no_hit_names_cell_type_query_and_url() -> None:
    line = refusal(replace(GM12878, name="NK", encode_query="biosample_ontology.term_id=CL:0000623"))
    assert line.startswith("cell type NK, encode_query biosample_ontology.term_id=CL:0000623: found no file at http://")
    assert "/search/?biosample_ontology.term_id=CL:0000623&type=File&" in line


def test_hits_that_are_all_rejected_are_one_line() -> None:
    line = refusal(GM12878, library=portal.EncodeLibrary(tuple(strands(TREATED, "TA")), (TREATED,)))
    assert "none usable (2 times: its experiment is perturbed); expected usable files" in line


def test_a_filter_that_no_experiment_passes_is_one_line() -> None:
    stage = "replicates.library.biosample.life_stage"
    assert len(resolve_at(LIBRARY, replace(GM12878, encode_query=f"{QUERY}&{stage}=adult")).samples) == 2
    line = refusal(replace(GM12878, encode_query=f"{QUERY}&{stage}=child&{stage}=newborn"))
    assert f": its experiment does not pass {stage}=child&{stage}=newborn); expected usable files" in line


def test_only_samples_that_would_be_taken_count_against_the_limit() -> None:
    # Three experiments are found, one of which is perturbed; of two GTEx samples one has no mapped length.
    assert len(resolve_at(LIBRARY, GM12878, max_samples=2).samples) == 2
    line = refusal(GM12878, max_samples=1)
    assert "found 2 samples at http" in line
    assert "expected at most 1: add filters to encode_query, such as &lab.title=..., or list experiments, or" in line
    line = refusal(BLOOD, max_samples=1)
    assert "found 2 samples at http" in line
    assert "expected at most 1: list the samples in the sample sheet (source gtex), or raise" in line
    unmapped = replace(LIBRARIES[1], average_mapped_length=0)
    with DataServer(files=recount3_files([LIBRARIES[0], unmapped])) as server:
        assert len(resolve(BLOOD, [], ask(server, max_samples=1), TODAY, patience=PATIENCE).samples) == 1


def test_listed_experiments_are_not_limited() -> None:
    listed = [row("one", experiment="ENCSR000AAA"), row("two", experiment="ENCSR000ABA")]
    assert len(resolve_at(LIBRARY, GM12878, listed, max_samples=1).samples) == 2


def test_far_too_many_experiments_are_refused_before_each_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnatracks.samples.encode_samples.MAX_EXPERIMENTS", 2)
    with DataServer(LIBRARY) as server:
        with pytest.raises(
            InputError, match=r"found 3 experiments at http.*expected at most 2 to look up: add filters"
        ):
            resolve(GM12878, [], ask(server), TODAY, patience=PATIENCE)
        assert len(server.requests) == 1


def test_gtex_samples_of_a_tissue() -> None:
    with DataServer(files=recount3_files(LIBRARIES)) as server:
        found = resolve(BLOOD, [], ask(server), TODAY, patience=PATIENCE)
        contents = [
            requests.get(sample.files[Strand.UNSTRANDED].location, timeout=5).content for sample in found.samples
        ]
    assert contents == [b"1", b"2"]
    first = found.samples[0]
    assert (first.name, first.source, first.files[Strand.UNSTRANDED].md5) == (
        LIBRARIES[0].external_id,
        Source.GTEX,
        None,
    )
    assert first.provenance == SampleNotes(
        donor="GTEX-1117F",
        output_type="sum of all reads",
        read_length="150.4",
        date_asked="2025-01-02",
        reason="found by gtex_tissue; Whole Blood; recount3 publishes no MD5",
    )
    assert found.published is None


@pytest.mark.parametrize(("wanted", "taken"), [(1, [1]), (2, [1, 3]), (3, [1, 2, 4]), (5, [1, 2, 3, 4, 5]), (9, None)])
def test_gtex_samples_are_spread_evenly_over_the_list(wanted: int, taken: list[int] | None) -> None:
    ids = {number: f"GTEX-ABCD-000{number}-SM-5GHZ{number}.1" for number in range(1, 6)}
    with DataServer(files=recount3_files([GtexSample(external_id=name) for name in ids.values()])) as server:
        found = resolve(BLOOD, [], ask(server, gtex_samples=wanted), TODAY, patience=PATIENCE)
    assert [sample.name for sample in found.samples] == [ids[number] for number in taken or ids]
    assert {each.reason for each in found.rejected} <= {
        f"sources.gtex_samples asks for {wanted} of the tissue's samples"
    }
    assert len(found.rejected) == 5 - len(found.samples)


def test_excluded_gtex_samples_are_not_counted() -> None:
    """They stay listed, and others are used in their place."""
    ids = {number: f"GTEX-ABCD-000{number}-SM-5GHZ{number}.1" for number in range(1, 6)}
    with DataServer(files=recount3_files([GtexSample(external_id=name) for name in ids.values()])) as server:
        asked = ask(server, gtex_samples=2)
        found = resolve(BLOOD, [], asked, TODAY, [ids[1], ids[3]], patience=PATIENCE)
    names = [sample.name for sample in found.samples]
    assert {ids[1], ids[3]} < set(names)
    assert (len(names), len(found.rejected)) == (4, 1)


def test_listed_gtex_samples() -> None:
    listed = [row(f"g{number}", Source.GTEX, unstranded=each.external_id) for number, each in enumerate(LIBRARIES)]
    with DataServer(files=recount3_files(LIBRARIES)) as server:
        found = resolve(BLOOD, listed, ask(server), TODAY, patience=PATIENCE)
        assert [request.method for request in server.requests] == ["GET"] * 3 + ["HEAD"] * 2
    assert [sample.name for sample in found.samples] == ["g0", "g1"]
    assert found.samples[1].files[Strand.UNSTRANDED].accession == LIBRARIES[1].external_id
    line = refusal(BLOOD, [row("g9", Source.GTEX, unstranded="GTEX-ZZZZ-1.1")])
    assert line.startswith("sample g9, unstranded: found 'GTEX-ZZZZ-1.1'; expected a sample of BLOOD: GTEX-1117F")


def test_gtex_files_that_are_refused_are_rejected() -> None:
    third = GtexSample(external_id="GTEX-WXYZ-0001-SM-5GHZ9.1", content=b"3")
    with DataServer(files=recount3_files([*LIBRARIES, third])) as server:
        server.fail(LIBRARIES[0].path, Status(404, times=ALWAYS))
        server.fail(LIBRARIES[1].path, Forbidden(times=ALWAYS))
        found = resolve(BLOOD, [], ask(server, max_samples=1), TODAY, patience=PATIENCE)
        assert [sample.name for sample in found.samples] == [third.external_id]
        assert [(each.accession, each.reason) for each in found.rejected] == [
            (LIBRARIES[0].external_id, "its bigWig is not available at recount3: HTTP status 404 Not Found"),
            (LIBRARIES[1].external_id, "its bigWig is not available at recount3: HTTP status 403 Forbidden"),
        ]
        # An excluded one is not asked for, and stays in the list.
        found = resolve(BLOOD, [], ask(server), TODAY, [LIBRARIES[0].external_id], patience=PATIENCE)
        assert [sample.name for sample in found.samples] == [LIBRARIES[0].external_id, third.external_id]
        server.fail(third.path, Status(410))
        with pytest.raises(InputError, match="cell type blood, gtex_tissue BLOOD: found 3 samples at http"):
            resolve(BLOOD, [], ask(server), TODAY, patience=PATIENCE)


def test_a_listed_gtex_file_that_is_refused_is_one_line() -> None:
    listed = [row(f"g{number}", Source.GTEX, unstranded=each.external_id) for number, each in enumerate(LIBRARIES)]
    listed += [row("g2", Source.GTEX, unstranded="GTEX-GONE-1.1")]
    with DataServer(files=recount3_files(LIBRARIES)) as server:
        server.fail(LIBRARIES[1].path, Status(404, times=ALWAYS))
        found = resolve(BLOOD, listed, ask(server), TODAY, ["g1", "g2"], patience=PATIENCE)
        with pytest.raises(InputError) as caught:
            resolve(BLOOD, listed, ask(server), TODAY, ["g2"], patience=PATIENCE)
    assert [sample.files[Strand.UNSTRANDED].location.startswith("http") for sample in found.samples] == [
        True,
        False,
        False,
    ]
    assert [sample.provenance.reason for sample in found.samples[1:]] == ["listed in the sample sheet"] * 2
    line = str(caught.value)
    assert line.startswith(f"sample g1, unstranded: found {LIBRARIES[1].external_id}, whose bigWig at http://")
    assert line.endswith(
        "is not available: HTTP status 404 Not Found; expected a sample whose bigWig can be downloaded"
    )


WITHHELD = portal.EncodeLibrary(
    (
        *strands(A, "AA"),
        *strands(B, "BA", extra={"restricted": True}),
        *strands(B, "BB", extra={"no_file_available": True}, omit=("md5sum", "file_size")),
        *strands(B, "BC", omit=("s3_uri", "cloud_metadata")),
    ),
    (A, B),
)


def test_files_that_the_portal_withholds_are_rejected() -> None:
    found = resolve_at(WITHHELD, GM12878)
    assert [sample.name for sample in found.samples] == ["ENCSR000AAA"]
    assert {each.accession[:-1]: each.reason for each in found.rejected} == {
        "ENCFF000BA": "access to it is restricted",
        "ENCFF000BB": "the portal says that no file is available",
        "ENCFF000BC": "the portal offers no download for it",
    }


@pytest.mark.parametrize(
    ("letters", "reason"), [("BA", "access to it is restricted"), ("BB", "the portal says that no file is available")]
)
def test_a_listed_file_that_is_withheld_is_one_line(letters: str, reason: str) -> None:
    listed = [
        row("good", plus="ENCFF000AAP", minus="ENCFF000AAM"),
        row("bad", plus=f"ENCFF000{letters}P", minus=f"ENCFF000{letters}M"),
    ]
    line = refusal(GM12878, listed, WITHHELD)
    assert line == f"sample bad, plus: found ENCFF000{letters}P, but {reason}; expected a usable file"
    with DataServer(WITHHELD) as server:
        good, bad = resolve(GM12878, listed, ask(server), TODAY, ["bad"], patience=PATIENCE).samples
    assert good.located
    assert bad.files == listed[1].files


def test_excluded_samples_may_be_copies() -> None:
    """Two experiments of the portal with files of one MD5, of which one may be left out."""
    twice = portal.EncodeLibrary(
        (*strands(A, "AA"), *(replace(file, content=b"plus AA") for file in strands(B, "BB"))), (A, B)
    )
    line = refusal(GM12878, [], twice)
    assert "sample ENCSR000ABA of GM12878, plus: found the MD5 " in line
    assert "as in sample ENCSR000AAA of GM12878, plus; expected each file once" in line
    with DataServer(twice) as server:
        assert len(resolve(GM12878, [], ask(server), TODAY, ["ENCSR000ABA"], patience=PATIENCE).samples) == 2


CULTURED = GtexSample(external_id="GTEX-EFGH-0003-SM-5GHZ8.1", detail="Cells - EBV-transformed lymphocytes")


def test_a_gtex_project_of_several_tissues_needs_one() -> None:
    with DataServer(files=recount3_files([*LIBRARIES, CULTURED])) as server:
        with pytest.raises(InputError) as caught:
            resolve(BLOOD, [], ask(server), TODAY, patience=PATIENCE)
        assert str(caught.value) == (
            "cell type blood, gtex_tissue BLOOD: found 2 tissues (SMTSD) in BLOOD: Cells - EBV-transformed "
            "lymphocytes, Whole Blood; expected one of them, such as BLOOD:Cells - EBV-transformed lymphocytes"
        )
        whole = replace(BLOOD, gtex_tissue="BLOOD:Whole Blood")
        found = resolve(whole, [], ask(server), TODAY, patience=PATIENCE)
        assert [sample.name for sample in found.samples] == [each.external_id for each in LIBRARIES]
        assert [(each.accession, each.reason) for each in found.rejected] == [
            (CULTURED.external_id, "its tissue is Cells - EBV-transformed lymphocytes, not Whole Blood")
        ]
        # A person who lists samples may take them from any tissue of the project, but not against the sheet.
        listed = [row("mine", Source.GTEX, unstranded=CULTURED.external_id)]
        (sample,) = resolve(BLOOD, listed, ask(server), TODAY, patience=PATIENCE).samples
        assert sample.provenance.reason.startswith("listed in the sample sheet; Cells - EBV-transformed lymphocytes;")
        with pytest.raises(InputError, match="but its tissue is Cells - EBV-transformed lymphocytes, not Whole Blo"):
            resolve(whole, listed, ask(server), TODAY, patience=PATIENCE)


def test_a_size_of_the_sheet_is_kept_or_must_agree() -> None:
    def sized(source: Source, cell_type: str, **files: tuple[str, int]) -> Sample:
        named = {Strand(strand): SignalFile(name, size=size) for strand, (name, size) in files.items()}
        return Sample("one", cell_type, source, named)

    gtex = sized(Source.GTEX, "blood", unstranded=(LIBRARIES[0].external_id, 1))
    assert resolve_at(LIBRARY, BLOOD, [gtex]).samples[0].files[Strand.UNSTRANDED].size == 1
    right = sized(Source.ENCODE, "GM12878", plus=("ENCFF000AAP", 7), minus=("ENCFF000AAM", 8))
    assert [file.size for file in resolve_at(LIBRARY, GM12878, [right]).samples[0].files.values()] == [7, 8]
    wrong = sized(Source.ENCODE, "GM12878", plus=("ENCFF000AAP", 7), minus=("ENCFF000AAM", 9))
    assert refusal(GM12878, [wrong]) == (
        "sample one, minus: found ENCFF000AAM, whose size at ENCODE is 8 bytes; expected 9"
    )


def bam(experiment: portal.EncodeExperiment, accession: str, length: int) -> portal.EncodeFile:
    return experiment.file(accession, output_type="alignments", file_format="bam", mapped_read_length=length)


def test_audits_and_read_lengths_of_the_experiments_pages_decide() -> None:
    failed = (portal.Audit("ERROR", "corrupt"),)
    noted = (portal.Audit("WARNING", "low depth"),)
    library = portal.EncodeLibrary(
        (
            *strands(A, "AA"),
            bam(A, "ENCFF000AAR", 36),
            *strands(B, "BA", audits=failed),
            *strands(B, "BB", biological_replicates=(1,), technical_replicates=("1_1",), audits=noted),
            bam(B, "ENCFF000BAR", 101),
        ),
        (A, B),
    )
    found = resolve_at(library, GM12878)
    assert [sample.name for sample in found.samples] == ["ENCSR000ABA"]
    assert found.samples[0].provenance.reason == (
        "unique reads; replicate 1; made 2021-03-04; read length not stated; audit: WARNING"
    )
    assert {each.accession: each.reason for each in found.rejected} == {
        **dict.fromkeys(("ENCFF000AAP", "ENCFF000AAM"), "its mapped reads have 36 bases, fewer than 50"),
        **dict.fromkeys(("ENCFF000BAP", "ENCFF000BAM"), "the portal's audit of it or its alignments found an ERROR"),
    }
    listed = [row("short", plus="ENCFF000AAP", minus="ENCFF000AAM")]
    (sample,) = resolve_at(library, GM12878, listed).samples
    assert sample.provenance.read_length == "36"
    assert "would have rejected it: ENCFF000AAP: its mapped reads have 36 bases" in sample.provenance.reason


def test_what_the_portal_does_not_say_is_no_good_news() -> None:
    silent = heart("A", omit=("audit", "perturbed"))
    library = portal.EncodeLibrary(tuple(strands(silent, "AA", omit=("date_created",))), (silent,))
    expected = (
        "unique reads; replicates 1, 2 pooled; made on an unknown date; read length not stated; audit not stated; "
        "perturbation not stated"
    )
    assert resolve_at(library, GM12878).samples[0].provenance.reason == expected
    (sample,) = resolve_at(library, GM12878, [row("mine", experiment="ENCSR000AAA")]).samples
    assert sample.provenance.reason == f"listed in the sample sheet; {expected}"


def test_an_old_analysis_is_left_out_unless_its_files_are_listed() -> None:
    old = strands(A, "AO", date_created="2014-01-01T00:00:00.000000+00:00")
    library = portal.EncodeLibrary((*old, *strands(B, "BB")), (A, B))
    reasons = {each.accession: each.reason for each in resolve_at(library, GM12878).rejected}
    assert reasons == dict.fromkeys(("ENCFF000AOP", "ENCFF000AOM"), "it was made in 2014, before 2020")
    (sample,) = resolve_at(library, GM12878, [row("old", plus="ENCFF000AOP", minus="ENCFF000AOM")]).samples
    assert "made 2014-01-01" in sample.provenance.reason
    assert "would have rejected it: ENCFF000AOP: it was made in 2014, before 2020" in sample.provenance.reason


def test_archived_files_are_found_where_they_are_searched_for() -> None:
    archived = heart("A", status="archived")
    files = [*strands(archived, "AA", status="archived"), *strands(B, "BB", status="archived")]
    library = portal.EncodeLibrary(tuple(files), (archived, B))
    found = resolve_at(library, replace(GM12878, encode_query=f"{QUERY}&status=archived"))
    assert [sample.name for sample in found.samples] == ["ENCSR000AAA", "ENCSR000ABA"]
    assert found.rejected == ()


def test_the_summary_says_how_many_donors_there_are() -> None:
    donor = (portal.Replicate(1, 1, "000AAA"),)
    first, second = (heart(letter, replicates=donor) for letter in "AB")
    library = portal.EncodeLibrary((*strands(first, "AA"), *strands(second, "BB")), (first, second))
    local = row("mine", Source.LOCAL, plus="p.bw", minus="m.bw")
    assert resolve_at(library, GM12878).summary.startswith("2 samples from 1 donor, ")
    assert resolve_at(library, GM12878, [local]).summary.startswith(
        "3 samples from 1 donor and 1 from unknown donors, "
    )
    assert Resolution((local,), ()).summary == "1 sample from unknown donors, 0 files rejected"


def test_an_unknown_tissue_is_one_line() -> None:
    line = refusal(replace(BLOOD, gtex_tissue="SPLEN"))
    assert "/metadata/EN/SPLEN/gtex.recount_qc.SPLEN.MD.gz: found HTTP status 404 Not Found" in line

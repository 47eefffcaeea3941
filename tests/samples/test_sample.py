"""Sheets: the shipped ones are valid, and bad ones are refused in one line that names the place."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from rnatracks.errors import InputError
from rnatracks.evaluation.baselines import neighbour
from rnatracks.samples import sheets
from rnatracks.samples.sample import (
    CellType,
    Rejected,
    Sample,
    SampleNotes,
    SignalFile,
    all_located,
    halves,
    of_one_donor,
    simulated_samples,
    tracks_of,
)
from rnatracks.samples.sheet_rows import read_rows
from rnatracks.samples.sheets import read_cell_types, read_samples, write_rejected, write_rows
from rnatracks.vocabulary import NAME, Source, Strand, Track

CONFIG = Path(__file__).parents[2] / "config"
SAMPLE_HEADER = "sample cell_type source plus minus unstranded md5_plus md5_minus md5_unstranded"
CELL_TYPE_HEADER = "cell_type ontology description encode_query gtex_tissue stranded"
MD5 = "0123456789abcdef" * 2
B, T = CellType("B"), CellType("T")
BLOOD = CellType("blood", gtex_tissue="BLOOD", stranded=False)


def write_sheet(path: Path, *rows: str) -> Path:
    """Write a sheet whose cells are separated by spaces; `.` stands for an empty cell."""
    lines = ("\t".join("" if cell == "." else cell for cell in row.split(" ")) for row in rows)
    path.write_text("\n".join(lines) + "\n")
    return path


def check_line(error: InputError, place: str, found: str, expected: str) -> None:
    line = str(error)
    assert "\n" not in line
    where, rest = line.split(": found ", 1)
    assert where == place
    assert found in rest.split("; expected ")[0]
    assert expected in rest.split("; expected ", 1)[1]


@pytest.mark.parametrize("folder", [CONFIG, CONFIG / "demo"], ids=["recipe", "demo"])
def test_shipped_sheets_are_valid(folder: Path) -> None:
    cell_types = read_cell_types(folder / "cell_types.tsv")
    samples = read_samples(folder / "samples.tsv", cell_types)
    for cell_type in cell_types:
        assert [track.strand for track in tracks_of(cell_type, samples)] == [Strand.PLUS, Strand.MINUS]


def test_demo_sheets_agree_with_the_simulation() -> None:
    simulated = yaml.safe_load((CONFIG / "demo" / "config.yaml").read_text())
    cell_types = read_cell_types(CONFIG / "demo" / "cell_types.tsv")
    samples = read_samples(CONFIG / "demo" / "samples.tsv", cell_types)
    assert [sample.name for sample in samples] == list(simulated["simulate"]["samples"])
    for sample in samples:
        for strand, file in sample.files.items():
            assert file.location == f"{simulated['results']}/simulated/{sample.name}.{strand}.bw"


@pytest.mark.parametrize(
    ("name", "required", "optional"),
    [
        ("samples", sheets.SAMPLE_COLUMNS, sheets.SAMPLE_EXTRAS),
        ("cell_types", sheets.CELL_TYPE_COLUMNS, sheets.CELL_TYPE_EXTRAS),
    ],
)
def test_schema_and_reader_agree(name: str, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    schema = yaml.safe_load((CONFIG / "schemas" / f"{name}.schema.yaml").read_text())
    assert tuple(schema["properties"]) == required + optional
    assert tuple(schema["required"]) == required
    for folder in (CONFIG, CONFIG / "demo"):
        for row in read_rows(folder / f"{name}.tsv", required, optional, sheets.FREE_NAMES, sheets.NOTE_COLUMNS):
            jsonschema.validate(dict(row.cells), schema)
    if name == "samples":
        assert schema["properties"]["source"]["enum"] == [*Source]
        assert schema["properties"]["sample"]["pattern"] == f"^{NAME.pattern}$"


def test_read_samples(tmp_path: Path) -> None:
    path = write_sheet(
        tmp_path / "samples.tsv",
        "# a comment",
        SAMPLE_HEADER,
        f"b1 B local b1.plus.bw b1.minus.bw . {MD5} . .",
        "",
        "b2 B encode ENCFF123ABC ENCFF456DEF",
        "t1 T url . . https://example.org/t1.bw",
        "g1 blood gtex . . GTEX-1117F-0226-SM-5GZZ7.1",
    )
    samples = read_samples(path, [B, T, BLOOD])
    assert samples == [
        Sample(
            "b1",
            "B",
            Source.LOCAL,
            {Strand.PLUS: SignalFile("b1.plus.bw", MD5), Strand.MINUS: SignalFile("b1.minus.bw")},
        ),
        Sample(
            "b2",
            "B",
            Source.ENCODE,
            {Strand.PLUS: SignalFile("ENCFF123ABC"), Strand.MINUS: SignalFile("ENCFF456DEF")},
        ),
        Sample("t1", "T", Source.URL, {Strand.UNSTRANDED: SignalFile("https://example.org/t1.bw")}),
        Sample("g1", "blood", Source.GTEX, {Strand.UNSTRANDED: SignalFile("GTEX-1117F-0226-SM-5GZZ7.1")}),
    ]
    assert [sample.stranded for sample in samples] == [True, True, False, False]
    assert tracks_of(B, samples) == (Track("B", Strand.PLUS), Track("B", Strand.MINUS))
    assert tracks_of(T, samples) == (Track("T", Strand.UNSTRANDED),)
    assert tracks_of(BLOOD, []) == (Track("blood", Strand.UNSTRANDED),)


def test_the_neighbour_is_the_row_above_with_the_same_strands() -> None:
    pair, single = (Strand.PLUS, Strand.MINUS), (Strand.UNSTRANDED,)
    strands = {"A": pair, "blood": single, "B": pair, "C": pair, "D": single}
    tracks = {name: [Track(name, strand) for strand in of_name] for name, of_name in strands.items()}
    found = {name: neighbour(name, tracks) for name in tracks}
    assert found == {"A": "B", "blood": "D", "B": "A", "C": "B", "D": "blood"}
    assert neighbour("A", {"A": tracks["A"], "blood": tracks["blood"]}) is None


@pytest.mark.parametrize(
    ("donors", "expected"),
    [
        (["", "", ""], ("ac", "b")),
        (["d", "e", "d", "f"], ("ac", "bd")),
        (["d", "d", "d", "e"], ("abc", "d")),
        (["d", "d", "d"], ("ac", "b")),
        (["d"], ("a", "")),
        ([], ("", "")),
    ],
)
def test_halves_share_no_donor_unless_there_is_only_one(donors: list[str], expected: tuple[str, str]) -> None:
    samples = [
        Sample(name, "B", Source.LOCAL, {}, SampleNotes(donor=donor))
        for name, donor in zip("abcd"[: len(donors)], donors, strict=True)
    ]
    assert tuple("".join(sample.name for sample in half) for half in halves(samples)) == expected


@pytest.mark.parametrize(
    ("excluded", "located"), [((), False), (("id",), True), (("file",), False), (("id", "file"), True)]
)
def test_excluded_rows_are_not_looked_up(excluded: tuple[str, ...], located: bool) -> None:
    """Nor does a row that is excluded start the search that a row of its source stops."""
    cell_type = CellType("blood", gtex_tissue="BLOOD", stranded=False)
    files = [
        Sample("id", "blood", Source.GTEX, {Strand.UNSTRANDED: SignalFile("GTEX-1117F-0226-SM-5GZZ7.1")}),
        Sample("file", "blood", Source.LOCAL, {Strand.UNSTRANDED: SignalFile("a.bw")}),
    ]
    assert all_located(cell_type, files, excluded) is located


def test_an_experiment_stands_for_its_files(tmp_path: Path) -> None:
    path = write_sheet(
        tmp_path / "samples.tsv",
        "sample cell_type source plus minus unstranded experiment",
        "n1 NK encode . . . ENCSR000AAA",
        "n2 NK encode ENCFF123ABC ENCFF456DEF . ENCSR000AAA",
    )
    natural_killer = CellType("NK", stranded=True)
    first, second = read_samples(path, [natural_killer])
    assert first == Sample("n1", "NK", Source.ENCODE, {}, SampleNotes(experiment="ENCSR000AAA"))
    assert (first.stranded, second.stranded) == (None, True)
    assert not first.located and not second.located
    assert tracks_of(natural_killer, [first]) == (Track("NK", Strand.PLUS), Track("NK", Strand.MINUS))


def test_a_resolved_sheet_survives_a_round_trip(tmp_path: Path) -> None:
    provenance = SampleNotes(
        experiment="ENCSR000AAA",
        donor="ENCDO000AAA,ENCDO000AAB",
        replicates="1,2",
        output_type="signal of unique reads",
        read_length="101",
        date_asked="2025-01-02",
        reason="unique reads; no audit findings",
    )
    samples = [
        Sample(
            "ENCSR000AAA",
            "B",
            Source.ENCODE,
            {
                Strand.PLUS: SignalFile("https://host/p.bigWig", MD5, 12, "ENCFF123ABC"),
                Strand.MINUS: SignalFile("https://host/m.bigWig", MD5[::-1], 34, "ENCFF456DEF"),
            },
            provenance,
        ),
        Sample(
            "g1",
            "blood",
            Source.GTEX,
            {Strand.UNSTRANDED: SignalFile("http://host/g1.bw", accession="GTEX-1117F-0226-SM-5GZZ7.1")},
            SampleNotes(donor="GTEX-1117F", read_length="149.5"),
        ),
        Sample("t1", "T", Source.LOCAL, {Strand.UNSTRANDED: SignalFile("t1.bw")}, SampleNotes(reason="listed")),
    ]
    path = tmp_path / "resolved.tsv"
    write_rows(path, [sample.as_row() for sample in samples])
    assert read_samples(path, [B, T, BLOOD]) == samples
    assert all(sample.located for sample in samples)
    schema = yaml.safe_load((CONFIG / "schemas" / "samples.schema.yaml").read_text())
    for row in read_rows(path, sheets.SAMPLE_COLUMNS, sheets.SAMPLE_EXTRAS, sheets.FREE_NAMES, sheets.NOTE_COLUMNS):
        jsonschema.validate(dict(row.cells), schema)


def test_write_rejected(tmp_path: Path) -> None:
    write_rejected(tmp_path / "rejected.tsv", [Rejected("B", "ENCFF123ABC", "", "peaks", "hg19", "released", "old")])
    assert (tmp_path / "rejected.tsv").read_text() == (
        "cell_type\taccession\texperiment\toutput_type\tassembly\tstatus\treason\n"
        "B\tENCFF123ABC\t\tpeaks\thg19\treleased\told\n"
    )


def test_read_cell_types(tmp_path: Path) -> None:
    path = write_sheet(
        tmp_path / "cell_types.tsv",
        CELL_TYPE_HEADER,
        "NK CL:0000623 killers assay_title=total+RNA-seq&a=b . yes",
        "blood . . . BLOOD",
    )
    assert read_cell_types(path) == [
        CellType("NK", "CL:0000623", "killers", "assay_title=total+RNA-seq&a=b", None, True),
        BLOOD,
    ]


def test_sheets_of_other_editors_are_read(tmp_path: Path) -> None:
    path = tmp_path / "cell_types.tsv"
    path.write_bytes("\ufeffcell_type\tontology\tdescription\r\nB\t\t lymphocyte \r\n".encode())
    assert read_cell_types(path) == [CellType("B", None, "lymphocyte")]


def test_a_sheet_without_samples_needs_queries(tmp_path: Path) -> None:
    path = write_sheet(tmp_path / "samples.tsv", SAMPLE_HEADER)
    assert read_samples(path, [BLOOD, CellType("NK", encode_query="a=b", stranded=True)]) == []
    with pytest.raises(InputError) as caught:
        read_samples(path, [BLOOD, CellType("T", stranded=True)])
    check_line(caught.value, str(path), "no sample of cell type 'T'", "an encode_query or gtex_tissue")


FINE = "b1 B local p.bw m.bw"
WITH_EXPERIMENT = "sample cell_type source plus minus unstranded size_plus experiment"
BAD_SAMPLES = [
    ([], "", "no header line", "tab-separated columns sample, cell_type"),
    (["sample cell_type source plus minus"], "line 1", "no column 'unstranded'", "columns sample"),
    ([SAMPLE_HEADER.replace("md5_plus", "md5plus")], "line 1", "an unknown column 'md5plus'", "optionally md5_plus"),
    ([SAMPLE_HEADER + " plus"], "line 1", "column 'plus' twice", "each column once"),
    ([SAMPLE_HEADER, FINE + " . . . . extra"], "line 2", "10 cells", "at most 9"),
    ([SAMPLE_HEADER, FINE, "b1 B local q.bw n.bw"], "line 3, sample", "'b1', as in line 2", "each name once"),
    ([SAMPLE_HEADER, ". B local p.bw m.bw"], "line 2, sample", "''", "letters, digits"),
    ([SAMPLE_HEADER, "b/1 B local p.bw m.bw"], "line 2, sample", "'b/1'", "letters, digits"),
    ([SAMPLE_HEADER, "# comment", "b1 liver local p m"], "line 3, cell_type", "'liver'", "one of: B, T, blood"),
    ([SAMPLE_HEADER, "b1 B geo p.bw m.bw"], "line 2, source", "'geo'", "one of: encode, gtex, url, local"),
    ([SAMPLE_HEADER, "b1 B local p.bw"], "line 2, minus", "nothing", "the minus file that belongs to the plus file"),
    ([SAMPLE_HEADER, "b1 B local . m.bw"], "line 2, plus", "nothing", "the plus file that belongs to the minus file"),
    ([SAMPLE_HEADER, FINE + " u.bw"], "line 2, unstranded", "in addition to plus and minus", "or unstranded"),
    ([SAMPLE_HEADER, "b1 B local"], "line 2, plus", "no file", "plus and minus, or unstranded"),
    ([SAMPLE_HEADER, "b1 B local p.bw p.bw"], "line 2, minus", "'p.bw', as in line 2, plus", "each file once"),
    ([SAMPLE_HEADER, FINE, "b2 B local q.bw m.bw"], "line 3, minus", "'m.bw', as in line 2, minus", "each file once"),
    ([SAMPLE_HEADER, FINE, "t1 T local ./p.bw t.bw"], "line 3, plus", "'./p.bw', as in line 2, plus", "each file once"),
    ([SAMPLE_HEADER, "b1 B local p.bw .//p.bw"], "line 2, minus", "'.//p.bw', as in line 2, plus", "each file once"),
    (
        [SAMPLE_HEADER, "b1 B url . . http://a.b/c%2dd.bw", "b2 B url . . https://A.B:443/c-d.bw?"],
        "line 3, unstranded",
        "'https://A.B:443/c-d.bw?', as in line 2, unstranded",
        "each file once",
    ),
    (
        [SAMPLE_HEADER, f"b1 B url http://a/p http://a/m . {MD5}", f"b2 B url http://b/p http://b/m . . {MD5}"],
        "line 3, md5_minus",
        f"'{MD5}', as in line 2, md5_plus",
        "each file once",
    ),
    ([SAMPLE_HEADER, "b1 B local http://a/p m"], "line 2, plus", "'http://a/p'", "a path, as source is local"),
    ([SAMPLE_HEADER, "b1 B url http://a/p m.bw"], "line 2, minus", "'m.bw'", "a URL that starts with http://"),
    ([SAMPLE_HEADER, "b1 B url s3://a/p s3://a/m"], "line 2, plus", "'s3://a/p'", "a URL that starts with http://"),
    ([SAMPLE_HEADER, "b1 B encode p.bw m.bw"], "line 2, plus", "'p.bw'", "accession such as ENCFF123ABC"),
    ([SAMPLE_HEADER, "b1 blood gtex p m"], "line 2, plus", "'p'", "GTEx is unstranded"),
    ([SAMPLE_HEADER, "b1 B gtex . . GTEX-1"], "line 2, source", "'gtex'", "a gtex_tissue for 'B'"),
    ([SAMPLE_HEADER, "b1 blood gtex . . a/b"], "line 2, unstranded", "'a/b'", "a recount3 sample id"),
    ([SAMPLE_HEADER, FINE + " . abc"], "line 2, md5_plus", "'abc'", "32 hex digits"),
    ([SAMPLE_HEADER, FINE + f" . . . {MD5}"], "line 2, md5_unstranded", MD5, "nothing, as unstranded is empty"),
    ([SAMPLE_HEADER, FINE, "b2 B local . . u.bw"], "line 3, cell_type", "unstranded for 'B'", "plus and minus"),
    ([SAMPLE_HEADER, "g1 blood local p m"], "line 2, cell_type", "plus and minus for 'blood'", "unstranded"),
    (
        [WITH_EXPERIMENT, FINE + " . . ENCSR000AAA"],
        "line 2, experiment",
        "'ENCSR000AAA'",
        "nothing, as source is local",
    ),
    ([WITH_EXPERIMENT, "b1 B encode . . . . ENCFF000AAA"], "line 2, experiment", "'ENCFF000AAA'", "as ENCSR123ABC"),
    ([WITH_EXPERIMENT, "b1 B encode"], "line 2, plus", "no file", "or an accession under experiment"),
    ([WITH_EXPERIMENT, "b1 B encode . . . . ENCSR000AAA"], "line 2, experiment", "stranded is not given", "yes or no"),
    (
        [WITH_EXPERIMENT, "b1 N encode . . . . ENCSR000AAA", "b2 N encode . . . . ENCSR000AAA"],
        "line 3, experiment",
        "'ENCSR000AAA', as in line 2, experiment",
        "each file once",
    ),
    ([WITH_EXPERIMENT, FINE + " . 1e3"], "line 2, size_plus", "'1e3'", "a number of bytes"),
    ([WITH_EXPERIMENT, "b1 B local . . u.bw 10"], "line 2, size_plus", "'10'", "nothing, as plus is empty"),
    ([SAMPLE_HEADER, "b1 B encode ENCFF123ABC https://a/m"], "line 2, minus", "'https://a/m'", "belong together"),
    ([SAMPLE_HEADER, FINE], "", "no sample of cell type 'T'", "an encode_query or gtex_tissue"),
    *(
        ([SAMPLE_HEADER, f"{name} B local p.bw m.bw"], "line 2, sample", f"'{name}'", "another name")
        for name in ("sample", "component", "share_of_variance")
    ),
    ([SAMPLE_HEADER, "b1 B local {x}.bw m.bw"], "line 2, plus", "'{x}.bw'", "no braces"),
    ([SAMPLE_HEADER, "b1 B url http://a/p http://a/}"], "line 2, minus", "'http://a/}'", "%7B and %7D"),
    ([SAMPLE_HEADER, "b1 B url http://a/p http://a:b/m"], "line 2, minus", "'http://a:b/m'", "a URL such as"),
]


@pytest.mark.parametrize(("rows", "place", "found", "expected"), BAD_SAMPLES, ids=[bad[2][:40] for bad in BAD_SAMPLES])
def test_bad_sample_sheet_is_one_line(tmp_path: Path, rows: list[str], place: str, found: str, expected: str) -> None:
    path = write_sheet(tmp_path / "samples.tsv", *rows)
    with pytest.raises(InputError) as caught:
        read_samples(path, [B, T, BLOOD, CellType("N", encode_query="a=b", stranded=True)])
    check_line(caught.value, f"{path}, {place}" if place else str(path), found, expected)


BAD_CELL_TYPES = [
    (["cell_type ontology"], "line 1", "no column 'description'", "columns cell_type, ontology, description"),
    ([CELL_TYPE_HEADER], "", "no cell type", "one row per cell type"),
    ([CELL_TYPE_HEADER, "B", "B"], "line 3, cell_type", "'B', as in line 2", "each name once"),
    ([CELL_TYPE_HEADER, "-B"], "line 2, cell_type", "'-B'", "starting with a letter, a digit or '_'"),
    ([CELL_TYPE_HEADER, "B CL_0000236"], "line 2, ontology", "'CL_0000236'", "a term such as CL:0000623"),
    ([CELL_TYPE_HEADER, "B . . total . yes"], "line 2, encode_query", "'total'", "key=value joined by &"),
    *(
        ([CELL_TYPE_HEADER, f"B . . a=b&{key}=x . yes"], "line 2, encode_query", f"'{key}=x'", "filters only")
        for key in ("type", "format", "frame", "limit", "field", "type!")
    ),
    *(
        (
            [CELL_TYPE_HEADER, f"B . . {front}a=b . yes"],
            "line 2, encode_query",
            f"'{front}a=b'",
            "follows the ? in the URL",
        )
        for front in ("?", "https://www.encodeproject.org/search/?")
    ),
    ([CELL_TYPE_HEADER, "B . . . blood"], "line 2, gtex_tissue", "'blood'", "such as BLOOD:Whole Blood or LIVER"),
    ([CELL_TYPE_HEADER, "B . . . BLOOD:"], "line 2, gtex_tissue", "'BLOOD:'", "such as BLOOD:Whole Blood or LIVER"),
    ([CELL_TYPE_HEADER, "B . . a=b"], "line 2, stranded", "nothing", "yes or no"),
    ([CELL_TYPE_HEADER, 'B . . a="b" . yes'], "line 2, encode_query", "'a=\"b\"'", "without quotes"),
    (
        [CELL_TYPE_HEADER, "a-b", "a", "c", "b-c"],
        "line 3, cell_type",
        "'a' with 'b-c', which gives the file name of 'a-b' with 'c'",
        "joined by '-'",
    ),
    ([CELL_TYPE_HEADER, "B . . a=b . maybe"], "line 2, stranded", "'maybe'", "yes, no or nothing"),
    ([CELL_TYPE_HEADER, "B . . . BLOOD yes"], "line 2, stranded", "'yes' with a gtex_tissue", "GTEx is unstranded"),
]


@pytest.mark.parametrize(
    ("rows", "place", "found", "expected"), BAD_CELL_TYPES, ids=[bad[2][:40] for bad in BAD_CELL_TYPES]
)
def test_bad_cell_type_sheet_is_one_line(
    tmp_path: Path, rows: list[str], place: str, found: str, expected: str
) -> None:
    path = write_sheet(tmp_path / "cell_types.tsv", *rows)
    with pytest.raises(InputError) as caught:
        read_cell_types(path)
    check_line(caught.value, f"{path}, {place}" if place else str(path), found, expected)


def test_cell_types_that_share_letters_are_accepted(tmp_path: Path) -> None:
    path = write_sheet(tmp_path / "cell_types.tsv", CELL_TYPE_HEADER, "a", "a-a", "A", "mean", "halves", "parts", "NA")
    assert [cell_type.name for cell_type in read_cell_types(path)] == ["a", "a-a", "A", "mean", "halves", "parts", "NA"]


def test_an_excluded_sample_may_repeat_files_and_md5s(tmp_path: Path) -> None:
    path = write_sheet(
        tmp_path / "s.tsv", SAMPLE_HEADER, f"b1 B local p m . {MD5}", f"b2 B local p ./m . {MD5}", "t T local t u"
    )
    assert [sample.name for sample in read_samples(path, [B, T], ["b2"])] == ["b1", "b2", "t"]
    with pytest.raises(InputError, match=r"line 3, plus: found 'p', as in line 2, plus"):
        read_samples(path, [B, T], ["t"])


def test_a_sheet_that_is_missing_or_binary_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "cell_types.tsv"
    with pytest.raises(InputError) as caught:
        read_cell_types(path)
    check_line(caught.value, str(path), "no such file", "a tab-separated sheet")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError) as caught:
        read_cell_types(path)
    check_line(caught.value, f"{path}, line 1", "bytes that are not UTF-8", "text in UTF-8")


SIMULATED = Path("results/simulated")


def simulated(name: str, cell_type: str, folder: str = "results/simulated") -> Sample:
    files = {strand: SignalFile(f"{folder}/{name}.{strand}.bw") for strand in (Strand.PLUS, Strand.MINUS)}
    return Sample(name, cell_type, Source.LOCAL, files)


def test_simulated_samples_are_those_with_settings() -> None:
    samples = [simulated("a", "A"), simulated("mine", "B", "data"), simulated("b", "B")]
    assert list(simulated_samples(samples, ["b", "a"], SIMULATED)) == ["b", "a"]


@pytest.mark.parametrize(
    ("samples", "settings", "where", "expected"),
    [
        ([simulated("a", "A")], ["a", "z"], "simulate.samples.z", "a row for it"),
        ([simulated("a", "A", "data")], ["a"], "sample a", "plus and minus in results/simulated"),
        ([simulated("a", "A"), simulated("b", "A")], ["a"], "sample b", "settings in simulate.samples"),
        ([simulated(name, name) for name in "abc"], ["a", "b", "c"], "simulate.samples", "at most two"),
    ],
)
def test_simulated_samples_that_cannot_be_made_are_refused(
    samples: list[Sample], settings: list[str], where: str, expected: str
) -> None:
    with pytest.raises(InputError, match=expected) as refusal:
        simulated_samples(samples, settings, SIMULATED)
    assert where in str(refusal.value)


@pytest.mark.parametrize(
    ("donors", "one"),
    [(["d", "d"], True), (["d", "e"], False), (["d", ""], False), (["", ""], False), (["d"], False), ([], False)],
)
def test_one_donor_is_known_and_of_two_samples_or_more(donors: list[str], one: bool) -> None:
    samples = [
        Sample(f"s{number}", "B", Source.LOCAL, {}, SampleNotes(donor=donor)) for number, donor in enumerate(donors)
    ]
    assert of_one_donor(samples) is one

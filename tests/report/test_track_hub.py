"""The track hub and the IGV session: parsed by the rules of their formats, every file where they say it is."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from rnatracks.genome.loci import Region, read_loci
from rnatracks.report.track_hub import write_hub, write_session
from rnatracks.vocabulary import Strand, Track

CELL_TYPES = ["amber", "NK.cell-1", "NK_cell_1", "7"]
TRACKS = [Track(name, strand) for name in CELL_TYPES[:3] for strand in (Strand.PLUS, Strand.MINUS)]
TRACKS.append(Track("7", Strand.UNSTRANDED))
SIGNALS = [("", track) for track in TRACKS]
SIGNALS += [(f"genos-{track.cell_type}", track) for track in TRACKS] + [("cnn", track) for track in TRACKS]
LOCI = {"PLEKHG2": Region("chr19", 39_412_000, 39_428_000), "a <b> & c": Region("chr1", 0, 10)}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with empty files in place of bigWigs."""
    root = tmp_path_factory.mktemp("results")
    paths = [
        f"tracks/predicted/{model}/{track}.bw" if model else f"tracks/observed/{track}.bw" for model, track in SIGNALS
    ]
    for path in [*paths, "reference/genome.fa", "reference/annotation.gtf.gz"]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    write_hub(root / "tracks/hub/hub.txt", "hg38", SIGNALS)
    return root


def stanzas(path: Path) -> list[dict[str, str]]:
    """Settings of each stanza; stanzas are parted by empty lines, and each line is a key, a space and a value."""
    made = []
    for block in re.split(r"\n\s*\n", path.read_text().strip()):
        pairs = [line.strip().split(" ", 1) for line in block.splitlines()]
        assert all(len(pair) == 2 and pair[1] for pair in pairs)
        assert len({key for key, _ in pairs}) == len(pairs)
        made.append(dict(pairs))
    return made


def test_hub_and_genomes_hold_the_required_settings(results: Path) -> None:
    folder = results / "tracks/hub"
    (hub,) = stanzas(folder / "hub.txt")
    assert list(hub) == ["hub", "shortLabel", "longLabel", "genomesFile", "email"]
    (genome,) = stanzas(folder / hub["genomesFile"])
    assert genome["genome"] == "hg38"
    assert (folder / genome["trackDb"]).is_file()


def test_every_track_stands_once_and_its_bigwig_exists(results: Path) -> None:
    database = results / "tracks/hub/hg38/trackDb.txt"
    tracks = stanzas(database)
    names = [track["track"] for track in tracks]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in names)
    files = [(database.parent / track["bigDataUrl"]).resolve() for track in tracks if "bigDataUrl" in track]
    assert sorted(files) == sorted((results / "tracks").resolve().rglob("*.bw"))
    assert all(file.is_file() for file in files)


def test_tracks_belong_to_the_composite_of_their_cell_type(results: Path) -> None:
    tracks = stanzas(results / "tracks/hub/hg38/trackDb.txt")
    parents = {track["track"]: track for track in tracks if track.get("compositeTrack") == "on"}
    assert [parent["shortLabel"] for parent in parents.values()] == CELL_TYPES
    latest = None
    for track in tracks:
        assert {"track", "type", "shortLabel", "longLabel"} <= set(track)
        assert len(track["shortLabel"]) <= 17
        assert len(track["longLabel"]) <= 80
        if track["track"] in parents:
            latest = track
            continue
        name, on = track["parent"].split()
        assert (name, on) == (latest["track"], "on")
        assert f"/{latest['shortLabel']}." in track["bigDataUrl"]
        own = dict(pair.split("=") for pair in track["subGroups"].split())
        for number in ("1", "2"):
            key, _, *members = latest[f"subGroup{number}"].split()
            assert own[key] in dict(member.split("=") for member in members)


def test_colour_and_direction_tell_strand_and_kind(results: Path) -> None:
    for track in stanzas(results / "tracks/hub/hg38/trackDb.txt"):
        if "bigDataUrl" in track:
            observed, minus = "observed/" in track["bigDataUrl"], "minus" in track["subGroups"]
            light = "86,180,233" if observed else "230,159,0"
            assert track["color"] == (light if minus else "0,114,178" if observed else "213,94,0")
            assert track.get("negateValues", "off") == ("on" if minus else "off")


@pytest.mark.parametrize("genome", ["hg38", "../reference/genome.fa"])
def test_session(results: Path, genome: str) -> None:
    session_file = results / "tracks/igv_session.xml"
    write_session(session_file, genome, SIGNALS, LOCI)
    session = ET.parse(session_file).getroot()
    assert (session.tag, session.get("genome"), session.get("locus")) == ("Session", genome, "chr19:39412001-39428000")
    resources = [resource.get("path") for resource in session.iter("Resource")]
    assert all((session_file.parent / path).is_file() for path in resources)
    assert [track.get("id") for track in session.iter("Track")] == [path for path in resources if path.endswith(".bw")]
    assert len(set(resources)) == len(SIGNALS) + (genome != "hg38")
    groups = {
        (track.get("id").split("/")[-1].rsplit(".", 2)[0], track.get("autoscaleGroup"))
        for track in session.iter("Track")
    }
    assert {name for name, _ in groups} == set(CELL_TYPES)
    assert len({group for _, group in groups}) == len(groups) == len(CELL_TYPES)
    regions = [
        tuple(region.get(key) for key in ("description", "chromosome", "start", "end"))
        for region in session.iter("Region")
    ]
    assert regions == [("PLEKHG2", "chr19", "39412000", "39428000"), ("a <b> & c", "chr1", "0", "10")]


def test_session_without_loci_shows_the_whole_genome(tmp_path: Path) -> None:
    write_session(tmp_path / "igv.xml", "hg38", SIGNALS, {})
    assert ET.parse(tmp_path / "igv.xml").getroot().get("locus") == "All"


def test_read_loci(tmp_path: Path) -> None:
    table = tmp_path / "loci.tsv"
    table.write_text("locus\tchrom\tstart\tend\nNA\t1\t4\t9\n1_1-3\t1\t0\t3\n")
    assert read_loci(table, {"1_1-3": "1:1-3", "NA": " NA"}) == {"NA": Region("1", 4, 9), "1:1-3": Region("1", 0, 3)}

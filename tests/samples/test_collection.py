"""The published collection: its sheets, the script that writes them, and the search for all of it."""

import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from servers.collection import made_up
from servers.recount3 import recount3_files
from servers.server import DataServer

from rnatracks.config.data import SourceSettings
from rnatracks.qc.nonzero_means import read_published_means
from rnatracks.samples.sample import CellType, tracks_of
from rnatracks.samples.search import resolve
from rnatracks.samples.sheets import read_cell_types

COLLECTION = Path(__file__).parents[2] / "config" / "collection"
TODAY = date(2026, 1, 2)


@pytest.fixture(scope="module")
def cell_types() -> list[CellType]:
    return read_cell_types(COLLECTION / "cell_types.tsv")


def test_the_sheets_have_the_667_published_tracks(cell_types: list[CellType]) -> None:
    """271 stranded and 71 unstranded ENCODE cell types and 54 GTEx tissues, each with one published mean a track."""
    kinds = Counter(("gtex" if each.gtex_tissue else "encode", each.stranded) for each in cell_types)
    assert kinds == {("encode", True): 271, ("encode", False): 71, ("gtex", False): 54}
    tracks = [str(track) for each in cell_types for track in tracks_of(each, ())]
    assert len(tracks) == len(set(tracks)) == 667
    assert len({name.lower() for name in tracks}) == 667  # also where file names ignore case
    assert [*read_published_means(COLLECTION / "nonzero_means.tsv", tracks)] == tracks


def test_no_two_cell_types_ask_for_the_same_files(cell_types: list[CellType]) -> None:
    asked = [(each.encode_query or each.gtex_tissue, each.stranded) for each in cell_types]
    assert len(set(asked)) == len(asked)
    keys = [(each.encode_query.split("&")[:2], each.stranded) for each in cell_types if each.encode_query]
    assert len(set(map(str, keys))) == len(keys)  # assay, ontology term and strandedness suffice


def test_the_script_writes_the_sheets_from_the_published_table(real_data: Path, tmp_path: Path) -> None:
    tracks = real_data / "collection_667_tracks" / "tracks.tsv"
    subprocess.run([sys.executable, str(COLLECTION / "make.py"), str(tracks), "--folder", str(tmp_path)], check=True)
    for name in ("cell_types.tsv", "nonzero_means.tsv"):
        assert (tmp_path / name).read_text() == (COLLECTION / name).read_text()


def test_every_published_track_is_one_of_ours(real_data: Path, cell_types: list[CellType]) -> None:
    """By ontology, assay, source and strand, which are read from the sheet without the script."""
    published = pd.read_csv(real_data / "collection_667_tracks" / "tracks.tsv", sep="\t", keep_default_na=False)
    means = read_published_means(
        COLLECTION / "nonzero_means.tsv", [str(track) for each in cell_types for track in tracks_of(each, ())]
    )
    ours = {}
    for each in cell_types:
        assay = (each.description or "").split("), ")[1].split(", ")[0]
        for track in tracks_of(each, ()):
            source = "gtex" if each.gtex_tissue else "encode"
            ours[source, each.ontology, assay, str(track.strand)] = means[str(track)]
    theirs = published.set_index(["source", "ontology", "assay", "strand"])["nonzero_mean"].to_dict()
    assert ours == theirs


def test_the_search_finds_the_samples_of_all_cell_types(cell_types: list[CellType]) -> None:
    """Of four experiments of each, the one of another life stage and the one of another run type are left out."""
    world = made_up(cell_types, lambda *what: str(what).encode())
    with DataServer(world.encode, recount3_files(world.gtex)) as server:
        sources = SourceSettings(encode=server.url(), recount3=server.url("/recount3"), gtex_samples=2)
        found = {each.name: resolve(each, (), sources, TODAY) for each in cell_types}
    assert len(found) == 396
    for each in cell_types:
        names = [sample.name for sample in found[each.name].samples]
        expected = world.expected[each.name]
        if each.encode_query:
            assert (names, len(found[each.name].rejected)) == (expected, 4 if each.stranded else 2), each.name
            assert all("its experiment does not pass repl" in reject.reason for reject in found[each.name].rejected)
        else:  # evenly spread: the first and the second of three
            assert names == expected[:2]
            left = [reject for reject in found[each.name].rejected if reject.reason.startswith("sources.gtex_samples")]
            assert [reject.accession for reject in left] == expected[2:]

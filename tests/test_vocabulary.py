"""Names of strands and tracks, and which reads a track holds."""

import pytest

from rnatracks.errors import InputError
from rnatracks.vocabulary import Strand, Track, opposite_tracks


@pytest.mark.parametrize(
    ("strand", "symbol", "holds_plus", "holds_minus"),
    [
        (Strand.PLUS, "+", True, False),
        (Strand.MINUS, "-", False, True),
        (Strand.UNSTRANDED, ".", True, True),
    ],
)
def test_strand(strand: Strand, symbol: str, holds_plus: bool, holds_minus: bool) -> None:
    assert strand.symbol == symbol
    assert strand.holds("+") is holds_plus
    assert strand.holds("-") is holds_minus


@pytest.mark.parametrize(
    ("name", "track"),
    [
        ("GM12878.plus", Track("GM12878", Strand.PLUS)),
        ("NK.minus", Track("NK", Strand.MINUS)),
        ("Whole.Blood.v8.unstranded", Track("Whole.Blood.v8", Strand.UNSTRANDED)),
    ],
)
def test_track_names_go_there_and_back(name: str, track: Track) -> None:
    assert Track.parse(name) == track
    assert str(track) == name


@pytest.mark.parametrize("name", ["GM12878", "GM12878.+", "GM12878.both", ""])
def test_a_name_without_a_strand_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a valid Strand"):
        Track.parse(name)


@pytest.mark.parametrize(
    ("names", "line"),
    [
        (["B.plus"], "reverse complement: found track B.plus without B.minus; expected both strands of each cell type"),
        (["B.unstranded", "B.plus", "T.minus", "T.plus"], "reverse complement: found track B.plus without B.minus"),
    ],
)
def test_a_track_without_its_other_strand_is_refused(names: list[str], line: str) -> None:
    with pytest.raises(InputError) as caught:
        opposite_tracks(names)
    assert str(caught.value).startswith(line)


def test_tracks_sort_by_cell_type() -> None:
    tracks = [Track("NK", Strand.MINUS), Track("B", Strand.PLUS), Track("NK", Strand.PLUS), Track("B", Strand.MINUS)]
    assert [str(track) for track in sorted(tracks)] == ["B.minus", "B.plus", "NK.minus", "NK.plus"]

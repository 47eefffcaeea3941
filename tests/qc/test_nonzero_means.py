"""Nonzero means next to published ones: the table that is read, its faults, and the comparison."""

from pathlib import Path

import pandas as pd
import pytest

from rnatracks.errors import InputError
from rnatracks.files import write_table
from rnatracks.qc.nonzero_means import compare_nonzero_means, read_nonzero_means, read_published_means
from rnatracks.tracks.average import TrackStatistics

TRACKS = ["NK.plus", "NK.minus", "liver.unstranded"]


def statistics(track: str, nonzero_mean: float) -> TrackStatistics:
    return TrackStatistics(
        track=track, samples=2, bases=100, total=1.0, mean=0.01, nonzero=10, nonzero_mean=nonzero_mean, maximum=1.0
    )


def published(folder: Path, *rows: str) -> Path:
    path = folder / "means.tsv"
    path.write_text("".join(f"{row}\n" for row in ("# a comment", "track\tnonzero_mean", *rows)))
    return path


def test_published_means_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = published(tmp_path, "liver.unstranded\t5e-2", "NK.plus\t0.09643")
    assert list(read_published_means(path, TRACKS).items()) == [("liver.unstranded", 0.05), ("NK.plus", 0.09643)]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (["NK.pls\t1"], "line 3, track: found 'NK.pls'; expected tracks of this run: NK.plus, NK.minus"),
        (["NK.plus\t1", "NK.plus\t1"], "line 4, track: found 'NK.plus', as in line 3; expected each track once"),
        (["NK.plus\t0"], "line 3, nonzero_mean: found '0'; expected a positive number"),
        (["NK.plus\t-0.1"], "line 3, nonzero_mean: found '-0.1'; expected a positive number"),
        (["NK.plus\tnan"], "line 3, nonzero_mean: found 'nan'; expected a positive number"),
        (["NK.plus\tinf"], "line 3, nonzero_mean: found 'inf'; expected a positive number"),
        (["NK.plus\t"], "line 3, nonzero_mean: found ''; expected a positive number"),
        (["NK.plus\t1\t2"], "line 3: found 3 cells"),
        ([], "found no track; expected one row per track"),
    ],
)
def test_bad_tables_are_refused_in_one_line(tmp_path: Path, rows: list[str], line: str) -> None:
    with pytest.raises(InputError) as caught:
        read_published_means(published(tmp_path, *rows), TRACKS)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_track_that_is_furthest_off_comes_first(tmp_path: Path) -> None:
    """By hand: 0.03/0.1 = 0.3 is off by 3.3, 0.12/0.06 = 2 by 2, which is not yet far, and 0 by more than any."""
    ours = [statistics("a.plus", 0.12), statistics("b.plus", 0.03), statistics("c.plus", 0.0), statistics("d.plus", 1)]
    made = compare_nonzero_means(ours, {"a.plus": 0.06, "b.plus": 0.1, "c.plus": 0.1})
    assert made["track"].tolist() == ["c.plus", "b.plus", "a.plus"]
    assert made["ratio"].tolist() == pytest.approx([0, 0.3, 2])
    assert made["far"].tolist() == ["yes", "yes", "no"]
    write_table(made, tmp_path / "made.tsv")
    pd.testing.assert_frame_equal(read_nonzero_means(tmp_path / "made.tsv"), made)

"""Steps over stitching seams, against NumPy whole arrays; planted seams are found."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bigwigs import read_bases, write_bases

from rnatracks.evaluation.seams import mean_profiles, relative, seam_places, step_profile, write_profiles
from rnatracks.prediction.stitching import Stitch, View, stitch, tile_weights
from rnatracks.tracks.bigwig import Coverage

LENGTHS = {"chr1": 1_000, "chr2": 37, "chr3": 1}


@pytest.fixture(scope="module")
def track(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(6)
    arrays = {chrom: np.where(rng.random(n) < 0.3, 0, rng.lognormal(0, 1, n)) for chrom, n in LENGTHS.items()}
    return write_bases(tmp_path_factory.mktemp("seams") / "track.bw", arrays)


@pytest.mark.parametrize("block", [1, 2, 63, 64, 999, 1_000, 1 << 20])
@pytest.mark.parametrize("period", [1, 7, 64, 1_200])
def test_profile_equals_numpy_on_whole_arrays_for_any_block(track: Path, period: int, block: int) -> None:
    steps: dict[int, list[float]] = {}
    for chrom in LENGTHS:
        values = np.nan_to_num(read_bases(track, chrom))
        for position in range(1, len(values)):
            steps.setdefault(position % period, []).append(abs(values[position] - values[position - 1]))
    expected = [np.mean(steps[place]) if place in steps else np.nan for place in range(period)]
    with Coverage(track) as coverage:
        found = step_profile(coverage, LENGTHS, period, block)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_relative_profile_has_mean_one() -> None:
    np.testing.assert_allclose(relative(np.array([1.0, 3.0, np.nan])), [0.5, 1.5, np.nan])
    assert np.isnan(relative(np.zeros(3))).all()
    assert np.isnan(relative(np.full(3, np.nan))).all()


def test_profiles_of_tracks_are_averaged_relative_to_their_own_mean(tmp_path: Path) -> None:
    write_profiles(tmp_path / "a.tsv", np.array([1.0, 3.0]), np.array([10.0, 10.0]))
    write_profiles(tmp_path / "b.tsv", np.array([100.0, 100.0]), np.array([0.0, np.nan]))
    found = mean_profiles([tmp_path / "a.tsv", tmp_path / "b.tsv"])
    pd.testing.assert_frame_equal(
        found, pd.DataFrame({"observed": [0.75, 1.25], "predicted": [1.0, 1.0]}, pd.Index([0, 1], name="place"))
    )


@pytest.mark.parametrize("mode", Stitch)
@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize(("size", "overlap"), [(32, 16), (32, 8), (33, 16), (30, 20), (31, 0)])
def test_seams_are_where_stitched_tiles_jump(mode: Stitch, view: View, size: int, overlap: int) -> None:
    """Tiles of a constant each: a base differs from the one before only where the weights' mix changes."""
    period, tiles = size - overlap, 40
    end = period * (tiles - 1) + size
    values = np.random.default_rng(7).random(tiles)
    stretches = stitch(
        ((period * index, np.full((1, size), value)) for index, value in enumerate(values)),
        0,
        end,
        tile_weights(mode, size, [view]),
    )
    stitched = np.concatenate([part[0] for _, part in stretches])
    inner = slice(3 * size, end - 3 * size)
    jumps = np.abs(np.diff(stitched, prepend=stitched[0]))[inner]
    places = np.arange(end)[inner] % period
    changed = set(places[jumps > 1e-12].tolist())
    if mode is Stitch.BLEND:  # it changes at every base, but its slope only where tiles begin, end or peak
        assert 0 in seam_places(size, overlap, mode)
    else:
        assert changed <= set(seam_places(size, overlap, mode))
        assert changed

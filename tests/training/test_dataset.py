"""What a window holds, base by base against its files; what is drawn for an epoch; loader processes."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pyfaidx
import pytest
import torch
from jobs import SIZE, make_windows, tile
from models import TOKEN_IDS, random_bases, write_fasta, write_tracks
from torch.utils.data import DataLoader

from rnatracks.errors import InputError
from rnatracks.genome.bed import read_bed
from rnatracks.model.backbone import token_lookup
from rnatracks.tracks.squash import unsquash
from rnatracks.tracks.targets import TargetTrack, target_tracks
from rnatracks.training import dataset as room
from rnatracks.training.dataset import (
    Draw,
    WindowDataset,
    WindowSampler,
    evenly_spread,
    shuffled_targets,
    training_windows,
)

LOOKUP = token_lookup(TOKEN_IDS)
LENGTHS = {"chr1": 1000, "chr2": 500, "chr3": 500, "chr4": 40}
PARTNERS = {"A": "T", "C": "G", "G": "C", "T": "A"}
OTHER_STRAND = {"plus": "minus", "minus": "plus", "unstranded": "unstranded"}
IGNORED = -100.0
Place = tuple[str, int, int]


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    sequences = {chrom: random_bases(rng, length) for chrom, length in LENGTHS.items()}
    chr1 = sequences["chr1"]
    sequences["chr1"] = chr1[:300] + "N" * 50 + chr1[350:400].lower() + "RYKM" + chr1[404:]
    return write_fasta(tmp_path / "genome.fa", sequences)


def random_tracks(folder: Path, names: Sequence[str], means: Sequence[float]) -> list[TargetTrack]:
    rng = np.random.default_rng(1)
    coverage = {name: {chrom: rng.gamma(0.3, 20, length) for chrom, length in LENGTHS.items()} for name in names}
    return write_tracks(folder, coverage, means)


@pytest.fixture
def tracks(tmp_path: Path) -> list[TargetTrack]:
    """The strands have their own m, as with `normalisation.track_mean: track`."""
    return random_tracks(tmp_path, ["B.plus", "B.minus"], [0.4, 0.9])


@pytest.fixture
def many_tracks(tmp_path: Path) -> list[TargetTrack]:
    """Three cell types, one unstranded and one with a dot in its name, in mixed order."""
    names = ["NK.minus", "B.cell.plus", "T.unstranded", "NK.plus", "B.cell.minus"]
    return random_tracks(tmp_path, names, [0.4, 2.0, 1.1, 0.4, 2.0])


def squashed(coverage: float, mean: float) -> float:
    x = (coverage / mean) ** 0.75
    return x if x <= 10 else 2 * (10 * x) ** 0.5 - 10


def assert_holds(
    item: dict[str, torch.Tensor],
    size: int,
    fasta: Path,
    tracks: Sequence[TargetTrack],
    place: Place,
    *,
    flipped: bool = False,
    target: Place | None = None,
    black: frozenset[tuple[str, int]] = frozenset(),
) -> None:
    """Compare an item with its files, base by base: the bases of `place` with the coverage of `target`.

    A base that is N in either counts for nothing.
    """
    chrom, start, end = place
    target_chrom, target_start, target_end = target or place
    bases = str(pyfaidx.Fasta(str(fasta))[chrom][start:end]).upper()
    others = str(pyfaidx.Fasta(str(fasta))[target_chrom][target_start:target_end]).upper()
    coverage = {
        track.name: pyBigWig.open(str(track.path)).values(target_chrom, target_start, target_end) for track in tracks
    }
    tokens, labels = [], {track.name: [] for track in tracks}
    for i in range(size):
        if i >= len(bases):
            tokens.append(TOKEN_IDS["N"])
            for row in labels.values():
                row.append(IGNORED)
            continue
        source = len(bases) - 1 - i if flipped else i
        base = PARTNERS.get(bases[source], "N") if flipped else bases[source]
        tokens.append(TOKEN_IDS.get(base, TOKEN_IDS["N"]))
        for track in tracks:
            cell_type, _, strand = track.name.rpartition(".")
            origin = f"{cell_type}.{OTHER_STRAND[strand]}" if flipped else track.name
            known = {bases[source], others[source]} <= set("ACGT")
            ignored = not known or (target_chrom, target_start + source) in black
            value = squashed(coverage[origin][source], track.nonzero_mean)
            labels[track.name].append(IGNORED if ignored else value)
    assert set(item) == {"input_ids", "labels"}
    assert item["input_ids"].dtype == torch.int64
    assert item["labels"].dtype == torch.float32
    assert item["input_ids"].tolist() == tokens
    assert item["labels"].shape == (len(tracks), size)
    np.testing.assert_allclose(item["labels"].numpy(), list(labels.values()), rtol=1e-5)


def one_window(place: Place, size: int, fasta: Path, tracks: Sequence[TargetTrack], **options: object) -> WindowDataset:
    return WindowDataset(make_windows((*place, "train")), size, fasta, tracks, LOOKUP, **options)


PLACES = {
    "first": ("chr1", 0, 64),
    "gap": ("chr1", 290, 354),
    "lower case and RYKM": ("chr1", 380, 444),
    "last": ("chr1", 936, 1000),
    "shorter": ("chr2", 10, 60),
    "shorter at the end": ("chr2", 480, 500),
    "shorter chromosome": ("chr4", 0, 40),
    "only N": ("chr1", 300, 350),
}


@pytest.mark.parametrize("flipped", [False, True], ids=["as it is", "flipped"])
@pytest.mark.parametrize("size", [64, 67], ids=["even", "odd"])
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_window_equals_its_sources(
    fasta: Path, tracks: list[TargetTrack], place: Place, size: int, flipped: bool
) -> None:
    """A flipped window that is shorter than `size` flips its own bases: the padding stays at its end."""
    dataset = one_window(place, size, fasta, tracks)
    assert len(dataset) == 1
    assert_holds(dataset[Draw(0, 0, flipped)], size, fasta, tracks, place, flipped=flipped)


def test_odd_window_flips_about_its_middle_base(fasta: Path, tracks: list[TargetTrack]) -> None:
    plain, flipped = (one_window(("chr2", 100, 163), 63, fasta, tracks)[Draw(0, 0, flip)] for flip in (False, True))
    assert flipped["input_ids"][31] == TOKEN_IDS["T"] - plain["input_ids"][31]  # A C G T are 0 1 2 3

    def coverage(label: torch.Tensor, track: int) -> float:
        """On the scale of the track, whose m is its own."""
        return float(unsquash(label.double().numpy(), tracks[track].nonzero_mean))

    for (track, base), (origin, source) in {(0, 31): (1, 31), (1, 0): (0, 62)}.items():
        found, expected = flipped["labels"][track, base], plain["labels"][origin, source]
        assert coverage(found, track) == pytest.approx(coverage(expected, origin), rel=1e-5)


def test_a_row_is_a_draw_without_augmentation(fasta: Path, tracks: list[TargetTrack]) -> None:
    dataset = one_window(("chr2", 100, 164), SIZE, fasta, tracks)
    for key, value in dataset[0].items():
        assert torch.equal(value, dataset[Draw(0)][key])


@pytest.mark.parametrize("flipped", [False, True], ids=["as it is", "flipped"])
def test_every_cell_type_swaps_its_own_strands(fasta: Path, many_tracks: list[TargetTrack], flipped: bool) -> None:
    place = ("chr2", 33, 97)
    item = one_window(place, SIZE, fasta, many_tracks)[Draw(0, 0, flipped)]
    assert_holds(item, SIZE, fasta, many_tracks, place, flipped=flipped)


def test_flipped_twice_is_unflipped(fasta: Path, many_tracks: list[TargetTrack]) -> None:
    dataset = one_window(("chr1", 290, 354), SIZE, fasta, many_tracks)
    plain, flipped = dataset[Draw(0)], dataset[Draw(0, 0, True)]
    assert torch.equal(flipped["labels"].flip(1)[[3, 4, 2, 0, 1]], plain["labels"])
    assert not torch.equal(flipped["labels"], plain["labels"])


@pytest.mark.parametrize("flipped", [False, True], ids=["as it is", "flipped"])
@pytest.mark.parametrize(
    ("place", "shift", "moved"),
    [
        (("chr2", 100, 164), 7, ("chr2", 107, 171)),
        (("chr2", 100, 164), -7, ("chr2", 93, 157)),
        (("chr2", 100, 164), 0, ("chr2", 100, 164)),
        (("chr2", 5, 69), -5, ("chr2", 0, 64)),
        (("chr2", 5, 69), -6, ("chr2", 0, 64)),
        (("chr2", 0, 64), -1, ("chr2", 0, 64)),
        (("chr2", 0, 64), 3, ("chr2", 3, 67)),
        (("chr2", 431, 495), 5, ("chr2", 436, 500)),
        (("chr2", 431, 495), 6, ("chr2", 436, 500)),
        (("chr2", 436, 500), 1, ("chr2", 436, 500)),
        (("chr2", 436, 500), -2, ("chr2", 434, 498)),
        (("chr2", 100, 164), 10_000, ("chr2", 436, 500)),
        (("chr2", 100, 164), -10_000, ("chr2", 0, 64)),
        (("chr4", 0, 40), 9, ("chr4", 0, 40)),
        (("chr4", 0, 40), -9, ("chr4", 0, 40)),
        (("chr1", 236, 300), 9, ("chr1", 245, 309)),
    ],
)
def test_shift_moves_the_window_within_its_chromosome(
    fasta: Path, tracks: list[TargetTrack], place: Place, shift: int, moved: Place, flipped: bool
) -> None:
    item = one_window(place, SIZE, fasta, tracks)[Draw(0, shift, flipped)]
    assert_holds(item, SIZE, fasta, tracks, moved, flipped=flipped)


# --- Blacklist


def regions(*places: Place) -> pd.DataFrame:
    return pd.DataFrame(places, columns=["chrom", "start", "end"])


def bases_of(blacklist: pd.DataFrame) -> frozenset[tuple[str, int]]:
    rows = blacklist.itertuples(index=False)
    return frozenset((chrom, base) for chrom, start, end in rows for base in range(start, end))


BLACKLISTS = {
    "one base": regions(("chr2", 110, 111)),
    "first and last base": regions(("chr2", 100, 101), ("chr2", 163, 164)),
    "next to the window": regions(("chr2", 99, 100), ("chr2", 164, 165)),
    "across both borders": regions(("chr2", 90, 103), ("chr2", 160, 170)),
    "ends at the border": regions(("chr2", 0, 100), ("chr2", 164, 500)),
    "overlapping": regions(("chr2", 110, 120), ("chr2", 115, 130)),
    "nested": regions(("chr2", 105, 150), ("chr2", 110, 112), ("chr2", 140, 141)),
    "nested, ends before the window": regions(("chr2", 50, 150), ("chr2", 60, 70)),
    "adjacent": regions(("chr2", 110, 120), ("chr2", 120, 130)),
    "not in order, one twice": regions(("chr2", 150, 160), ("chr2", 101, 104), ("chr2", 150, 160)),
    "whole window": regions(("chr2", 0, 400)),
    "beyond the chromosome": regions(("chr2", 150, 9_999)),
    "other chromosomes": regions(("chr1", 100, 164), ("chr20", 100, 164), ("chrUn", 0, 1000)),
    "several chromosomes": regions(("chr3", 100, 120), ("chr2", 121, 123), ("chr1", 120, 164), ("chr2", 102, 103)),
    "none": regions(),
}


@pytest.mark.parametrize("flipped", [False, True], ids=["as it is", "flipped"])
@pytest.mark.parametrize("shift", [0, 3])
@pytest.mark.parametrize("blacklist", BLACKLISTS.values(), ids=BLACKLISTS.keys())
def test_blacklisted_bases_do_not_count(
    fasta: Path, tracks: list[TargetTrack], blacklist: pd.DataFrame, shift: int, flipped: bool
) -> None:
    item = one_window(("chr2", 100, 164), SIZE, fasta, tracks, blacklist=blacklist)[Draw(0, shift, flipped)]
    place = ("chr2", 100 + shift, 164 + shift)
    assert_holds(item, SIZE, fasta, tracks, place, flipped=flipped, black=bases_of(blacklist))


def test_random_blacklist_equals_a_mask_of_the_genome(fasta: Path, tracks: list[TargetTrack]) -> None:
    rng = np.random.default_rng(7)
    places = []
    for chrom, length in LENGTHS.items():
        starts = rng.integers(0, length, 12)
        places += [(chrom, int(start), int(start + rng.integers(1, 30))) for start in starts]
    blacklist = regions(*(places[row] for row in rng.permutation(len(places))))
    masks = {chrom: np.zeros(length + 100, bool) for chrom, length in LENGTHS.items()}
    for chrom, start, end in places:
        masks[chrom][start:end] = True
    genome = pyfaidx.Fasta(str(fasta), sequence_always_upper=True)
    windows = make_windows(
        *((chrom, start, start + SIZE, "train") for chrom in ("chr1", "chr2") for start in range(0, 430, 11))
    )
    dataset = WindowDataset(windows, SIZE, fasta, tracks, LOOKUP, blacklist=blacklist)
    for row, (chrom, start, end) in enumerate(windows[["chrom", "start", "end"]].itertuples(index=False)):
        known = np.array([base in "ACGT" for base in str(genome[chrom][start:end])])
        counted = dataset[row]["labels"].numpy() != IGNORED
        assert (counted == (known & ~masks[chrom][start:end])).all(), (chrom, start)


def test_empty_file_blacklists_nothing(tmp_path: Path, fasta: Path, tracks: list[TargetTrack]) -> None:
    (tmp_path / "empty.bed").write_text("")
    place = ("chr2", 100, 164)
    dataset = one_window(place, SIZE, fasta, tracks, blacklist=read_bed(tmp_path / "empty.bed"))
    assert_holds(dataset[0], SIZE, fasta, tracks, place)


# --- Target tracks and the choice of windows


def test_target_tracks_average_over_the_strands_of_a_cell_type(tmp_path: Path) -> None:
    means = {"B.cell.plus": 1.0, "NK.plus": 10.0, "B.cell.minus": 3.0, "NK.minus": 30.0, "T.unstranded": 7.0}
    for name, mean in means.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"track": name, "nonzero_mean": mean}))
    bigwigs = [tmp_path / f"{name}.bw" for name in means]
    found = target_tracks([tmp_path / f"{name}.json" for name in means], bigwigs)
    assert [track.name for track in found] == list(means)
    assert [track.path for track in found] == bigwigs
    assert [track.nonzero_mean for track in found] == [2.0, 20.0, 2.0, 20.0, 7.0]
    own = target_tracks([tmp_path / f"{name}.json" for name in means], bigwigs, "track")
    assert [track.nonzero_mean for track in own] == list(means.values())


@pytest.mark.parametrize("mean", ["0.0", "-1.0", "NaN", "Infinity"])
def test_tracks_without_signal_are_refused(tmp_path: Path, mean: str) -> None:
    path = tmp_path / "B.plus.json"
    path.write_text(f'{{"track": "B.plus", "nonzero_mean": {mean}}}')
    with pytest.raises(InputError, match=r"B.plus.json, nonzero_mean: found .*; expected a positive finite number"):
        target_tracks([path], [tmp_path / "B.plus.bw"])


def test_training_windows_drop_gaps_and_blacklist() -> None:
    windows = make_windows(*tile("chr1", "train", 4 * SIZE)).assign(
        n_fraction=[0, 0.5, 0.51, 0], blacklist_fraction=[0.2, 0, 0, 0.21]
    )
    kept = training_windows(windows, 0.5, 0.2)
    assert kept["start"].tolist() == [0, SIZE]
    assert kept.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("count", "most", "chosen"),
    [
        (5, 5, [0, 1, 2, 3, 4]),
        (5, 1000, [0, 1, 2, 3, 4]),
        (5, 3, [0, 2, 4]),
        (9, 5, [0, 2, 4, 6, 8]),
        (7, 1, [0]),
        (0, 10, []),
    ],
)
def test_evenly_spread_windows(count: int, most: int, chosen: list[int]) -> None:
    found = evenly_spread(pd.DataFrame({"row": range(count)}), most)
    assert found["row"].tolist() == chosen
    assert found.index.tolist() == list(range(len(chosen)))


@pytest.mark.parametrize("count", [11, 100, 101, 997])
def test_evenly_spread_windows_are_ends_and_even_steps(count: int) -> None:
    rows = evenly_spread(pd.DataFrame({"row": range(count)}), 10)["row"].to_numpy()
    assert (rows[0], rows[-1], len(rows)) == (0, count - 1, 10)
    assert np.abs(np.diff(rows) - (count - 1) / 9).max() < 1
    assert np.diff(rows).min() >= 1


# --- The control with shuffled targets


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_targets_permute_without_fixed_points(seed: int) -> None:
    lengths = np.random.default_rng(seed).permutation([64] * 20 + [50] * 2 + [33])
    windows = make_windows(*(("chr1", 0, int(length), "train") for length in lengths))
    target_of = shuffled_targets(windows, seed)
    assert sorted(target_of) == list(range(23))
    assert (lengths[target_of] == lengths).all()
    assert (target_of == np.arange(23)).tolist() == (lengths == 33).tolist()
    assert (target_of == shuffled_targets(windows, seed)).all()
    assert (target_of != shuffled_targets(windows, seed + 1)).any()


def test_shuffled_windows_keep_their_bases(fasta: Path, tracks: list[TargetTrack]) -> None:
    """Labels and blacklist are those of the target's place; the padding is the window's own, N of either counts."""
    places = [
        ("chr1", 290, 354),
        ("chr2", 100, 164),
        ("chr4", 0, 40),
        ("chr2", 436, 500),
        ("chr3", 200, 240),
    ]
    targets = [1, 3, 4, 0, 2]
    blacklist = regions(("chr2", 110, 120), ("chr3", 0, 210))
    windows = make_windows(*((*place, "train") for place in places))
    shuffled = WindowDataset(
        windows, SIZE, fasta, tracks, LOOKUP, blacklist=blacklist, target_of=np.array(targets, np.int64)
    )
    for row, target in enumerate(targets):
        for flipped in (False, True):
            assert_holds(
                shuffled[Draw(row, 0, flipped)],
                SIZE,
                fasta,
                tracks,
                places[row],
                flipped=flipped,
                target=places[target],
                black=bases_of(blacklist),
            )


def test_shuffled_window_and_target_move_alike_but_for_their_chromosomes_ends(
    fasta: Path, tracks: list[TargetTrack]
) -> None:
    windows = make_windows(("chr2", 100, 164, "train"), ("chr3", 434, 498, "train"))
    dataset = WindowDataset(windows, SIZE, fasta, tracks, LOOKUP, target_of=np.array([1, 0]))
    assert_holds(
        dataset[Draw(0, 5, True)], SIZE, fasta, tracks, ("chr2", 105, 169), flipped=True, target=("chr3", 436, 500)
    )


# --- The sampler


def make_sampler(windows: int = 10, batch: int = 4, **changes: object) -> WindowSampler:
    return WindowSampler(windows, batch, **{"shift": 0, "reverse_complement": False, "seed": 1} | changes)


def epoch_of(sampler: WindowSampler, epoch: int) -> list[Draw]:
    sampler.epoch = epoch
    return list(sampler)


@pytest.mark.parametrize(
    ("windows", "batch", "length"),
    [(10, 4, 12), (12, 4, 12), (1, 1, 1), (1, 4, 4), (3, 8, 8), (3, 7, 7), (9, 10, 10), (100, 64, 128)],
)
@pytest.mark.parametrize("epoch", [0, 1])
def test_an_epoch_is_every_window_once_and_then_some_again(windows: int, batch: int, length: int, epoch: int) -> None:
    sampler = make_sampler(windows, batch)
    rows = [draw.row for draw in epoch_of(sampler, epoch)]
    assert len(sampler) == len(rows) == length
    assert sorted(rows[:windows]) == list(range(windows))
    times = Counter(rows)
    assert set(times) == set(range(windows))
    assert max(times.values()) - min(times.values()) <= 1


def test_epochs_and_seeds_differ_in_order() -> None:
    orders = [list(range(100))]
    for seed in (1, 2):
        orders += [[draw.row for draw in epoch_of(make_sampler(100, seed=seed), epoch)] for epoch in (0, 1)]
    assert all(one != other for place, one in enumerate(orders) for other in orders[:place])


def test_an_epoch_is_the_same_wherever_it_begins() -> None:
    """As for a training that was resumed in its third epoch; what others drew in the meantime does not matter."""
    augmented = {"shift": 9, "reverse_complement": True}
    through = make_sampler(50, **augmented)
    first, second, third = (epoch_of(through, epoch) for epoch in range(3))
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    resumed = make_sampler(50, **augmented)
    assert epoch_of(resumed, 2) == third
    assert epoch_of(resumed, 0) == first
    assert second not in (first, third)


def test_augmentation_does_not_change_the_order() -> None:
    plain, augmented = make_sampler(50), make_sampler(50, shift=9, reverse_complement=True)
    assert [draw.row for draw in epoch_of(plain, 3)] == [draw.row for draw in epoch_of(augmented, 3)]


@pytest.mark.parametrize("shift", [0, 1, 5])
def test_shifts_are_even_over_their_range(shift: int) -> None:
    shifts = Counter(draw.shift for draw in epoch_of(make_sampler(4000, shift=shift), 0))
    assert set(shifts) == set(range(-shift, shift + 1))
    expected = 4000 / (2 * shift + 1)
    assert all(abs(times - expected) < 5 * expected**0.5 for times in shifts.values())


def test_half_of_the_windows_are_flipped_by_chance() -> None:
    sampler = make_sampler(4000, reverse_complement=True)
    first, second = (epoch_of(sampler, epoch) for epoch in (0, 1))
    for draws in (first, second):
        assert abs(sum(draw.flipped for draw in draws) - 2000) < 5 * 1000**0.5
    flipped = [{draw.row for draw in draws if draw.flipped} for draws in (first, second)]
    assert 0.2 < len(flipped[0] & flipped[1]) / 4000 < 0.3
    assert not any(draw.flipped for draw in epoch_of(make_sampler(4000, shift=3), 0))


def test_shift_and_flip_are_drawn_apart() -> None:
    draws = epoch_of(make_sampler(4000, shift=1, reverse_complement=True), 0)
    together = Counter((draw.shift, draw.flipped) for draw in draws)
    assert len(together) == 6
    assert all(abs(times - 4000 / 6) < 5 * (4000 / 6) ** 0.5 for times in together.values())


# --- Loader processes


def loader(dataset: WindowDataset, sampler: WindowSampler | None = None) -> DataLoader:
    return DataLoader(dataset, batch_size=1, sampler=sampler, num_workers=2, multiprocessing_context="fork")


def open_positions(paths: set[str]) -> dict[str, str]:
    """Where this process's readers of these files stand."""
    opened = [link for link in Path("/proc/self/fd").iterdir() if os.path.realpath(link) in paths]
    return {link.name: Path("/proc/self/fdinfo", link.name).read_text() for link in opened}


def test_loader_processes_open_readers_of_their_own(fasta: Path, tracks: list[TargetTrack]) -> None:
    """A reader opened before the fork shares its place in the file: each would move it under the other."""
    paths = {str(path.resolve()) for path in (fasta, *(track.path for track in tracks))}
    dataset = WindowDataset(make_windows(*tile("chr1", "train", 1000)), SIZE, fasta, tracks, LOOKUP)
    assert len(list(dataset[0])) == 2
    before = open_positions(paths)
    assert len(before) == 3
    assert len(list(loader(dataset))) == 15
    assert open_positions(paths) == before


def test_loader_processes_read_the_same(fasta: Path, tracks: list[TargetTrack]) -> None:
    windows = make_windows(*tile("chr1", "train", 1000))
    dataset = WindowDataset(windows, SIZE, fasta, tracks, LOOKUP, blacklist=regions(("chr1", 100, 200)))
    sampler = WindowSampler(len(windows), 8, shift=9, reverse_complement=True, seed=3)
    for epoch in (0, 1):
        sampler.epoch = epoch
        here = [dataset[draw] for draw in sampler]
        for expected, batch in zip(here, loader(dataset, sampler), strict=True):
            for key, value in expected.items():
                assert torch.equal(batch[key][0], value), key


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1], ids=lambda stop: stop.name)
def test_loader_processes_let_stops_pass(fasta: Path, tracks: list[TargetTrack], stop: signal.Signals) -> None:
    """As when all processes of a job are asked to stop, by another process, and more than once."""
    windows = make_windows(*(("chr1", start, start + SIZE, "train") for start in range(0, 900, 5)))
    dataset = WindowDataset(windows, SIZE, fasta, tracks, LOOKUP)
    reading = iter(loader(dataset))
    read = [next(reading) for _ in range(2)]  # one from each process
    workers = [process.pid for process in multiprocessing.active_children()]
    assert len(workers) == 2
    for _ in range(2):
        subprocess.run(["kill", "-s", stop.name.removeprefix("SIG"), *map(str, workers)], check=True)
    read += reading
    assert len(read) == len(windows)
    for row, batch in enumerate(read):
        assert torch.equal(batch["labels"][0], dataset[row]["labels"])


def test_a_process_that_fails_does_not_wait_for_its_loaders(
    tmp_path: Path, fasta: Path, tracks: list[TargetTrack]
) -> None:
    """At its end Python asks its daemons to stop, by SIGTERM, and joins them: they must heed that one."""
    program = tmp_path / "program.py"
    program.write_text(
        """
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from torch.utils.data import DataLoader

from rnatracks.training.dataset import TargetTrack, WindowDataset

windows = pd.DataFrame([("chr1", start, start + 64) for start in range(500)], columns=["chrom", "start", "end"])
tracks = [TargetTrack(Path(name).stem, Path(name), 1.0) for name in sys.argv[2:]]
dataset = WindowDataset(windows, 64, Path(sys.argv[1]), tracks, np.zeros(256, np.int64))
reading = iter(DataLoader(dataset, num_workers=2, multiprocessing_context="fork"))
next(reading), next(reading)
sys.exit(3)
"""
    )
    command = [sys.executable, str(program), str(fasta), *(str(track.path) for track in tracks)]
    environment = os.environ | {"PYTHONPATH": str(Path(room.__file__).parents[2])}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 3, ended.stderr

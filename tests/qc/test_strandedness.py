"""Strand concordance against whole arrays, and on planted samples."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bigwigs import mixed_coverage, write_bases, write_intervals

from rnatracks.genome.tables import EXON_COLUMNS
from rnatracks.qc.strandedness import LEAST_COVERED, strand_concordance
from rnatracks.tracks.bigwig import BLOCK_BASES, Coverage

LENGTHS = {"chr1": 6000, "chr2": 3000}


def exon_table(*rows: tuple[str, int, int, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [(chrom, start, end, f"g{number}", strand) for number, (chrom, start, end, strand) in enumerate(rows)],
        columns=list(EXON_COLUMNS),
    )


# On chr1 two genes of opposite strands overlap, and two of one strand; exons lie at both ends of chromosomes.
EXONS = exon_table(
    ("chr1", 0, 700, "+"),
    ("chr1", 500, 1400, "-"),
    ("chr1", 1300, 2000, "-"),
    ("chr1", 2500, 2501, "+"),
    ("chr1", 5000, 6000, "+"),
    ("chr2", 0, 10, "-"),
    ("chr2", 1000, 3000, "-"),
)


def concordance(plus: Path, minus: Path, exons: pd.DataFrame = EXONS) -> float | None:
    with Coverage(plus) as first, Coverage(minus) as second:
        return strand_concordance(first, second, exons)


def arrays(seed: int, sign: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {chrom: sign * mixed_coverage(rng, length) for chrom, length in LENGTHS.items()}


def base_by_base(plus: dict[str, np.ndarray], minus: dict[str, np.ndarray]) -> float:
    own = opposite = 0.0
    exons = list(EXONS.itertuples())
    for chrom, length in LENGTHS.items():
        for base in range(length):
            strands = {exon.strand for exon in exons if exon.chrom == chrom and exon.start <= base < exon.end}
            values = abs(float(plus[chrom][base])), abs(float(minus[chrom][base]))
            if strands == {"+"}:
                own, opposite = own + values[0], opposite + values[1]
            elif strands == {"-"}:
                own, opposite = own + values[1], opposite + values[0]
    return own / (own + opposite)


def test_it_equals_a_count_base_by_base(tmp_path: Path) -> None:
    plus, minus = arrays(1), arrays(2, sign=-1)
    files = write_bases(tmp_path / "p.bw", plus), write_bases(tmp_path / "m.bw", minus)
    expected = base_by_base(
        {c: a.astype(float) for c, a in plus.items()}, {c: a.astype(float) for c, a in minus.items()}
    )
    assert concordance(*files) == pytest.approx(expected, rel=1e-9)
    assert concordance(*reversed(files)) == pytest.approx(1 - expected, rel=1e-9)


def test_a_perfect_sample_a_swapped_one_and_one_without_strands(tmp_path: Path) -> None:
    own = {strand: {c: np.zeros(length) for c, length in LENGTHS.items()} for strand in "+-"}
    for row in EXONS.itertuples():
        own[row.strand][row.chrom][row.start : row.end] = 3.0
    plus, minus = write_bases(tmp_path / "p.bw", own["+"]), write_bases(tmp_path / "m.bw", own["-"])
    mean = {c: (own["+"][c] + own["-"][c]) / 2 for c in LENGTHS}
    both = write_bases(tmp_path / "both.bw", mean)
    assert concordance(plus, minus) == 1
    assert concordance(minus, plus) == 0
    assert concordance(both, both) == 0.5


def test_bases_that_exons_of_both_strands_share_do_not_count(tmp_path: Path) -> None:
    exons = exon_table(("chr1", 0, 2000, "+"), ("chr1", 1500, 4000, "-"))
    signal = {"chr1": [(0, 1500, 1.0), (1500, 2000, 1000.0)]}
    plus = write_intervals(tmp_path / "p.bw", LENGTHS, signal)
    minus = write_intervals(tmp_path / "m.bw", LENGTHS, {"chr1": [(1500, 2000, 500.0), (2000, 4000, 2.0)]})
    assert concordance(plus, minus, exons) == 1


@pytest.mark.parametrize(("covered", "told"), [(LEAST_COVERED - 1, False), (LEAST_COVERED, True)])
def test_too_little_signal_tells_nothing(tmp_path: Path, covered: int, told: bool) -> None:
    plus = write_intervals(tmp_path / "p.bw", LENGTHS, {"chr1": [(5000, 5000 + covered - 1, 9.0)]})
    minus = write_intervals(tmp_path / "m.bw", LENGTHS, {"chr2": [(2999, 3000, 9.0)]})
    assert concordance(plus, minus) == (1 if told else None)


def test_no_exons_tell_nothing(tmp_path: Path) -> None:
    path = write_intervals(tmp_path / "p.bw", LENGTHS, {"chr1": [(0, 6000, 9.0)]})
    assert concordance(path, path, EXONS.iloc[:0]) is None


def test_exons_across_the_blocks_that_files_are_read_in(tmp_path: Path) -> None:
    lengths = {"chr1": 2 * BLOCK_BASES + 5000}
    exons = exon_table(
        ("chr1", BLOCK_BASES - 600, BLOCK_BASES + 600, "+"),
        ("chr1", 2 * BLOCK_BASES + 4000, 2 * BLOCK_BASES + 5000, "-"),
    )
    plus = write_intervals(tmp_path / "p.bw", lengths, {"chr1": [(BLOCK_BASES - 601, BLOCK_BASES + 601, 1.0)]})
    minus = write_intervals(tmp_path / "m.bw", lengths, {"chr1": [(BLOCK_BASES - 1, BLOCK_BASES + 1, 300.0)]})
    assert concordance(plus, minus, exons) == pytest.approx(1200 / 1800)

"""Token ids of windows of 32,000 bases and of their reverse complements, from a FASTA file, on one core.

Ours looks bases up in a table and reverses them as arrays, like training and prediction. It is compared with pyfaidx's
`reverse.complement` of strings, followed by a Hugging Face tokenizer with one token per base.

    python benchmarks/05_tokens.py [--folder FOLDER] [--json FILE]
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyfaidx
from harness import Bench, Numbers, Result, Target, Way, main, rows
from made_tracks import CHROM, LENGTH
from mean_tracks import write_genome

from rnatracks.genome.sequence import Genome
from rnatracks.model.backbone import make_base_tokenizer, token_ids, token_lookup
from rnatracks.training.dataset import COMPLEMENT

SIZE, WINDOWS, SHARE, CHECKED = 32_000, 1000, 0.1, 20
WEIGHTS = np.random.default_rng(0).random(SIZE)


def make_data(folder: Path) -> None:
    write_genome(folder / "genome.fa")


def starts(share: float = 1.0) -> list[int]:
    return np.random.default_rng(1).integers(0, LENGTH - SIZE, WINDOWS).tolist()[: round(WINDOWS * share)]


def ours(folder: Path) -> Numbers:
    lookup, genome = token_lookup(token_ids(make_base_tokenizer())), Genome(folder / "genome.fa")
    found = {}
    for number, start in enumerate(starts()):
        bases = genome.bases(CHROM, start, start + SIZE)
        ids, opposite = lookup[bases], lookup[COMPLEMENT[bases[::-1]]]
        if number < CHECKED:
            found |= _sums(number, ids, opposite)
    return found


def strings(folder: Path) -> Numbers:
    tokenizer, genome = make_base_tokenizer(), pyfaidx.Fasta(str(folder / "genome.fa"), sequence_always_upper=True)
    found = {}
    for number, start in enumerate(starts(SHARE)):
        bases = genome[CHROM][start : start + SIZE]
        ids, opposite = (tokenizer(text.seq)["input_ids"] for text in (bases, bases.reverse.complement))
        if number < CHECKED:
            found |= _sums(number, ids, opposite)
    return found


def _sums(number: int, ids: Sequence[int], opposite: Sequence[int]) -> Numbers:
    return {f"window {number}": float(WEIGHTS @ ids), f"window {number}, flipped": float(WEIGHTS @ opposite)}


WAYS = [Way("ours", ours), Way("tokenizer and pyfaidx", strings, share=SHARE)]


def evaluate(bench: Bench, _: Path) -> Result:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    measured = bench.measure()
    one, other = (each.found for each in measured.values())
    if one.keys() != other.keys() or not np.allclose([one[key] for key in other], list(other.values()), rtol=1e-12):
        sys.exit("the tokens differ")
    table = rows(5, f"tokens of {WINDOWS:,} windows of {SIZE:,} bases, both strands", measured)
    ratio = table[-1].ratio
    return Result(
        table,
        [Target(5, "50 times as fast as the tokenizer on strings", f"{ratio:.0f} times", ratio >= 50)],
        [f"Weighted sums of the tokens of {CHECKED} windows and of their reverse complements are equal."],
    )


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate)

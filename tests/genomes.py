"""Genomes of random letters, as files and as plain strings."""

import re
from pathlib import Path

import numpy as np

from rnatracks.genome.fasta import prepare_fasta
from rnatracks.genome.sequence import Genome

LETTERS = "ACGTNacgtnRYSWKMBDHVryswkmUuXx-*."  # with IUPAC codes, soft-masked bases, RNA, masks and gaps


def random_sequences(seed: int, **lengths: int) -> dict[str, str]:
    rng = np.random.default_rng(seed)
    return {chrom: "".join(rng.choice(list(LETTERS), length)) for chrom, length in lengths.items()}


def fasta_text(sequences: dict[str, str], width: int = 60, end: str = "\n") -> bytes:
    lines = []
    for chrom, sequence in sequences.items():
        lines += [f">{chrom} a description", *(sequence[at : at + width] for at in range(0, len(sequence), width))]
    return (end.join(lines) + end).encode()


def make_genome(folder: Path, sequences: dict[str, str]) -> Genome:
    (folder / "source.fa").write_bytes(fasta_text(sequences))
    prepare_fasta(folder / "source.fa", folder / "genome.fa", list(sequences))
    return Genome(folder / "genome.fa")


def padded(sequence: str, start: int, end: int) -> str:
    """Oracle: the sequence in upper case, with N for every letter but four, and N on either side."""
    pad, known = 1000, re.sub("[^ACGT]", "N", sequence.upper())
    return ("N" * pad + known + "N" * pad)[pad + start : pad + end]

"""Effects of the variants in a VCF, as a table that is written by chromosome and can be resumed."""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..files import atomic_gzip, read_text, write_text
from ..progress import Progress
from ..vcf.record_alleles import Variant
from ..vcf.variants import check_variants, read_variants
from .background import matched_changes
from .effect_rows import EffectRows
from .effect_table import ROW_COLUMNS, read_effect_texts, write_effects

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Background:
    """Matched random changes: how many in all, the seed, and how far from a variant they may be, in bases."""

    number: int
    seed: int
    distance: int


def score_variants(
    source: Path,
    target: Path,
    rows: EffectRows,
    *,
    chromosomes: Sequence[str],
    gene_scores: Mapping[str, float],
    background: Background | None,
    recipe: str,
) -> None:
    """Write the effects of all variants of a VCF on the chosen chromosomes, and next to them what was skipped.

    Finished chromosomes are kept in `NAME.parts` until the table is complete: a later call with the same file, recipe
    and background continues with the others.

    Parameters
    ----------
    source
        A VCF; it is checked as a whole before anything is predicted.
    target
        `NAME.tsv.gz`. `NAME.skipped.tsv` and, with a background, `NAME.background.tsv.gz` are written next to it.
    gene_scores
        Held-out gene score of the tracks that have one.
    recipe
        What the numbers depend on, apart from the VCF: see `fingerprint`.

    Raises
    ------
    InputError
        If the VCF cannot be read, is for another assembly, or has no variant on the chromosomes.
    """
    name, genome = target.name.removesuffix(".tsv.gz"), rows.alleles.genome
    skipped = target.with_name(f"{name}.skipped.tsv")
    contents = check_variants(source, genome, chromosomes=chromosomes, skipped=skipped)
    parts = target.with_name(f"{name}.parts")
    _keep_if_same(parts, f"{contents.md5} {recipe} {background} {' '.join(ROW_COLUMNS)}")
    drawn = _shares(contents.variants, background)
    total = sum(contents.variants.values()) + sum(drawn.values())
    log.info("%s variants to score", f"{total:,}")
    progress = Progress(total, "variants", rows.alleles.edits_at_once)
    for chrom, number in contents.variants.items():
        variants: list[Variant] = []
        for part, count in ((_part(parts, chrom, True), drawn[chrom]), (_part(parts, chrom), number)):
            if count == 0 or part.is_file():
                progress.skip(count)
                continue
            variants = variants or read_variants(source, genome, chrom)
            chosen = variants
            if part == _part(parts, chrom, True):
                chosen = matched_changes(variants, genome, count, seed=background.seed, distance=background.distance)
            _write_part(part, _counted(rows.of(chosen), progress, chrom))
    random_parts = [_part(parts, chrom, True) for chrom, count in drawn.items() if count]
    if background:
        write_effects(_with_percentiles(random_parts, gene_scores, {}), target.with_name(f"{name}.background.tsv.gz"))
    own_parts = [_part(parts, chrom) for chrom in contents.variants]
    write_effects(_with_percentiles(own_parts, gene_scores, _effects_by_track(random_parts)), target)
    shutil.rmtree(parts)


def fingerprint(files: Iterable[Path], settings: Mapping[str, object]) -> str:
    """Digest of the path, size and time of files, and of settings: another one means other numbers."""
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(files)]
    return hashlib.md5(json.dumps([stats, settings], sort_keys=True).encode()).hexdigest()


def _part(parts: Path, chrom: str, is_random: bool = False) -> Path:
    return parts / f"{chrom}{'.background' if is_random else ''}.tsv.gz"


def _keep_if_same(parts: Path, recipe: str) -> None:
    """Remove the parts of another recipe, and what a killed process left."""
    note = parts / "recipe.txt"
    if note.is_file() and read_text(note) == recipe:
        for path in parts.glob(".partial.*"):
            path.unlink()
        log.info("%s: continuing with %d finished parts", parts, len([*parts.glob("*.tsv.gz")]))
        return
    if parts.is_dir():
        log.info("%s: removed, because it is of another file or recipe", parts)
        shutil.rmtree(parts)
    write_text(note, recipe)


def _shares(counts: Mapping[str, int], background: Background | None) -> dict[str, int]:
    """Number of random changes on each chromosome: those of variants that are drawn at random."""
    if background is None:
        return dict.fromkeys(counts, 0)
    shares = np.array([*counts.values()]) / sum(counts.values())
    drawn = np.random.default_rng(background.seed).multinomial(background.number, shares)
    return dict(zip(counts, drawn.tolist(), strict=True))


def _counted(rows: Iterable[list[tuple]], progress: Progress, chrom: str) -> Iterator[tuple]:
    """Rows of one variant after another, which is counted."""
    for of_variant in rows:
        yield from of_variant
        progress.count(chrom)


def _write_part(target: Path, rows: Iterable[tuple]) -> None:
    """Write rows with columns `ROW_COLUMNS`, without a header."""
    with atomic_gzip(target) as stream:
        for row in rows:
            stream.write("\t".join(map(_cell, row)) + "\n")


def _cell(value: object) -> str:
    if isinstance(value, float):  # NumPy's as well
        return "" if np.isnan(value) else f"{value:.6g}"
    return str(value)


def _read_parts(parts: Iterable[Path]) -> Iterator[pd.DataFrame]:
    for part in parts:
        yield from read_effect_texts(part, list(ROW_COLUMNS))


def _effects_by_track(parts: Iterable[Path]) -> dict[str, NDArray[np.float64]]:
    """Sorted |log2_ratio| of random changes, by track."""
    found: dict[str, list[NDArray[np.float64]]] = {}
    for part in _read_parts(parts):
        sizes = pd.to_numeric(part["log2_ratio"]).abs().dropna()
        for track, values in sizes.groupby(part["track"]):
            found.setdefault(track, []).append(values.to_numpy())
    return {track: np.sort(np.concatenate(values)) for track, values in found.items()}


def _with_percentiles(
    parts: Iterable[Path], scores: Mapping[str, float], random: Mapping[str, NDArray[np.float64]]
) -> Iterator[pd.DataFrame]:
    """Parts with columns `EFFECT_COLUMNS`; `random` is as `_effects_by_track` gives it."""
    for part in _read_parts(parts):
        sizes = pd.to_numeric(part["log2_ratio"]).abs().to_numpy()
        percentile = np.full(len(part), np.nan)
        for track, others in random.items():
            own = np.flatnonzero((part["track"] == track) & ~np.isnan(sizes))
            percentile[own] = 100 * np.searchsorted(others, sizes[own]) / len(others)
        yield part.assign(gene_score=part["track"].map(scores), percentile=percentile)

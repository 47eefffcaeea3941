"""Both alleles of 200 SNVs within 20 tiles, on one core, with the demo's language model and a U-Net of random weights.

Times are without the loading of the model. Ours predicts the two changed tiles of each variant in batches of 16, and
the reference once. It is compared with:

- the windows of either allele one by one: for each variant, all tiles from which its stretch is stitched (4 of either
  allele), as the prediction of tracks does with a batch size of 1; the values are the same;
- the same in batches: up to 4 tiles at once;
- one window around the variant for either allele, as scripts for other models do. These are 2 windows in place of 8,
  and other values, because a second tile that holds the variant is not asked.

The second case writes the whole table for 1,000 and 10,000 rows of a VCF, for its peak memory.

    python benchmarks/09_variants.py [--folder FOLDER] [--json FILE]
"""

import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from harness import SECONDS, Bench, Numbers, Result, Target, Way, demo_backbone, main, rows

from rnatracks.genome.annotation import read_gtf
from rnatracks.genome.edits import Edit, EditedGenome
from rnatracks.genome.sequence import Genome, open_genome
from rnatracks.model.backbone import load_backbone, token_ids
from rnatracks.model.folder import load_model, save_model
from rnatracks.model.network import CoverageConfig, CoverageModel
from rnatracks.prediction.predict import Precision, TilePlan, predict_region
from rnatracks.prediction.stitching import Stitch
from rnatracks.prediction.tiles import TilePredictor
from rnatracks.variants.alleles import Alleles
from rnatracks.variants.effect_rows import EffectRows
from rnatracks.variants.score import score_variants

CHROM, LENGTH, BATCH = "chr1", 60_000, 16
SIZES = (512, 2_048)  # the demo's windows, and larger ones
NUMBERS = Precision(bf16=False, digits=None)
ONE_BY_ONE = "windows of either allele, one by one"
FIRST, VARIANTS = 10_240, 200
BACKBONES = {"language model": demo_backbone(), "U-Net": {"type": "unet", "widths": [16, 24, 32, 48, 64]}}


def make_data(folder: Path) -> None:
    """A random chromosome and two models."""
    bases = np.random.default_rng(0).choice([*"ACGT"], LENGTH)
    (folder / "genome.fa").write_text(f">{CHROM}\n{''.join(bases)}\n")
    open_genome(folder / "genome.fa")
    for name, shape in BACKBONES.items():
        torch.manual_seed(0)
        backbone, tokenizer = load_backbone(shape, max_length=max(SIZES))
        config = CoverageConfig(
            backbone_config=backbone.config,
            tracks=["B.plus", "B.minus"],
            track_means=[1.0, 1.0],
            head_channels=[32, 16],
            window_size=max(SIZES),
            token_ids=token_ids(tokenizer),
        )
        save_model(CoverageModel(config, backbone), tokenizer, folder / name)


@dataclass(frozen=True)
class Case:
    """A model and the SNVs, on 20 tiles of `size` bases that share half of them."""

    model: CoverageModel
    genome: Genome
    edits: list[Edit]
    size: int

    @classmethod
    def of(cls, folder: Path, name: str, size: str) -> "Case":
        torch.set_num_threads(1)
        genome, span = Genome(folder / "genome.fa"), 20 * int(size) // 2
        places = np.sort(np.random.default_rng(1).choice(span, VARIANTS, replace=False)) + FIRST
        present = genome.bases(CHROM, 0, LENGTH)
        others = [b"ACGT"[b"ACGT".index(present[place]) - 1 :][:1] for place in places]
        edits = [Edit(CHROM, at, at + 1, base) for at, base in zip(places.tolist(), others, strict=True)]
        return cls(load_model(folder / name, "cpu"), genome, edits, int(size))

    @property
    def tiles(self) -> TilePlan:
        return TilePlan(size=self.size, overlap=self.size // 2, stitch=Stitch.BLEND)

    def alleles(self) -> Alleles:
        return Alleles([self.model], self.genome, tiles=self.tiles, precision=NUMBERS, batch_size=BATCH)


def results(changes: Iterator[float]) -> Numbers:
    """Largest difference of a base of each variant, and the time for all, once the model is loaded."""
    began = time.perf_counter()
    found = {str(number): change for number, change in enumerate(changes)}
    return found | {SECONDS: time.perf_counter() - began}


def ours(folder: Path, *words: str) -> Numbers:
    case = Case.of(folder, *words)
    pairs = case.alleles().pairs(case.edits)
    return results(float(np.abs(pair.alternative - pair.reference).max()) for pair in pairs)


def one_by_one(folder: Path, *words: str) -> Numbers:
    return tracks(Case.of(folder, *words), 1)


def in_batches(folder: Path, *words: str) -> Numbers:
    return tracks(Case.of(folder, *words), BATCH)


def tracks(case: Case, batch_size: int) -> Numbers:
    options = {"tiles": case.tiles, "precision": NUMBERS, "batch_size": batch_size}
    stretch = case.alleles().stretch

    def predicted(source: Genome, start: int, end: int) -> np.ndarray:
        parts = predict_region([case.model], source, CHROM, start, end, **options)
        return np.concatenate([values for _, values in parts], axis=1)

    def change(edit: Edit) -> float:
        edited, place = EditedGenome(case.genome, [edit]), stretch(edit)
        return float(np.abs(predicted(edited, *place) - predicted(case.genome, *place)).max())

    return results(map(change, case.edits))


def windows(folder: Path, *words: str) -> Numbers:
    case = Case.of(folder, *words)
    tiles = TilePredictor([case.model])

    def predicted(source: Genome, edit: Edit) -> np.ndarray:
        first = edit.start - case.size // 2
        return tiles.predict(source.bases(CHROM, first, first + case.size)[np.newaxis], 0)

    def change(edit: Edit) -> float:
        return float(np.abs(predicted(EditedGenome(case.genome, [edit]), edit) - predicted(case.genome, edit)).max())

    return results(map(change, case.edits))


def table(folder: Path, name: str, size: str, number: str) -> Numbers:
    """The table of effects of random SNVs on 60 genes."""
    case = Case.of(folder, name, size)
    genome, alleles = case.genome, case.alleles()
    present, rng = genome.bases(CHROM, 0, LENGTH), np.random.default_rng(2)
    lines = ["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    for place in rng.integers(0, LENGTH, int(number)).tolist():
        base = "ACGT".index(chr(present[place]))
        lines.append(f"{CHROM}\t{place + 1}\t.\t{'ACGT'[base]}\t{'ACGT'[base - int(rng.integers(1, 4))]}\t.\t.\t.")
    (folder / f"{number}.vcf").write_text("\n".join([*lines, ""]))
    exons = [f'{CHROM}\t.\texon\t{at + 1}\t{at + 500}\t.\t+\t.\tgene_id "{at}";' for at in range(0, LENGTH, 1000)]
    (folder / "genes.gtf").write_text("\n".join([*exons, ""]))
    annotation = read_gtf(folder / "genes.gtf", genome.lengths)
    effects = EffectRows(alleles, annotation, annotation.genes, "leave_out", 0.01)
    options = {"chromosomes": [CHROM], "gene_scores": {}, "background": None, "recipe": number}
    score_variants(folder / f"{number}.vcf", folder / f"{number}.tsv.gz", effects, **options)
    return {"tiles": alleles.predicted}


WAYS = [
    Way("ours", ours),
    Way(ONE_BY_ONE, one_by_one),
    Way("windows of either allele, in batches", in_batches),
    Way("one window of either allele", windows),
    Way("table", table, repeats=1),
]


def evaluate(bench: Bench, folder: Path) -> Result:
    table, targets = [], []
    for name, size in itertools.product(BACKBONES, SIZES):
        measured = bench.measure(name, str(size), only=[way.name for way in WAYS[:-1]])
        mine, theirs = (np.array([*measured[way].found.values()]) for way in ("ours", ONE_BY_ONE))
        if not np.allclose(mine, theirs, rtol=1e-3, atol=1e-6):
            sys.exit(
                f"{name}: effects differ from those of predicted tracks by up to {np.abs(mine - theirs).max():.1e}"
            )
        what = f"{name}, windows of {size:,}"
        table += rows(9, f"200 SNVs within 20 tiles, {what}", measured)
        speed, ratio = VARIANTS / measured["ours"].median, measured[ONE_BY_ONE].median / measured["ours"].median
        found = f"{ratio:.2f} times, {speed:.0f} variants/s"
        targets.append(Target(9, f"{what}: 5 times as fast as one by one", found, ratio >= 5))
    few, many = (bench.measure("U-Net", "512", number, only=["table"])["table"] for number in ("1000", "10000"))
    for number, measured in (("1,000", few), ("10,000", many)):
        table += rows(9, f"table of {number} SNVs, U-Net", {"ours": measured})
    growth = many.gigabytes / few.gigabytes
    targets.append(
        Target(9, "10,000 SNVs need at most 1.1 times the memory of 1,000", f"{growth:.2f} times", growth <= 1.1)
    )
    return Result(table, targets, ["Largest change of a base per variant: ours and those of the windows are the same."])


if __name__ == "__main__":
    main(__file__, __doc__, WAYS, make_data, evaluate)

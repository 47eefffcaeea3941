"""Bases per second of our prediction, compared with a plain loop over windows, and its peak memory.

The plain loop runs the same tiles through the same model in the same batches and ignores the output. Ours
also reads, stitches, inverts the transform, rounds and writes. The two take turns. The share of time outside
the model is the time during which no forward pass runs. Work that runs at the same time as a pass can still
slow it down, which shows in the comparison with the loop. To save time, the row for 50 Mb predicts a
chromosome with 49.5 Mb of N. Only the forward passes are skipped there, and these need no more memory than
on a short chromosome. The sizes of bigWigs are for the values of this model; the smooth coverage of a
trained model takes less.

    python benchmarks/prediction.py [--model FOLDER] [--repeats 3] [--threads 1]

Without `--model`, the model is the demo's with random weights.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyfaidx
import torch
from harness import REPOSITORY, demo_backbone

from rnatracks.genome.sequence import Genome
from rnatracks.genome.windows import tile_starts
from rnatracks.model.backbone import load_backbone, token_ids, token_lookup
from rnatracks.model.folder import load_on_devices, save_model
from rnatracks.model.network import CoverageConfig, CoverageModel
from rnatracks.prediction.predict import Precision, TilePlan, write_region
from rnatracks.prediction.stitching import Stitch
from rnatracks.tracks.bigwig import write_coverage

SIZE, BATCH = 512, 16


def write_genome(folder: Path, length: int, known: int) -> Path:
    """Write a chromosome whose first `known` bases are random and the others N."""
    rng = np.random.default_rng(0)
    bases = np.full(length, ord("N"), np.uint8)
    bases[:known] = rng.choice(np.frombuffer(b"ACGT", np.uint8), known)
    path = folder / f"{length}.fa"
    with path.open("wb") as file:
        file.write(b">chr1\n")
        for start in range(0, length, 100):
            file.write(bases[start : start + 100].tobytes() + b"\n")
    pyfaidx.Faidx(str(path)).close()
    return path


def demo_model(folder: Path) -> Path:
    torch.manual_seed(0)
    backbone, tokenizer = load_backbone(demo_backbone(), max_length=SIZE)
    config = CoverageConfig(
        backbone_config=backbone.config,
        tracks=["B.plus", "B.minus"],
        track_means=[1.0, 1.0],
        head_channels=[32, 16],
        window_size=SIZE,
        token_ids=token_ids(tokenizer),
    )
    save_model(CoverageModel(config, backbone), tokenizer, folder / "model")
    return folder / "model"


class Clock:
    """Seconds spent in the forward passes of a model, which run one at a time."""

    def __init__(self, model: CoverageModel) -> None:
        self.seconds = 0.0
        model.register_forward_pre_hook(lambda *_: self._add(-1))
        model.register_forward_hook(lambda *_: self._add(1))

    def _add(self, sign: int) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds += sign * time.perf_counter()


def ours(models: list[CoverageModel], fasta: Path, target: Path, digits: int | None = 4) -> float:
    """Seconds from the FASTA file to the predicted chromosome on disk."""
    began = time.perf_counter()
    genome, size = Genome(fasta), models[0].config.window_size
    write_region(
        models,
        genome,
        "chr1",
        0,
        genome.lengths["chr1"],
        tiles=TilePlan(size=size, overlap=size // 2, stitch=Stitch.BLEND),
        precision=Precision.of("auto", digits, models[0].device),
        batch_size=BATCH,
        target=target,
    )
    return time.perf_counter() - began


def plain(model: CoverageModel, fasta: Path) -> float:
    """Seconds for the same tiles in a plain loop; they are read beforehand."""
    genome, size = Genome(fasta), model.config.window_size
    lookup = token_lookup(model.config.token_ids)
    starts = tile_starts(genome.lengths["chr1"], size, size // 2)
    tokens = torch.from_numpy(np.stack([lookup[genome.bases("chr1", start, start + size)] for start in starts]))
    began = time.perf_counter()
    with torch.inference_mode(), torch.autocast(model.device.type, torch.bfloat16, enabled=model.device.type == "cuda"):
        for batch in tokens.split(BATCH):
            model(batch.to(model.device)).predictions.float().cpu().numpy()
    return time.perf_counter() - began


def peak_memory(model: Path, fasta: Path, folder: Path) -> float:
    """Peak memory in GB of a separate process that predicts a chromosome."""
    program = f"""
import resource, sys; sys.path[:0] = {[str(REPOSITORY / "workflow_scripts"), str(REPOSITORY / "benchmarks")]!r}
from pathlib import Path
from prediction import load_on_devices, ours
ours(load_on_devices(Path({str(model)!r}), 1), Path({str(fasta)!r}), Path({str(folder / "part.npy")!r}))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return int(run.stdout.split()[-1]) / 1e6


def bigwig_ratio(models: list[CoverageModel], fasta: Path, folder: Path, digits: int | None) -> float:
    """Size of a predicted bigWig divided by that of raw float32."""
    ours(models, fasta, folder / "part.npy", digits)
    part = np.load(folder / "part.npy", mmap_mode="r")[0]
    write_coverage(folder / "track.bw", {"chr1": len(part)}, [part])
    return (folder / "track.bw").stat().st_size / part.nbytes


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = options.model or demo_model(folder)
        models = load_on_devices(path, 1)
        fasta = write_genome(folder, 1_000_000, 1_000_000)
        clock, times, outside = Clock(models[0]), [], []
        for _ in range(options.repeats):
            before = clock.seconds
            mine = ours(models, fasta, folder / "part.npy")
            outside.append(1 - (clock.seconds - before) / mine)
            times.append((mine, plain(models[0], fasta)))
        small = peak_memory(path, fasta, folder)
        large = peak_memory(path, write_genome(folder, 50_000_000, 500_000), folder)
        short = write_genome(folder, 200_000, 200_000)
        rounded, exact = (bigwig_ratio(models, short, folder, digits) for digits in (4, None))
    mine, loop = (statistics.median(column) for column in zip(*times, strict=True))
    shares = ", ".join(f"{share:.1%}" for share in outside)
    rows = [
        ("ours", f"{1e6 / mine:,.0f} bases/s"),
        ("plain loop over the same windows", f"{1e6 / loop:,.0f} bases/s"),
        ("ratio of speeds", f"{loop / mine:.3f} (repeats: {', '.join(f'{b / a:.3f}' for a, b in times)})"),
        ("slower than the plain loop by", f"{mine / loop - 1:.1%}"),
        ("share of time outside the model", f"{statistics.median(outside):.1%} (repeats: {shares})"),
        ("peak memory, 1 Mb", f"{small:.2f} GB"),
        ("peak memory, 50 Mb, of which 49.5 Mb are N", f"{large:.2f} GB"),
        ("size of bigWig with 4 digits / raw float32", f"{rounded:.2f}"),
        ("size of bigWig with all digits / raw float32", f"{exact:.2f}"),
    ]
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in rows))


if __name__ == "__main__":
    main()

"""Made-up runs of any size, from a seed: score tables, samples and figures, and the report page's content from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import numpy as np
import pandas as pd

from report.made_up_variants import changes
from rnatracks.errors import shorten
from rnatracks.figures.colours import SignalKind
from rnatracks.figures.locus import Panel, locus_figure
from rnatracks.figures.nonzero_means import nonzero_mean_scatter
from rnatracks.figures.scatters import gene_scatter
from rnatracks.figures.scores import chosen_tracks, score_bars
from rnatracks.figures.style import svg_text
from rnatracks.figures.training_curve import training_curve
from rnatracks.qc.nonzero_means import MAX_FOLD, compare_nonzero_means
from rnatracks.report.page import Data, ReportContent, Scores, SequenceChanges, TrainingRun
from rnatracks.report.pictures import MAX_PICTURES, Gallery, Picture
from rnatracks.report.score_warnings import baseline_warnings, level_warnings
from rnatracks.report.summary import summarise
from rnatracks.report.tables import (
    BASE_NOTES,
    BENCHMARK_NOTES,
    DIFFERENTIAL_NOTES,
    GENE_NOTES,
    NONZERO_MEAN_NOTES,
    facts,
    plain_columns,
    scores_table,
    table,
)
from rnatracks.report.variants import effect_warnings
from rnatracks.report.warnings import (
    PageSection,
    chromosome_warnings,
    donor_warnings,
    flag_warnings,
    nonzero_mean_warnings,
    simulation_warnings,
    split_warnings,
)
from rnatracks.tracks.average import TrackStatistics
from rnatracks.vocabulary import Strand

RESOURCES = Path(__file__).parents[2] / "resources"
TEMPLATE = RESOURCES / "report.html.j2"
CAPTIONS = RESOURCES / "captions"
SPLITS = ("train", "valid", "test", "all")
REGIONS = {"all": 1.0, "exon": 4.0, "intron": 0.1, "intergenic": 0.001}  # and their mean signal
STRANDS = (Strand.PLUS, Strand.MINUS)
LARGE_MODELS = (
    *("genos-1.2b", "genos-lora", "genos-head-only", "mamba", "caduceus-ph", "hyena", "from-scratch", "no-augment"),
    *("context-8k", "cnn"),
)
LARGE_CELL_TYPES = (
    *("hepatocyte", "NK", "GM12878", "astrocyte", "cardiac_muscle_cell", "keratinocyte", "IMR-90", "mast"),
    *("dorsolateral_prefrontal_cortex", "B"),
)


def caption(name: str) -> str:
    return (CAPTIONS / f"{name}.rst").read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class MadeUpRun:
    """A run that never was.

    Parameters
    ----------
    tracks
        Model, cell type and strand of each scored track.
    families
        Key in the configuration of each model.
    baseline
        Model that is a baseline of the others; empty without one.
    held_out
        Whether there are rows of the split `test`.
    variants
        Whether there are effects of variants.
    """

    tracks: Sequence[tuple[str, str, Strand]]
    families: Mapping[str, str]
    baseline: str = ""
    held_out: bool = True
    variants: bool = False
    seed: int = 5

    @classmethod
    def joint(cls, models: Sequence[str], cell_types: Sequence[str], **given) -> Self:
        """Every model predicts every cell type; the last one is the baseline."""
        tracks = [(model, name, strand) for model in models for name in cell_types for strand in STRANDS]
        return cls(tracks=tracks, families={model: model for model in models}, baseline=models[-1], **given)

    @property
    def cell_types(self) -> list[str]:
        return list(dict.fromkeys(cell_type for _, cell_type, _ in self.tracks))

    @cached_property
    def base(self) -> pd.DataFrame:
        """Like `evaluation/base_resolution.tsv`."""
        return self._scores(REGIONS, {"bases": 812_345_678}, BASE_NOTES, 1)

    @cached_property
    def gene(self) -> pd.DataFrame:
        """Like `evaluation/gene_expression.tsv`."""
        return self._scores({"all": 1.0}, {"genes": 19_433}, GENE_NOTES, 2)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """Like `qc/samples.tsv`: three samples per cell type, but one of the last; some are flagged."""
        rng = np.random.default_rng(self.seed)
        names = [f"{name}_{index}" for name in self.cell_types for index in (1, 2, 3)][:-2]
        rows = [
            {"sample": name, "cell_type": name.rpartition("_")[0], "strand": str(strand), "total": 1e8}
            for name in names
            for strand in STRANDS
        ]
        flags = rng.choice(["", "outlier", "swapped,outlier"], len(rows), p=[0.8, 0.1, 0.1])
        return pd.DataFrame(rows).assign(flags=flags)

    def _scores(self, regions: Mapping[str, float], extra: dict, columns: Mapping[str, str], stream: int):
        rng = np.random.default_rng([self.seed, stream])
        models = {model: rng.uniform(0.6, 0.95) for model in dict.fromkeys(model for model, _, _ in self.tracks)}
        hard = {name: rng.uniform(0, 0.12) for name in self.cell_types}
        ceilings = {name: rng.uniform(0.93, 0.99) for name in self.cell_types}
        splits = [split for split in SPLITS if self.held_out or split != "test"]
        rows = []
        for model, cell_type, strand in self.tracks:
            for split in splits:
                for region, signal in regions.items():
                    r = models[model] - hard[cell_type] - (0.06 if split == "test" else 0) + rng.normal(0, 0.01)
                    half = np.nan if split == "valid" else rng.uniform(0.01, 0.04)
                    rows.append(
                        {"model": model, "cell_type": cell_type, "strand": str(strand), "split": split}
                        | {"region": region, "pearson_log1p": r, "ci_low": r - half, "ci_high": r + half}
                        | {"pearson": r - 0.1, "log1p_of_pearson": np.log1p(r - 0.1), "spearman": r - 0.05}
                        | {"replicate_ceiling": self._ceiling(ceilings, cell_type), "attainable": 0.97}
                        | {"other_cell_type": 0.5 + hard[cell_type], "spearman_bases": 1_000_000}
                        | {"mean_of_others": 0.55 if len(self.cell_types) > 2 else np.nan, "mse_squashed": 0.4}
                        | {"mean_observed": signal, "mean_predicted": signal + 0.05 * (model == self.baseline)}
                        | {"predicted_over_observed": rng.lognormal(0, 0.4), "pearson_log1p_per_kb": r}
                        | {
                            f"pearson_log1p_{kind}": r
                            for kind in ("half_level", "double_level", "nonzero", "gene_body")
                        }
                        | {"nonzero_bases": 99, "auroc": 0.9, "auprc": 0.8}
                        | {"pearson_log1p_gene_body": r, "gene_bodies": 77}
                        | extra
                    )
        made = pd.DataFrame(rows)
        places = ["cell_type", "strand", "split", "region"]
        if self.baseline:
            name = f"baseline_{self.families[self.baseline]}"
            theirs = made.loc[made["model"] == self.baseline, [*places, "pearson_log1p"]]
            made = made.merge(theirs.rename(columns={"pearson_log1p": name}), "left", places)
            made.loc[made["model"] == self.baseline, name] = np.nan
        return made[[name for name in made if name in columns or name.startswith("baseline_")]]

    def _changes(self, models: list[str]) -> SequenceChanges:
        with TemporaryDirectory() as folder:
            return changes(Path(folder), models, CAPTIONS, self.held_out)

    def _ceiling(self, ceilings: Mapping[str, float], cell_type: str) -> float:
        return np.nan if cell_type == self.cell_types[-1] else ceilings[cell_type]

    def content(self) -> ReportContent:
        """The page of this run, with every kind of warning that a seed can bring."""
        rng = np.random.default_rng([self.seed, 3])
        base, gene, names = self.base, self.gene, self.cell_types
        models = list(dict.fromkeys(model for model, _, _ in self.tracks))
        everywhere = base[base["region"] == "all"]
        pairs = [(family, *names[:2], strand) for family in dict.fromkeys(self.families.values()) for strand in STRANDS]
        differential = pd.DataFrame(
            [(*pair, "test", 1_204, 0.49, 0.44, 0.53, 0.4, 0.97, 0.9) for pair in pairs],
            columns=list(DIFFERENTIAL_NOTES),
        )
        tracks = pd.DataFrame({"track": [f"{name}.{strand}" for name in names for strand in STRANDS]})
        tracks = tracks.assign(total=50_012_345, nonzero_mean=0.10137, samples=3)
        statistics = [
            TrackStatistics(
                track=name, samples=3, bases=10, total=1.0, mean=0.1, nonzero=10, nonzero_mean=mean, maximum=1.0
            )
            for name, mean in zip(tracks["track"], np.geomspace(0.02, 0.3, len(tracks)), strict=True)
        ]
        means = compare_nonzero_means(statistics, dict.fromkeys(tracks["track"], 0.1))
        levels = Picture("Nonzero means", svg_text(nonzero_mean_scatter(means, MAX_FOLD)))
        inputs = pd.DataFrame({"file": ["reference/genome.fa"], "bytes": [3_273_481_150], "md5": ["1c9dcaddfa41"]})
        benchmarks = pd.DataFrame(
            {"job": ["train/a", "predict/a/chr1"], "seconds": [40_211.4, 812.0], "peak_memory_mb": [20_412.3, np.nan]}
        )
        settings = facts({"backbone": "ZhejiangLab/Genos-1.2B", "learning_rate": 5e-5, "epochs": 60, "revision": None})
        jobs = pd.DataFrame({"job": [f"predict/chr{index}" for index in range(70)], "seconds": range(70)})
        scatters = [
            scatter(rng, f"{model}, {name} {strand}") for model, name, strand in chosen_tracks(base, MAX_PICTURES)
        ]
        return ReportContent(
            title=f"RNA-seq tracks from DNA: {names[0]} & {names[1]}",
            run_line={
                "Models": shorten(models, 4),
                "Cell types": f"{shorten(names, 4)} ({len(names) * 3 - 2} samples)",
                "Genome": "hg38, 22 chromosomes",
                "Split": "chr8, chr9 held out, chr10 for validation" if self.held_out else "nothing held out",
            },
            summary=summarise(base, gene, families=self.families, one_sample=names[-1:]),
            warnings=[
                *split_warnings(["chr8"] if self.held_out else [], []),
                *simulation_warnings(True),
                *baseline_warnings(everywhere, PageSection.BASE, [], self.families),
                *baseline_warnings(gene, PageSection.GENE, [], self.families),
                *flag_warnings(self.samples),
                *level_warnings(base, []),
                *nonzero_mean_warnings(means),
                *chromosome_warnings(["The annotation has no gene on chrUn (0.3% of the samples' signal)."]),
                *effect_warnings(self.variants, ["chr8"] if self.held_out else []),
                *donor_warnings(names[:1]),
            ],
            bars=Gallery(caption("score_bars"), [Picture("Scores of every track", svg_text(score_bars(base, gene)))]),
            overview=facts({"workflow commit": "3f0c1d2", "results": "results/demo", "chromosomes": "chr1, chr2"}),
            methods=["We used coverage of <b>jade</b>.", "Software: torch."],
            config="models:\n  amber:\n    cell_types: [amber]\n",
            data=Data(
                found=facts(dict.fromkeys(names, 3)),
                chromosomes=facts({"chr1": 2100}),
                resolved=facts({"amber_1": "listed in the sample sheet"}),
                samples=table(self.samples, plain_columns(self.samples.columns)),
                correlation=Gallery(caption("sample_correlation"), []),
                pca=Gallery(caption("sample_pca"), []),
                tracks=table(
                    tracks,
                    plain_columns(tracks.columns) | {"nonzero_mean": "Mean over the nonzero bases."},
                    {"nonzero_mean": 5},
                ),
                nonzero_means=table(means, NONZERO_MEAN_NOTES),
                nonzero_mean_figure=Gallery(caption("nonzero_means"), [levels]),
            ),
            training=[
                TrainingRun(model=name, settings=settings, curve=Gallery(caption("training_curve"), [curve(rng)]))
                for name in models
            ],
            untold_models=3,
            scores=Scores(
                published=facts({"amber": 0.9}),
                differences_from_published=[],
                others=facts({"AlphaGenome": 0.81}),
                base=scores_table(base, BASE_NOTES),
                base_scatters=Gallery(caption("base_hexbin"), []),
                chromosomes=Gallery(caption("by_chromosome"), []),
                seams=Gallery(caption("seams"), []),
                gene=scores_table(gene, GENE_NOTES),
                gene_scatters=Gallery(caption("gene_scatter"), scatters, "4 of 9."),
                levels=Gallery(caption("expression_levels"), []),
                differential=table(differential, DIFFERENTIAL_NOTES),
                differential_genes=facts({}),
                differences=Gallery(caption("difference_scatter"), []),
            ),
            loci=Gallery(caption("locus"), [locus_picture(rng, self.tracks)]),
            changes=self._changes(models) if self.variants else None,
            inputs=table(inputs, plain_columns(inputs.columns)),
            software=table(jobs, plain_columns(jobs.columns), most=60),
            benchmarks=table(benchmarks, BENCHMARK_NOTES),
        )


def large_run(held_out: bool = True) -> MadeUpRun:
    """Ten models, each of ten cell types on two strands."""
    return MadeUpRun.joint(LARGE_MODELS, LARGE_CELL_TYPES, held_out=held_out)


def locus_picture(rng: np.random.Generator, tracks: Sequence[tuple[str, str, Strand]]) -> Picture:
    """Observed and predicted coverage of the first two cell types."""
    start, length = 39_407_000, 32_000
    genes = pd.DataFrame(
        [
            ("G1", "PLEKHG2", "chr19", "+", start + 5_600, start + 20_100),
            ("G2", "RPS16", "chr19", "-", start + 24_500, start + 27_000),
            ("G3", "ZFP36", "chr19", "+", start - 3_000, start + 2_400),
            ("G4", "LINC01", "chr19", "-", start + 18_000, start + 23_000),
        ],
        columns=["gene_id", "gene_name", "chrom", "strand", "start", "end"],
    )
    exons = pd.DataFrame(
        [
            (gene.gene_id, "chr19", left, min(left + 350, gene.end), gene.strand)
            for gene in genes.itertuples()
            for left in range(gene.start, gene.end, 2_100)
        ],
        columns=["gene_id", "chrom", "start", "end", "strand"],
    )
    panels = []
    shown = list(dict.fromkeys((cell_type, strand) for _, cell_type, strand in tracks))[:4]
    for index, (cell_type, strand) in enumerate(shown):
        expected = np.full(length, 0.02)
        for exon in exons[exons["strand"] == strand.symbol].itertuples():
            level = 4 if exon.gene_id != "G1" or index < 2 else 0.1
            expected[max(exon.start - start, 0) : max(exon.end - start, 0)] = level
        models = [model for model, *track in tracks if tuple(track) == (cell_type, strand)]
        for model, noise in [("", 0.5), *((model, 0.15) for model in models)]:
            values = expected * rng.lognormal(0, noise, length // 50).repeat(50)
            kind = SignalKind.PREDICTED if model else SignalKind.OBSERVED
            label = f"{cell_type} {strand}" + (f"\n{model}" if model else "")
            panels.append(Panel(label, kind, strand, values, cell_type))
    return Picture("PLEKHG2", svg_text(locus_figure("chr19", start, start + length, genes, exons, panels)))


def curve(rng: np.random.Generator) -> Picture:
    steps = np.arange(10, 4_010, 10)
    log = pd.DataFrame(
        {
            "step": steps,
            "epoch": steps / 1_000,
            "learning_rate": 5e-5 * np.minimum(steps / 200, (1 + np.cos(np.pi * steps / 4_000)) / 2),
            "loss": (0.4 + 3 * np.exp(-steps / 500)) * rng.lognormal(0, 0.15, len(steps)),
            "valid_loss": np.where(steps % 500, np.nan, 0.45 + 3 * np.exp(-steps / 500)),
            "valid_pearson_log1p": np.where(steps % 500, np.nan, 0.9 - np.exp(-steps / 500)),
        }
    )
    return Picture("Training of the model", svg_text(training_curve(log)))


def scatter(rng: np.random.Generator, title: str) -> Picture:
    observed = pd.Series(np.where(rng.random(900) < 0.3, 0, rng.lognormal(1, 1.5, 900)))
    predicted = observed * rng.lognormal(0, 0.4, 900) + rng.exponential(0.1, 900)
    split = pd.Series(np.where(np.arange(900) < 780, "train", "test"))
    return Picture(title, svg_text(gene_scatter(observed, predicted, split, title)))

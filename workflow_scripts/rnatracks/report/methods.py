"""The methods text of a run for a paper, filled in from the configuration."""

from collections.abc import Mapping, Sequence

from ..config.fields import Section
from ..config.settings import Settings
from ..config.training import TrainingSettings
from ..errors import shorten
from ..model.descriptions import STRAND_WORDS, head_words, mean_words, optimiser_words, scaling_words, trained_words
from ..model.plan import ModelPlan
from ..model.training_result import Kept, KeptWeights, TrainedModel
from ..samples.sample import CellType

MAX_NAMED = 20  # cell types
NETWORKS = {"dilated_cnn": "dilated convolutional", "unet": "U-Net"}
STITCHES = {
    "blend": "their mean, weighted by the distance of the base from the nearer end of each window",
    "mean": "their unweighted mean",
    "mean_raw": "their unweighted mean on the scale of coverage",
    "center": "that of the window whose middle is nearest",
    "context": "that of the window in which the model sees the most sequence before the base, in the direction in "
    "which it reads, or on the shorter side if it reads both ways",
}


def methods_text(
    settings: Settings,
    cell_types: Sequence[CellType],
    samples: Mapping[str, int],
    models: Mapping[str, ModelPlan],
    trained: Mapping[str, TrainedModel],
    versions: Mapping[str, str],
) -> list[str]:
    """Describe a run, in paragraphs.

    Parameters
    ----------
    settings
        The configuration of the run.
    cell_types
        Cell types of the run.
    samples
        Number of samples in the mean of each cell type.
    models
        Plans of the models, by name.
    trained
        Result of each training, by model name.
    versions
        Software and its versions.
    """
    paragraphs = [_data(settings, cell_types, samples), _windows(settings)]
    families: dict[str, list[str]] = {}
    for name, plan in models.items():
        families.setdefault(plan.family, []).append(name)
    paragraphs += [_model(models[names[0]], trained[names[0]].sight) for names in families.values()]
    paragraphs += [_training(settings, families, trained), _prediction(settings), _evaluation(settings)]
    if settings.recipe is not None:
        paragraphs.append(_recipe_followed(settings))
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [*paragraphs, f"Software: {software}."]


def _data(settings: Settings, cell_types: Sequence[CellType], samples: Mapping[str, int]) -> str:
    named = ", ".join(
        f"{each.name} ({f'{each.ontology}, ' if each.ontology else ''}{_count(samples[each.name], 'sample')})"
        for each in cell_types
    )
    if len(cell_types) > MAX_NAMED:
        named = f"{len(cell_types)} cell types ({_count(sum(samples[each.name] for each in cell_types), 'sample')})"
    genome = settings.genome
    excluded = settings.exclude
    simulated = "simulated " if settings.simulate is not None else ""
    return (
        f"We used {simulated}RNA-seq coverage of {named} on {_list(genome.chromosomes)} of "
        f"{genome.assembly or genome.fasta}, with gene models from {settings.annotation.gtf}. "
        f"{scaling_words(settings.normalisation, 'these chromosomes')}; the samples of a cell type were then averaged, "
        "base by base and strand by strand." + (f" Excluded from the means: {_list(excluded)}." if excluded else "")
    )


def _windows(settings: Settings) -> str:
    windows, split = settings.windows, settings.split
    bad = f"more than {windows.max_n_fraction:.0%} unknown bases"
    if settings.blacklist:
        bad += f" or more than {windows.max_blacklist_fraction:.0%} blacklisted bases"
    text = (
        f"The genome was cut into windows of {windows.size:,} bases, each overlapping the next by "
        f"{windows.overlap:,} bases. Windows with {bad} were not used for training. "
    )
    if not split.test and not split.valid:
        return f"{text}Nothing was held out: all chromosomes were used for training, so all scores are training scores."
    held = f"Held out for testing: {_list(split.test) or 'nothing'}"
    held += f"; set aside for validation during training: {_list(split.valid)}" if split.valid else ""
    scored = "" if split.test else " All scores are therefore from training or validation chromosomes."
    return f"{text}{held}. Windows on these chromosomes were not used for training.{scored}"


def _model(plan: ModelPlan, sight: str) -> str:
    if plan.init_from is not None:
        body = f"starts from the model {plan.init_from}, a network {sight}"
    elif isinstance(plan.backbone, str):
        body = f"fine-tunes {plan.backbone}, a network {sight}"
    else:
        kind = NETWORKS.get(plan.backbone.type, plan.backbone.type)
        body = f"is a randomly initialised {kind} network ({_list_settings(plan.backbone)}) {sight}"
    control = " As a control, it was trained on the coverage of other windows." if plan.control != "none" else ""
    return (
        f"Model {plan.family} {body}; {trained_words(plan)} were trained. "
        f"{head_words(plan.head)}; {STRAND_WORDS[plan.strands]}.{control}"
    )


def _training(settings: Settings, families: Mapping[str, Sequence[str]], trained: Mapping[str, TrainedModel]) -> str:
    """Loss, recipe and kept weights of each group of families whose recipe reads the same.

    Parameters
    ----------
    families
        Names of the models of each family.
    """
    groups: dict[str, list[str]] = {}
    for family, names in families.items():
        training = settings.training_of(family)
        read = _recipe(training, _precision(training, names, trained), f"{training.epochs:g}")
        groups.setdefault(read, []).append(family)
    kept = {name: model.kept for name, model in trained.items()}
    text = (
        "Normalised coverage t was squashed to y = x for x = (t / m)^0.75 up to 10 and to y = 2 sqrt(10 x) − 10 above, "
        f"where m is the {mean_words(settings.normalisation)}. The loss was the mean squared error of y."
    )
    for members in groups.values():
        training, names = settings.training_of(members[0]), [name for family in members for name in families[family]]
        epochs = _epochs(training.epochs, [kept[name] for name in names])
        subject = "Training" if len(groups) == 1 else f"Training of {_list(members)}"
        text += f" {subject} {_recipe(training, _precision(training, names, trained), epochs)}"
    return f"{text} {_weights(kept)}"


def _precision(training: TrainingSettings, names: Sequence[str], trained: Mapping[str, TrainedModel]) -> str:
    """The number formats in which models were trained; folders of older versions do not record them."""
    unknown = {"auto": "bf16 (on a GPU) or float32"}.get(training.precision, training.precision)
    return " or ".join(sorted({trained[name].precision or unknown for name in names}))


def _recipe(training: TrainingSettings, precision: str, epochs: str) -> str:
    augmentation = training.augmentation
    changes = [f"shifts of up to {augmentation.shift:,} bases"] if augmentation.shift else []
    changes += ["reverse complements of half of the windows"] if augmentation.reverse_complement else []
    router = f", with a load-balancing loss of weight {training.router_loss:g} for networks with experts"
    return (
        f"ran for {epochs} epochs in global batches of "
        f"{training.global_batch_size} windows with {optimiser_words(training)}, gradients clipped to a norm of "
        f"{training.max_grad_norm:g}, {precision} precision and seed {training.seed}"
        + (router if training.router_loss else "")
        + "."
        + (f" Windows were augmented by {' and '.join(changes)}." if changes else "")
    )


def _weights(kept: Mapping[str, KeptWeights]) -> str:
    """The epoch of each model's weights, in one sentence per reason."""
    sentences = []
    for why in dict.fromkeys(each.why for each in kept.values()):
        names = [name for name, each in kept.items() if each.why is why]
        subject = "The weights" if len(names) == len(kept) else f"The weights of {shorten(names, MAX_NAMED)}"
        chosen = f" (epoch {_range([kept[name].epoch for name in names])})" if why is Kept.BEST else ""
        sentences.append(f"{subject} are those {why}{chosen}.")
    return " ".join(sentences)


def _epochs(asked: float, kept: Sequence[KeptWeights]) -> str:
    """Number of epochs trained: as requested, unless the logs, which may lack the last few steps, show otherwise."""
    logged = [each.last_epoch for each in kept]
    return f"{asked:g}" if all(0.9 * asked <= last <= 1.01 * asked for last in logged) else _range(logged)


def _range(values: Sequence[float]) -> str:
    """The value if all are the same, otherwise the lowest and the highest."""
    lowest, highest = f"{min(values):.3g}", f"{max(values):.3g}"
    return lowest if lowest == highest else f"{lowest} to {highest}"


def _prediction(settings: Settings) -> str:
    digits = settings.prediction.significant_digits
    both = "Both strands of each window were read, and their predictions averaged. "
    read = both if settings.prediction.reverse_complement else ""
    rounded = f", and rounded to {digits} significant digits" if digits else ""
    return (
        f"Tracks were predicted in windows of the same size, {_overlap(settings)}. Where windows overlap, the value of "
        f"a base is {STITCHES[settings.prediction.stitch]}. {read}Predictions were transformed back to the scale of "
        f"coverage by the exact inverse of the squashing{rounded}; unknown bases are 0."
    )


def _overlap(settings: Settings) -> str:
    if settings.prediction_overlap == settings.windows.overlap:
        return "with the same overlap"
    return f"each overlapping the next by {settings.prediction_overlap:,} bases"


def _evaluation(settings: Settings) -> str:
    evaluation, genes = settings.evaluation, settings.genes
    shared = "left out" if genes.shared_exons == "leave_out" else "counted for each gene"
    outside, inside = (" outside the blacklist", "; blacklisted bases were counted") if settings.blacklist else ("", "")
    kinds = f" of type {_list(genes.types)}" if genes.types else ""
    return (
        "The main score is the Pearson correlation of observed and predicted log(1 + coverage), pooled over all bases "
        f"with known sequence{outside}. The expression of a gene{kinds} is the mean coverage over the union of its "
        "exons, on its own strand if tracks are stranded. Exonic bases that genes on the same strand share (on either "
        f"strand, if tracks are unstranded) were {shared}{inside}. Gene-level scores are correlations across genes. "
        "For comparison with the published table, genes were also scored by the mean over the whole gene, all genes of "
        "both strands on every track. AUROC and AUPRC are those of bases with observed signal against bases without. "
        "Differences between cell types are log2((a + c) / (b + c)), where a and b are the expression in the two cell "
        f"types and c = {genes.pseudocount:g}. Confidence intervals (95%) are percentiles of a bootstrap over blocks "
        f"of {evaluation.block_size:,} bases ({evaluation.resamples:,} resamples). Rank correlations of single bases "
        f"were computed from at most {evaluation.sample_bases:,} sampled bases. The replicate ceiling r is the same "
        "score between the means of two halves of the samples. It determines the attainable score, that of a "
        "perfect prediction; for equal halves this is sqrt(2r / (1 + r))."
    )


def _recipe_followed(settings: Settings) -> str:
    differing = f", except {_list(settings.departures)}" if settings.departures else ""
    return (
        f"Normalisation, windows, head, training and stitching follow the recipe {settings.recipe!r}, which is that of "
        f"later code of the published model's authors (OneGenome-Rice){differing}."
    )


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def _list_settings(backbone: Section) -> str:
    values = {key: value for key, value in backbone if key != "type"}
    return ", ".join(f"{key} {'-'.join(map(str, v)) if isinstance(v, tuple) else v}" for key, v in values.items())

"""Arguments of the Hugging Face Trainer."""

import os

import numpy as np
import torch
from transformers import TrainingArguments

from .batches import batch_share
from .callbacks import LOGGED
from .job import TrainingJob
from .validation import PEARSON

# Names in the configuration, and the corresponding names in Transformers.
OPTIMISERS = {"adafactor": "adafactor", "adamw": "adamw_torch"}
SCHEDULES = {"cosine": "cosine", "constant": "constant_with_warmup", "plateau": "reduce_lr_on_plateau"}
PLATEAU = {"mode": "max", "factor": 0.5, "patience": 2}


def training_arguments(
    job: TrainingJob, steps_per_epoch: int, *, validate: bool, recomputes: bool
) -> TrainingArguments:
    """Arguments for one training.

    Parameters
    ----------
    job
        With its precision settled.
    validate
        Whether there is validation, by which the epoch is chosen if the settings ask for it.
    recomputes
        Whether activations are recomputed in the backward pass.
    """
    settings = job.settings
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    share = batch_share(job, processes)
    choose_best = validate and settings.keep == "best" and job.plan.control == "none"
    cuda = torch.cuda.is_available()
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(job.target / "tensorboard")
    arguments = TrainingArguments(
        output_dir=str(job.checkpoints.absolute()),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=share.micro_batch,
        per_device_eval_batch_size=share.micro_batch,
        gradient_accumulation_steps=share.accumulated,
        optim=OPTIMISERS[settings.optimizer],
        weight_decay=settings.weight_decay,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=SCHEDULES[settings.schedule],
        lr_scheduler_kwargs=PLATEAU if settings.schedule == "plateau" else None,
        # A value below 1 is a fraction of all steps; 1 would mean one step.
        warmup_steps=min(settings.warmup_fraction, float(np.nextafter(1, 0))),
        max_grad_norm=settings.max_grad_norm,
        use_cpu=not cuda,
        ddp_backend=None if processes == 1 else "nccl" if cuda else "gloo",
        ddp_find_unused_parameters=False,
        bf16=settings.precision == "bf16",
        torch_compile=settings.compile,
        activation_checkpointing=recomputes,
        dataloader_num_workers=settings.loader_workers,
        dataloader_pin_memory=cuda,
        seed=settings.seed,
        eval_strategy="epoch" if validate else "no",
        batch_eval_metrics=True,
        save_strategy="epoch" if choose_best else "no",
        load_best_model_at_end=choose_best,
        metric_for_best_model=PEARSON if choose_best or settings.schedule == "plateau" else None,
        greater_is_better=True,
        logging_steps=min(10, max(1, int(settings.epochs * steps_per_epoch) // LOGGED)),
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="tensorboard",
        remove_unused_columns=False,
    )
    # One process uses one GPU; otherwise the Trainer would split each batch over all visible GPUs.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments

"""Checkpoints of an unfinished training: checked to be complete before training resumes, and all of one recipe.

The Trainer writes `checkpoint-{step}/` folders into one folder. If it is killed while saving, such a folder is
incomplete; a manifest next to the files, which is written last, shows this. With several processes, one of them calls
these functions and the others wait for it.
"""

import errno
import json
import logging
import re
import shutil
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..errors import shorten
from ..files import write_text

log = logging.getLogger(__name__)

MANIFEST = "complete.json"
RECIPE = "recipe.json"
TRAINER_STATE = "trainer_state.json"


def write_manifest(checkpoint: Path) -> None:
    """Write `complete.json`: the size in bytes of every other file in the folder and its subfolders, by POSIX path.

    Call it after every process has written its part. Nothing is forced to the disk (no fsync): after a power failure, a
    file that did not reach the disk has a different size, and there is an older checkpoint.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    """
    sizes = {
        path.relative_to(checkpoint).as_posix(): path.stat().st_size
        for path in sorted(checkpoint.rglob("*"))
        if path.is_file() and path != checkpoint / MANIFEST
    }
    if not sizes:
        raise FileNotFoundError(errno.ENOENT, "no files in the checkpoint", str(checkpoint))
    write_text(checkpoint / MANIFEST, json.dumps({"files": sizes}, indent=2) + "\n")


def find_damage(checkpoint: Path) -> str | None:
    """Describe what is wrong with a checkpoint; None if every file of its manifest exists and has the right size.

    Files that are not in the manifest are allowed: they were added after the save (notes, leftovers of a
    network file system or of a killed write), so the training state is complete without them.
    """
    if not (checkpoint / MANIFEST).exists():
        return f"no {MANIFEST}: it was not saved completely"
    try:
        sizes = {name: int(size) for name, size in json.loads((checkpoint / MANIFEST).read_bytes())["files"].items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        return f"{MANIFEST}: not a valid manifest"
    for name, expected in sizes.items():
        path = checkpoint / name
        if not path.is_file():
            return f"{name}: missing"
        if (size := path.stat().st_size) != expected:
            return f"{name}: found {size} bytes; expected {expected}"
    return None


def newest_whole(folder: Path) -> Path | None:
    """The checkpoint to resume from: the complete one with the highest step; None if there is none.

    Damaged ones with a higher step are removed with a warning, because the training will write these
    steps again, and the Trainer would count them among those it keeps. Older checkpoints are kept.

    A checkpoint also counts as damaged if the best one so far, which is named in its `trainer_state.json`,
    exists and is damaged: the Trainer would load it at the end. A missing best one does not count as damage:
    the Trainer removed it when it found a better one, and the resumed training will find that one again.
    """
    for checkpoint, before in pairwise([*_checkpoints(folder), None]):
        wrong = find_damage(checkpoint) or _damage_of_best(checkpoint)
        if wrong is None:
            return checkpoint
        log.warning(
            "%s is damaged and is removed (%s): the training falls back to %s",
            checkpoint,
            wrong,
            before.name if before else "its start",
        )
        shutil.rmtree(checkpoint)
    return None


def claim_recipe(folder: Path, recipe: Mapping[str, Any]) -> None:
    """Reserve a folder for checkpoints of this recipe, which is written to `recipe.json`.

    Checkpoints of another recipe, or of an unknown one (if `recipe.json` is missing or cannot be
    read), are removed with a warning: resuming from them would mix two trainings. With the same
    recipe nothing is changed. Other files in the folder are kept.

    Parameters
    ----------
    recipe
        Everything that the trained weights depend on, in a form that JSON can store. Recipes are
        compared as JSON values: a tuple equals a list, and 60 equals 60.0.

    Raises
    ------
    TypeError, ValueError
        If JSON cannot store the recipe, for example because of NaN or infinity. Nothing is changed then.
    """
    text = json.dumps(recipe, indent=2, allow_nan=False) + "\n"
    unlike = _unlike_stored(folder / RECIPE, json.loads(text))
    if unlike is None:
        return
    foreign = _checkpoints(folder)
    if foreign:
        log.warning(
            "%s: checkpoints of another recipe are removed (%s): %s",
            folder,
            unlike,
            shorten([path.name for path in foreign], 5),
        )
    for checkpoint in foreign:
        shutil.rmtree(checkpoint)
    write_text(folder / RECIPE, text)


def has_checkpoints_of(folder: Path, recipe: Callable[[], Mapping[str, Any]]) -> bool:
    """Whether a folder has checkpoints of a recipe, which is made only if there are checkpoints."""
    return bool(_checkpoints(folder)) and _unlike_stored(folder / RECIPE, json.loads(json.dumps(recipe()))) is None


def rotate(folder: Path, keep: int, best: str | None) -> None:
    """Remove all checkpoints except the `keep` newest ones and the best one, which is given by its path.

    Call it after the newest one has its manifest, so that being killed here never loses a complete one still needed.
    """
    for checkpoint in _checkpoints(folder)[keep:]:
        if best is None or checkpoint.name != Path(best).name:
            shutil.rmtree(checkpoint)


def clear(folder: Path) -> None:
    """Remove a folder if it exists, such as the checkpoints of a model that is finished and saved."""
    if folder.exists():
        shutil.rmtree(folder)


def _checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, complete or not, the highest step first."""
    steps = {
        path: int(name[1])
        for path in folder.glob("checkpoint-*")
        if (name := re.fullmatch(r"checkpoint-([0-9]+)", path.name)) and path.is_dir()
    }
    return sorted(steps, key=steps.__getitem__, reverse=True)


def _damage_of_best(checkpoint: Path) -> str | None:
    """Describe what is wrong with the best checkpoint that is named in a complete checkpoint's Trainer state."""
    if not (checkpoint / TRAINER_STATE).exists():
        return None
    named = json.loads((checkpoint / TRAINER_STATE).read_bytes())["best_model_checkpoint"]
    if named is None:
        return None
    best = checkpoint.with_name(Path(named).name)
    wrong = find_damage(best) if best.exists() and best != checkpoint else None
    return wrong and f"its best checkpoint, {best.name}: {wrong}"


def _unlike_stored(path: Path, recipe: Mapping[str, Any]) -> str | None:
    """Describe how a recipe differs from the stored one; None if it does not."""
    if not path.exists():
        return f"no {RECIPE}"
    try:
        stored = json.loads(path.read_bytes())
    except ValueError:
        return f"{RECIPE} is not JSON"
    if not isinstance(stored, dict):
        return f"{RECIPE} does not contain a recipe"
    keys = dict.fromkeys([*recipe, *stored])
    changed = [key for key in keys if key not in recipe or key not in stored or recipe[key] != stored[key]]
    return f"changed: {shorten(changed, 5)}" if changed else None

"""Checkpoints of an unfinished training: known to be whole before they are resumed, and all of one recipe.

The Trainer writes `checkpoint-{step}/` under one folder. A kill in the middle of a save leaves a part of such a
folder. A manifest beside the files, written last, says so. With several processes one of them calls these functions,
and the others wait for it.
"""

import errno
import json
import logging
import re
import shutil
from collections.abc import Mapping
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
    """Write `complete.json`: the size in bytes of every other file in the folder and below it, by its POSIX path.

    Call it after every process has written its part. Nothing is forced to the disk (no fsync): should the machine lose
    power, a file that did not get there has another size, and an older checkpoint is there by then.

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
        raise FileNotFoundError(errno.ENOENT, "no file of a checkpoint", str(checkpoint))
    write_text(checkpoint / MANIFEST, json.dumps({"files": sizes}, indent=2) + "\n")


def find_damage(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint; None if it has every file of its manifest, each of its size.

    Files that the manifest does not name are allowed: they came after the save (notes, what a network
    file system leaves behind, the rest of a killed write), so the training state is whole without them.
    """
    if not (checkpoint / MANIFEST).exists():
        return f"no {MANIFEST}: it was not saved to its end"
    try:
        sizes = {name: int(size) for name, size in json.loads((checkpoint / MANIFEST).read_bytes())["files"].items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        return f"{MANIFEST}: it cannot be read as a manifest"
    for name, expected in sizes.items():
        path = checkpoint / name
        if not path.is_file():
            return f"{name}: missing"
        if (size := path.stat().st_size) != expected:
            return f"{name}: found {size} bytes; expected {expected}"
    return None


def newest_whole(folder: Path) -> Path | None:
    """The checkpoint to resume from: the one of the highest step that is whole; None if there is none.

    Each damaged one on the way is removed with a warning, since the training will write its step
    anew, and the Trainer would count it among those it keeps. Older ones than the one returned stay.

    A checkpoint is damaged too if the best one so far, which its `trainer_state.json` names, is
    there and damaged: the Trainer would load that at the end as it is. A best one that is not there is no
    damage: the Trainer removed it when it found a better one, and the resumed training will find that again.
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
    """Make a folder hold checkpoints of this recipe only; it is written to `recipe.json`.

    Checkpoints of another recipe, or of an unknown one (no `recipe.json`, or one that cannot be
    read), are removed with a warning: resuming from them would mix two trainings. With the same
    recipe nothing is touched. Other files in the folder stay.

    Parameters
    ----------
    recipe
        Everything that the trained weights depend on, as JSON can hold it. Recipes are compared as
        JSON values: a tuple equals a list, and 60 equals 60.0.

    Raises
    ------
    TypeError, ValueError
        If JSON cannot hold the recipe; NaN and infinity it cannot. Nothing is touched then.
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


def rotate(folder: Path, keep: int, best: str | None) -> None:
    """Remove all checkpoints but the newest ones, `keep` of them, and the best one, which is named by its path.

    To be called after the newest one has its manifest: a kill on the way then costs no whole one that is still needed.
    """
    for checkpoint in _checkpoints(folder)[keep:]:
        if best is None or checkpoint.name != Path(best).name:
            shutil.rmtree(checkpoint)


def clear(folder: Path) -> None:
    """Remove the folder of checkpoints, if there is one: the finished model is saved."""
    if folder.exists():
        shutil.rmtree(folder)


def _checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, whole or not, the highest step first."""
    steps = {
        path: int(name[1])
        for path in folder.glob("checkpoint-*")
        if (name := re.fullmatch(r"checkpoint-([0-9]+)", path.name)) and path.is_dir()
    }
    return sorted(steps, key=steps.__getitem__, reverse=True)


def _damage_of_best(checkpoint: Path) -> str | None:
    """What is wrong with the best checkpoint, as a whole checkpoint's Trainer state names it."""
    if not (checkpoint / TRAINER_STATE).exists():
        return None
    named = json.loads((checkpoint / TRAINER_STATE).read_bytes())["best_model_checkpoint"]
    if named is None:
        return None
    best = checkpoint.with_name(Path(named).name)
    wrong = find_damage(best) if best.exists() and best != checkpoint else None
    return wrong and f"its best checkpoint, {best.name}: {wrong}"


def _unlike_stored(path: Path, recipe: Mapping[str, Any]) -> str | None:
    """How a recipe differs from the stored one; None if it does not."""
    if not path.exists():
        return f"no {RECIPE}"
    try:
        stored = json.loads(path.read_bytes())
    except ValueError:
        return f"{RECIPE} is not JSON"
    if not isinstance(stored, dict):
        return f"{RECIPE} holds no recipe"
    keys = dict.fromkeys([*recipe, *stored])
    changed = [key for key in keys if key not in recipe or key not in stored or recipe[key] != stored[key]]
    return f"changed: {shorten(changed, 5)}" if changed else None

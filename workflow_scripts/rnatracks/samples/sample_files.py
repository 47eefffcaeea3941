"""Checks of sample files: whether they exist, and whether any is used twice, by another name, a link or a copy."""

import filecmp
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from ..downloads.locations import one_spelling
from ..errors import InputError
from ..vocabulary import Source, Strand
from .sample import Sample


def check_distinct(samples: Iterable[Sample], excluded: Collection[str] = ()) -> None:
    """Check that no name and no file is used by two samples, as when two cell types find the same experiment.

    Parameters
    ----------
    excluded
        Names of samples that are not used; other samples may have the same files.

    Raises
    ------
    InputError
        For the first sample that repeats another's name, file or MD5.
    """
    named: dict[str, Sample] = {}
    filed: dict[str, tuple[Sample, Strand]] = {}
    for sample in samples:
        where = f"sample {sample.name} of {sample.cell_type}"
        if sample.name in named:
            raise InputError(where, f"a sample of {named[sample.name].cell_type} with the same name", "each name once")
        named[sample.name] = sample
        if sample.name in excluded:
            continue
        for strand, file in sample.files.items():
            for key in filter(None, (one_spelling(file.location), file.md5)):
                other, other_strand = filed.setdefault(key, (sample, strand))
                if (other.name, other_strand) != (sample.name, strand):
                    what = f"the MD5 {key}" if key == file.md5 else file.accession or file.location
                    found = f"{what}, as in sample {other.name} of {other.cell_type}, {other_strand}"
                    raise InputError(f"{where}, {strand}", found, "each file once")


def check_local_files(
    samples: Sequence[Sample], made_by_workflow: Path | None = None, where: object = "sample sheet"
) -> list[Path]:
    """Check that every local file exists, is not empty, and is not another one under a different name or a copy of it.

    Parameters
    ----------
    samples
        The samples that are used.
    made_by_workflow
        Folder whose files the workflow makes itself; these are not checked.
    where
        Name of the sheet, for errors.

    Returns
    -------
    The files that were checked.

    Raises
    ------
    InputError
        For the first file that is missing or empty, otherwise for the first that duplicates another.
    """
    found = {}
    for sample in samples:
        if sample.source is not Source.LOCAL:
            continue
        for strand, file in sample.files.items():
            path = Path(file.location)
            if made_by_workflow is not None and path.resolve().is_relative_to(made_by_workflow.resolve()):
                continue
            line = f"line {sample.line}, " if sample.line else ""
            place = f"{where}, {line}sample {sample.name}, {strand}"
            if not path.is_file():
                raise InputError(place, f"{path}, which is not a file", "a path relative to the working directory")
            if path.stat().st_size == 0:
                raise InputError(place, f"{path}, which is empty", "a bigWig file")
            found[place] = path
    _check_different(found)
    return list(found.values())


def _check_different(files: Mapping[str, Path]) -> None:
    """Check that files, keyed by their places in the sheet, differ; only files of equal size are read."""
    by_size: dict[int, list[tuple[str, Path]]] = {}
    for place, path in files.items():
        alike = by_size.setdefault(path.stat().st_size, [])
        for other_place, other in alike:
            same = path.samefile(other)
            if same or filecmp.cmp(path, other, shallow=False):
                found = f"{path}, {'the same file as' if same else 'a copy of'} {other} in {other_place}"
                raise InputError(place, found, "each file once")
        alike.append((place, path))

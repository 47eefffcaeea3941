"""Files of samples: whether they are there, and whether one counts twice, by another name, a link or a copy."""

import filecmp
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from ..downloads.locations import one_spelling
from ..errors import InputError
from ..vocabulary import Source, Strand
from .sample import Sample


def check_distinct(samples: Iterable[Sample], excluded: Collection[str] = ()) -> None:
    """Check that no name and no file stands for two samples, such as one experiment that two cell types find.

    Parameters
    ----------
    excluded
        Names of samples that are not used, whose files may be those of another sample.

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
            raise InputError(where, f"the name of a sample of {named[sample.name].cell_type}", "each name once")
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
    """Check that every local file is there, is not empty, and is no other one under another name or a copy of it.

    Parameters
    ----------
    samples
        Those that are used.
    made_by_workflow
        Folder whose files the workflow makes itself; they are not looked for.
    where
        What the error line calls the sheet.

    Returns
    -------
    The files looked for.

    Raises
    ------
    InputError
        For the first file that is missing or empty, else for the first that repeats another one.
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
                raise InputError(place, f"{path}, which is no file", "a path relative to the working directory")
            if path.stat().st_size == 0:
                raise InputError(place, f"{path}, which is empty", "a bigWig file")
            found[place] = path
    _check_different(found)
    return list(found.values())


def _check_different(files: Mapping[str, Path]) -> None:
    """Check that files, by their places in the sheet, differ; only those of one size are read."""
    by_size: dict[int, list[tuple[str, Path]]] = {}
    for place, path in files.items():
        alike = by_size.setdefault(path.stat().st_size, [])
        for other_place, other in alike:
            same = path.samefile(other)
            if same or filecmp.cmp(path, other, shallow=False):
                found = f"{path}, {'the same file as' if same else 'a copy of'} {other} in {other_place}"
                raise InputError(place, found, "each file once")
        alike.append((place, path))

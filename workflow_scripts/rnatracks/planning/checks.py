"""Checks before the first job of a run: missing chromosomes, too many pairs of tracks, VCFs, unrecorded results."""

import base64
import gzip
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

from ..config.settings import Settings
from ..downloads.data_file import DataFile, is_url
from ..downloads.file_format import check_content
from ..errors import InputError, alias_hint, shorten
from ..files import open_plain_or_gzip
from ..genome.fasta import chromosome_lengths, clean_lines, index_fits

# Larger FASTA files are not read before the first job.
MAX_FASTA_BYTES = 100_000_000

MAX_PAIRS = 1000  # pairs of tracks whose differences are scored


def check_chromosomes(settings: Settings, available: Collection[str], where: object) -> None:
    """Check that every chosen chromosome is in the FASTA file.

    Parameters
    ----------
    available
        Names of the sequences in the file.
    where
        Name of the file in error messages.

    Raises
    ------
    InputError
        For the first chromosome that is missing.
    """
    for name in settings.genome.chromosomes:
        if name in available:
            continue
        hint = alias_hint(name, available)
        raise InputError(
            where, f"no sequence {name!r}, which is listed in genome.chromosomes{hint}", f"one of: {shorten(available)}"
        )


def check_pairs(setting: str, pairs: int) -> None:
    """Check that not too many pairs of tracks are scored: their number grows with the square of the cell types.

    Parameters
    ----------
    setting
        `evaluation.pairs`.
    pairs
        Number of pairs that result from it.

    Raises
    ------
    InputError
        If `all` gives more than 1,000.
    """
    if setting == "all" and pairs > MAX_PAIRS:
        found = f"all, which gives {pairs:,} pairs of tracks"
        raise InputError("config, evaluation.pairs", found, f"neighbours, or at most {MAX_PAIRS:,} pairs")


def check_vcfs(files: Mapping[str, DataFile]) -> None:
    """Check that local VCF files, by their key in the section `variants`, exist and look like VCF.

    Raises
    ------
    InputError
        For the first file that does not.
    """
    for name, file in files.items():
        if not file.remote:
            where, path = f"config, variants.{name}", Path(file.location)
            if not path.is_file():
                raise InputError(where, f"{path}, which is not a file", "a VCF file")
            check_content(path, file.kind, f"{where}, {path}")


def known_chromosomes(settings: Settings) -> list[str] | None:
    """Names of the genome's sequences, if they are available before any job runs.

    They are taken from `simulate.chromosomes`; otherwise from the `.fai` index next to a local
    FASTA file; otherwise from its headers, if the file is smaller than 100 MB.

    Returns
    -------
    The names in the order of the file, or None if the genome is a URL or a large file without an index.

    Raises
    ------
    InputError
        If a local FASTA file is missing, empty, damaged or contains no sequence.
    """
    if settings.simulate:
        return list(settings.simulate.chromosomes)
    fasta = settings.genome.fasta
    if is_url(fasta):
        return None
    fasta = Path(fasta)
    if not fasta.is_file():
        raise InputError("config, genome.fasta", f"{fasta}, which is not a file", "a FASTA file")
    if fasta.stat().st_size == 0:
        raise InputError(fasta, "an empty file", "a FASTA file")
    if index_fits(fasta):
        names = list(chromosome_lengths(fasta))
    elif fasta.stat().st_size < MAX_FASTA_BYTES:
        names = _header_names(fasta)
    else:
        return None
    if not names:
        raise InputError(fasta, "no sequence", "a FASTA file, with headers that start with >")
    return names


def is_recorded(made: str) -> bool:
    """Whether the file does not exist, or Snakemake has a record of it under this path in the working directory."""
    records, name = Path(".snakemake/metadata"), base64.urlsafe_b64encode(made.encode()).decode()
    longest = 254  # longer names are cut into folders
    parts = [name[start : start + longest] for start in range(0, len(name), longest)]
    record = records.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
    # If Snakemake keeps its records in a database, this cannot be checked here.
    return not Path(made).exists() or Path(".snakemake/metadata.db").exists() or record.exists()


def warnings_of(settings: Settings) -> dict[str, str]:
    """What is unusual about a run, but no error, by the key of the configuration."""
    found = {"results": unrecorded_results(settings.results)}
    if settings.departures:
        found["recipe"] = f"{settings.recipe}, except {', '.join(settings.departures)}"
    return {key: text for key, text in found.items() if text}


def unrecorded_results(results: str) -> str | None:
    """A warning if there are results without a Snakemake record under this path of their folder, otherwise None."""
    if is_recorded(f"{results}/reference/genome.fa"):
        return None
    return (
        f"found results in {results} without a record in .snakemake; expected the same path and working directory as "
        "when they were made, because otherwise changes of the settings go unnoticed"
    )


def _header_names(fasta: Path) -> list[str]:
    """Names in the headers of a FASTA file, plain or gzipped."""
    try:
        with open_plain_or_gzip(fasta) as stream:
            headers = [line[1:].decode().split() for line in clean_lines(stream) if line.startswith(b">")]
    except UnicodeDecodeError as error:
        raise InputError(
            fasta, f"a header that is not UTF-8: {error.object[:60]!r}", "a FASTA file in UTF-8"
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(fasta, f"a damaged file ({error})", "a FASTA file, plain or gzipped") from error
    return [header[0] for header in headers if header]

"""Checks of a run before any of its jobs: missing chromosomes, too many pairs of tracks, results without a record."""

import base64
import gzip
import zlib
from collections.abc import Collection
from pathlib import Path

from ..config.settings import Settings
from ..downloads.data_file import is_url
from ..errors import InputError, alias_hint, shorten
from ..files import open_plain_or_gzip
from ..genome.fasta import chromosome_lengths, clean_lines, index_fits

# Larger FASTA files are not read before jobs run.
MAX_FASTA_BYTES = 100_000_000

MAX_PAIRS = 1000  # of tracks whose differences are scored


def check_chromosomes(settings: Settings, available: Collection[str], where: object) -> None:
    """Check that every chosen chromosome is in the FASTA file.

    Parameters
    ----------
    available
        Names of the sequences in the file.
    where
        What the error line calls the file.

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
            where, f"no sequence {name!r}, named in genome.chromosomes{hint}", f"one of: {shorten(available)}"
        )


def check_pairs(setting: str, pairs: int) -> None:
    """Check that not too many pairs of tracks are scored: they grow with the square of the cell types.

    Parameters
    ----------
    setting
        `evaluation.pairs`.
    pairs
        How many that makes.

    Raises
    ------
    InputError
        If `all` makes more than 1,000.
    """
    if setting == "all" and pairs > MAX_PAIRS:
        found = f"all, which makes {pairs:,} pairs of tracks"
        raise InputError("config, evaluation.pairs", found, f"neighbours, or at most {MAX_PAIRS:,} pairs")


def known_chromosomes(settings: Settings) -> list[str] | None:
    """Names of the genome's sequences, where they can be had before any job runs.

    They come from `simulate.chromosomes`, else from the `.fai` beside a local
    FASTA file, else from its headers if it is smaller than 100 MB.

    Returns
    -------
    The names in their order, or None where the genome is a URL or a large file without an index.

    Raises
    ------
    InputError
        If a local FASTA file is missing, empty, damaged or holds no sequence.
    """
    if settings.simulate:
        return list(settings.simulate.chromosomes)
    fasta = settings.genome.fasta
    if is_url(fasta):
        return None
    fasta = Path(fasta)
    if not fasta.is_file():
        raise InputError("config, genome.fasta", f"{fasta}, which is no file", "a FASTA file")
    if fasta.stat().st_size == 0:
        raise InputError(fasta, "an empty file", "a FASTA file")
    if index_fits(fasta):
        names = list(chromosome_lengths(fasta))
    elif fasta.stat().st_size < MAX_FASTA_BYTES:
        names = _header_names(fasta)
    else:
        return None
    if not names:
        raise InputError(fasta, "no sequence", "a FASTA file, whose headers start with >")
    return names


def is_recorded(made: str) -> bool:
    """Whether Snakemake's records in the working directory know a file under this spelling, or it is not there."""
    records, name = Path(".snakemake/metadata"), base64.urlsafe_b64encode(made.encode()).decode()
    longest = 254  # longer names are cut into folders
    parts = [name[start : start + longest] for start in range(0, len(name), longest)]
    record = records.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
    # With Snakemake's other kind of records, in a database, that is not known.
    return not Path(made).exists() or Path(".snakemake/metadata.db").exists() or record.exists()


def unrecorded_results(results: str) -> str | None:
    """What to warn of, if there are results of which Snakemake has no record under this spelling of their folder."""
    if is_recorded(f"{results}/reference/genome.fa"):
        return None
    return (
        f"found results in {results} of which .snakemake has no record; expected the path and working directory with "
        "which they were made, as changed settings are not noticed here"
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

"""What a user gives to predict one locus: the genome, gene models and a folder to write to, checked."""

import logging
import os
from pathlib import Path

import pyfaidx

from ..errors import InputError
from ..genome.fasta import index_fits
from ..genome.sequence import Genome

log = logging.getLogger(__name__)


def open_genome(fasta: Path) -> Genome:
    """Open a FASTA file, and index it if its index is missing, older than itself, damaged or of another file.

    Raises
    ------
    InputError
        If it is missing, compressed or no FASTA, or an index that it needs cannot be written beside it.
    """
    if not fasta.is_file():
        raise InputError(fasta, "no such file", "a FASTA file")
    with fasta.open("rb") as stream:
        first = stream.read(2)
    if first == b"\x1f\x8b":
        raise InputError(fasta, "a compressed file", "an uncompressed FASTA file")
    if not first.startswith(b">"):
        raise InputError(fasta, f"{first!r} at its beginning" if first else "an empty file", "a FASTA record ('>')")
    if index_fits(fasta):
        return Genome(fasta)
    index = Path(f"{fasta}.fai")
    log.info("indexing %s", fasta)
    try:
        index.unlink(missing_ok=True)
        pyfaidx.Faidx(str(fasta)).close()
    except RuntimeError as error:  # what pyfaidx raises for these
        raise InputError(fasta, "lines that cannot be indexed (blank lines at its end)", "a FASTA file") from error
    except (pyfaidx.FastaIndexingError, ValueError) as error:
        raise InputError(fasta, f"lines that cannot be indexed ({error})", "a FASTA file") from error
    except OSError as error:
        raise InputError(index, f"no index that can be used, and none can be written ({error})", "one") from error
    return Genome(fasta)


def check_output_folder(folder: Path) -> None:
    """Raise `InputError` unless a folder is there or can be made."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"output folder {folder}", f"{there}, which is a file", "a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"output folder {folder}", f"{there}, where you may not write", "a folder to write to")

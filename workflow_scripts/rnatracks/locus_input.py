"""What a user gives to predict one locus: the genome, gene models and a folder to write to, checked."""

import logging
import os
import tempfile
from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pyfaidx

from .annotation import prepare_gtf, read_gtf
from .errors import InputError
from .genome import Genome

log = logging.getLogger(__name__)


def open_genome(fasta: Path) -> Genome:
    """Open a FASTA file, and index it if its index is missing, older than itself or damaged.

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
    index = Path(f"{fasta}.fai")
    if index.is_file() and index.stat().st_mtime >= fasta.stat().st_mtime:
        try:
            return Genome(fasta)
        except (OSError, ValueError):
            log.warning("%s cannot be read", index)
    log.info("indexing %s", fasta)
    try:
        index.unlink(missing_ok=True)
        pyfaidx.Faidx(str(fasta)).close()
    except (pyfaidx.FastaIndexingError, ValueError) as error:
        raise InputError(fasta, f"lines that cannot be indexed ({error})", "a FASTA file") from error
    except OSError as error:
        raise InputError(index, f"no index that can be used, and none can be written ({error})", "one") from error
    return Genome(fasta)


def read_gene_models(gtf: Path, chromosomes: Collection[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Genes and exons on these chromosomes, as `annotation.read_gtf` gives them, from any GTF, plain or gzipped.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, or no exon in it lies on these chromosomes.
    """
    if not gtf.is_file():
        raise InputError(gtf, "no such file", "a GTF file")
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "annotation.gtf.gz"
        prepare_gtf(gtf, prepared, chromosomes)
        return read_gtf(prepared)


def check_output_folder(folder: Path) -> None:
    """Raise `InputError` unless a folder is there or can be made."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"output folder {folder}", f"{there}, which is a file", "a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"output folder {folder}", f"{there}, where you may not write", "a folder to write to")

"""A quick check of a downloaded file's type, which reads only its start and its end."""

import codecs
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError
from ..files import BGZF_END, GZIP_MAGIC, is_bgzf
from ..genome.bed import region_of
from ..genome.gtf import check_line, is_comment
from ..tracks.bigwig import MAGIC
from .data_file import Kind

HEAD = 1 << 16
VCF_START = b"##fileformat=VCF"  # VCF specification, 1.2.1
DEFLATE_LIMIT = 1032  # most bytes that one deflated byte can expand to: zlib's technical details


def check_content(path: Path, kind: Kind, name: object = None) -> None:
    """Check that a file has the expected type, reading only its start and its end.

    bigWig: its magic number at both ends. FASTA: `>` at the start. GTF and BED: their readers accept the lines in
    the first 64 KiB. VCF: the line that states its version. All but bigWigs may be gzipped; the first bytes are then
    decompressed, and the last ones must be a possible end of a gzip file: the end marker of BGZF, or else a length that
    deflate can reach. A truncated large gzip file can be detected only by its size or checksum.

    Parameters
    ----------
    name
        Name of the file in errors; its path by default.

    Raises
    ------
    InputError
        If the file is something else.
    """
    name = name or path
    match kind:
        case Kind.BIGWIG:
            _check_bigwig(path, name)
        case Kind.FASTA:
            start = _unpacked_start(path, name)
            if not start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b">"):
                raise InputError(name, _describe(start), "FASTA, which starts with '>'")
        case Kind.GTF:
            _check_lines(path, name, check_line)
        case Kind.BED:
            _check_lines(path, name, region_of)
        case Kind.VCF:
            start = _unpacked_start(path, name)
            if not start.removeprefix(codecs.BOM_UTF8).startswith(VCF_START):
                raise InputError(name, _describe(start), f"a VCF file, which starts with {VCF_START.decode()!r}")


def _check_bigwig(path: Path, name: object) -> None:
    with path.open("rb") as stream:
        start = stream.read(HEAD)
        if start[:4] not in MAGIC:
            raise InputError(name, _describe(start), "a bigWig file")
        stream.seek(-4, os.SEEK_END)
        end = stream.read()
    if end != start[:4] or path.stat().st_size <= 64:
        raise InputError(name, f"a bigWig file that ends with {end!r}", "the magic number at its end too")


def _check_lines(path: Path, name: object, check: Callable[[str, str], object]) -> None:
    """Check the complete lines among a file's first bytes with the check of the reader that will read them."""
    start = _unpacked_start(path, name)
    cut = max(len(start), path.stat().st_size) >= HEAD
    if not start or _is_web_page(start):
        raise InputError(name, _describe(start), "a text file of tab-separated lines")
    lines = re.split(rb"\r*\n|\r", start)
    whole = lines[:-1] if cut else lines
    records = 0
    for number, line in enumerate(whole, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{name}, line {number}", _describe(line), "text in UTF-8") from error
        if not is_comment(text):
            check(text, f"{name}, line {number}")
            records += 1
    if check is check_line and not records and not cut:
        raise InputError(name, "no record", "a GTF with genes")


def _unpacked_start(path: Path, name: object) -> bytes:
    """First bytes of a file, decompressed if it is gzipped; the end of a gzipped file is checked too."""
    with path.open("rb") as stream:
        start = stream.read(HEAD)
        if not start.startswith(GZIP_MAGIC):
            return start
        stream.seek(-min(path.stat().st_size, len(BGZF_END)), os.SEEK_END)
        end = stream.read()
    blocked = is_bgzf(start)
    if blocked and end != BGZF_END:
        raise InputError(name, "truncated blocked gzip data", "a complete file")
    if not blocked and int.from_bytes(end[-4:], "little") > DEFLATE_LIMIT * path.stat().st_size:
        raise InputError(name, "truncated gzip data", "a complete file")
    unpacked = b""
    try:
        while start and len(unpacked) < HEAD:  # BGZF blocks and concatenated files are one gzip member each
            gzipped = zlib.decompressobj(wbits=31)
            unpacked += gzipped.decompress(start, HEAD - len(unpacked))
            start = gzipped.unused_data.lstrip(b"\0") if gzipped.eof else b""
        return unpacked
    except zlib.error as error:
        raise InputError(name, f"damaged gzip data ({error})", "a complete file") from error


def _describe(start: bytes) -> str:
    """What the first bytes of a file look like, for an error."""
    if not start:
        return "no data"
    if _is_web_page(start):
        return f"a web page: {start[:40]!r}"
    return f"data that starts with {start[:40]!r}"


def _is_web_page(start: bytes) -> bool:
    return start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml"))

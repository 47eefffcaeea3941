"""VCF files for tests."""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import pysam

COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
HEADER = f"##fileformat=VCFv4.3\n{COLUMNS}\n"
FIRST_LINE = 3  # of the records


def row(chrom: str, pos: int | str, ref: str, alt: str, name: str = ".") -> str:
    return f"{chrom}\t{pos}\t{name}\t{ref}\t{alt}\t.\tPASS\t.\n"


def write_vcf_text(
    path: Path, rows: Sequence[str], header: str = HEADER, pack: Callable[[bytes], bytes] = bytes
) -> Path:
    path.write_bytes(pack((header + "".join(rows)).encode()))
    return path


def bgzip(content: bytes, folder: Path) -> bytes:
    with pysam.BGZFile(str(folder / "packed"), "wb") as stream:
        stream.write(content)
    return (folder / "packed").read_bytes()


FORMS = ("plain", "CRLF", "byte order mark", "blank lines", "no last line end", "gzip", "bgzip")


def packed(content: bytes, form: str, folder: Path) -> bytes:
    match form:
        case "CRLF":
            return content.replace(b"\n", b"\r\n")
        case "byte order mark":
            return b"\xef\xbb\xbf" + content
        case "blank lines":
            *lines, last = content.splitlines(keepends=True)
            return b"".join(lines) + b"\n" + last + b"\n\n"
        case "no last line end":
            return content.rstrip(b"\n")
        case "gzip":
            return gzip.compress(content)
        case "bgzip":
            return bgzip(content, folder)
    return content

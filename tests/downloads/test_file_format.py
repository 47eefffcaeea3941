"""Whether a downloaded file is of its kind."""

import gzip
import re
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pyBigWig
import pytest

from downloads.server_runs import short_id
from rnatracks.downloads.data_file import Kind
from rnatracks.downloads.file_format import HEAD, check_content
from rnatracks.errors import InputError
from rnatracks.files import BGZF_END


def bigwig(folder: Path) -> bytes:
    path = folder / "written.bw"
    with pyBigWig.open(str(path), "w") as writer:
        writer.addHeader([("chr1", 1000)])
        writer.addEntries(["chr1"], [0], ends=[10], values=[1.0])
    return path.read_bytes()


def bgzf(text: bytes) -> bytes:
    """One block, by the SAM specification 4.1, and the end mark."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(text) + packer.flush()
    extra = b"BC" + (2).to_bytes(2, "little") + (len(packed) + 25).to_bytes(2, "little")
    head = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff" + (6).to_bytes(2, "little") + extra
    return head + packed + zlib.crc32(text).to_bytes(4, "little") + len(text).to_bytes(4, "little") + BGZF_END


FASTA = b">chr1 first\n" + b"ACGTTGCAAC\n" * 20_000
GTF = b'##description: genes\n\nchr1\tHAVANA\tgene\t100\t200\t.\t+\t.\tgene_id "A";\n'
BED = b"chr1\t10\t20\tHigh Signal Region\n"
VCF = b"##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchr1\t5\t.\tA\tC\t.\t.\t.\n"
PAGE = b"\n<!DOCTYPE html><html><body>Please log in.</body></html>"


@pytest.mark.parametrize("pack", [bytes, lambda text: gzip.compress(text, mtime=0), bgzf], ids=["plain", "gz", "bgzf"])
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.FASTA, FASTA[:50_000]),
        (Kind.GTF, GTF),
        (Kind.BED, BED),
        (Kind.GTF, b"\xef\xbb\xbftrack name=genes\n" + GTF),
        (Kind.BED, b"track name=x\nbrowser position\n#chrom\nchr1 1 2\n"),
        (Kind.BED, b'\xef\xbb\xbfchr1\t5\t5\t"open quote\r\n'),
        (Kind.BED, b"# no region\n"),
        (Kind.VCF, VCF),
        (Kind.VCF, b"\xef\xbb\xbf" + VCF),
        (Kind.FASTA, b"\xef\xbb\xbf" + FASTA[:500]),
    ],
    ids=short_id,
)
def test_good_content(tmp_path: Path, kind: Kind, text: bytes, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "file").write_bytes(pack(text))
    assert not pack(text).startswith(b"\x1f\x8b") or gzip.decompress(pack(text)) == text
    check_content(tmp_path / "file", kind)


@pytest.mark.parametrize("level", [0, 6])
@pytest.mark.parametrize("size", [100, 0xFF00, 0x1FFFF])
@pytest.mark.parametrize(("kind", "line"), [(Kind.GTF, GTF.split(b"\n")[2]), (Kind.BED, BED.rstrip())])
def test_a_line_cut_by_a_block_of_gzip_is_no_fault(
    tmp_path: Path, kind: Kind, line: bytes, size: int, level: int
) -> None:
    text = b"".join(line + b"%d\n" % number for number in range(10_000))
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    (tmp_path / "file").write_bytes(b"".join(gzip.compress(part, level) for part in parts))
    check_content(tmp_path / "file", kind)
    (tmp_path / "file").write_bytes(b"".join(gzip.compress(part, level) for part in [parts[0], b"\nchr1\t5\n", *parts]))
    with pytest.raises(InputError, match="line [0-9]+: found") if size < HEAD else nullcontext():
        check_content(tmp_path / "file", kind)


def test_good_bigwig(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bigwig(tmp_path))
    check_content(tmp_path / "file", Kind.BIGWIG)


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        *[(kind, b"", "no data") for kind in Kind],
        *[(kind, PAGE, "a web page") for kind in Kind],
        *[(kind, gzip.compress(PAGE), "a web page") for kind in (Kind.FASTA, Kind.GTF, Kind.BED, Kind.VCF)],
        *[(kind, b"\x1f\x8b\x08", "truncated gzip data") for kind in (Kind.FASTA, Kind.GTF, Kind.BED, Kind.VCF)],
        *[(kind, b"\x1f\x8b\x09" + bytes(40), "damaged gzip") for kind in (Kind.FASTA, Kind.GTF, Kind.BED, Kind.VCF)],
        (Kind.BIGWIG, b"\x26\xfc\x8f\x88", "the magic number at its end too"),
        (Kind.BIGWIG, FASTA, "expected a bigWig file"),
        (Kind.FASTA, FASTA[1:], "expected FASTA"),
        (Kind.FASTA, gzip.compress(FASTA, compresslevel=0)[:150_000], "truncated gzip data"),
        (Kind.FASTA, bgzf(FASTA[:50_000])[:-5], "truncated blocked gzip data"),
        (Kind.GTF, GTF.replace(b"\t.\t+", b"\t+"), ", line 3: found 8 columns; expected the 9 columns of a GTF"),
        (Kind.GTF, GTF.replace(b"100", b"one"), ", line 3: found start 'one'"),
        (Kind.GTF, GTF + GTF.replace(b"100", b"300"), ", line 6: found start '300' and end '200'"),
        (Kind.GTF, GTF.replace(b"HAVANA", b"HAV\xe4NA"), ", line 3: found data that starts with"),
        (Kind.GTF, b"# only a comment\n", "found no record"),
        (Kind.GTF, BED, ", line 1: found 4 columns"),
        (Kind.BED, b"chr1\t10\n", "expected BED: chromosome, start and end"),
        (Kind.BED, BED + b"not a bed\n", ", line 2: found start 'a' and end 'bed'"),
        (Kind.BED, GTF, ", line 3: found start 'HAVANA' and end 'gene'"),
        (Kind.VCF, VCF.split(b"\n", 1)[1], "found data that starts with b'#CHROM"),
        (Kind.VCF, gzip.compress(BED), "expected a VCF file, which starts with '##fileformat=VCF'"),
        (Kind.VCF, b"", "found no data"),
        (Kind.VCF, bgzf(VCF)[:-5], "truncated blocked gzip data"),
    ],
    ids=short_id,
)
def test_bad_content(tmp_path: Path, kind: Kind, content: bytes, words: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputError) as refused:
        check_content(tmp_path / "file", kind)
    assert re.match(f"{tmp_path / 'file'}(, line [0-9]+)?: found ", str(refused.value))
    assert words in str(refused.value)


@pytest.mark.parametrize("cut", [1, 4, 100])
def test_a_cut_bigwig_is_refused(tmp_path: Path, cut: int) -> None:
    (tmp_path / "file").write_bytes(bigwig(tmp_path)[:-cut])
    with pytest.raises(InputError, match="magic number at its end"):
        check_content(tmp_path / "file", Kind.BIGWIG)

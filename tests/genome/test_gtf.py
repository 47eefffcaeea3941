"""Attributes of GTF records as the world writes them, against values written down by hand."""

from pathlib import Path

import pytest

from rnatracks.errors import InputError
from rnatracks.genome.gtf import GtfReader, read_attributes

ATTRIBUTES = {
    "GENCODE": (
        'gene_id "ENSG1.2"; gene_type "lncRNA"; gene_name "A"; level 2; tag "basic"; tag "Ensembl_canonical";',
        {"gene_id": "ENSG1.2", "gene_type": "lncRNA", "gene_name": "A", "level": "2", "tag": "basic"},
    ),
    "StringTie without blanks": (
        'gene_id "STRG.1";transcript_id "STRG.1.1";FPKM "0.5"',
        {"gene_id": "STRG.1", "transcript_id": "STRG.1.1", "FPKM": "0.5"},
    ),
    "NCBI, semicolons and ids within quotes": (
        'gene_id "A1"; product "subunit 1; gene_id ""B""; isoform"; pseudo "true"; partial;',
        {"gene_id": "A1", "product": "subunit 1; gene_id", "pseudo": "true"},
    ),
    "TAIR10": (
        'gene_id "AT1G01010"; Note "a;b;;c; gene_name "; transcript_id "AT1G01010.1"',
        {"gene_id": "AT1G01010", "Note": "a;b;;c; gene_name", "transcript_id": "AT1G01010.1"},
    ),
    "bare values": (
        "gene_id G1; gene_name A B ;exon_number 3",
        {"gene_id": "G1", "gene_name": "A B", "exon_number": "3"},
    ),
    "empty values": ('gene_id ""; gene_name ""; gene_type " "; ;;', {}),
    "wide and tabbed blanks": (' gene_id   "G1" ;\u0020 gene_name\u0020"A"  ', {"gene_id": "G1", "gene_name": "A"}),
    "no blank before the value": ('gene_id"G1";gene_name"A";', {"gene_id": "G1", "gene_name": "A"}),
    "a list of values": (
        'gene_id "G1"; ont "PGO:1","PGO:2"; gene_name "A";',
        {"gene_id": "G1", "ont": "PGO:1", "gene_name": "A"},
    ),
    "one id twice": ('gene_id "G1"; gene_id "G1";', {"gene_id": "G1"}),
    "other letters": ('gene_id "gène 1"; gene_name "β;α"', {"gene_id": "gène 1", "gene_name": "β;α"}),
    "nothing": ("", {}),
    "a dot": (".", {}),
}


@pytest.mark.parametrize(("text", "expected"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes_are_read_by_the_rules_of_the_format(text: str, expected: dict[str, str]) -> None:
    assert read_attributes(text, "line 1") == expected


@pytest.mark.parametrize("text", ['gene_id "G1; gene_name "A";', 'gene_id "G1"; note "5" end";', '"'])
def test_a_quote_that_is_not_closed_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="^a.gtf, line 7: found an unclosed quote; expected"):
        read_attributes(text, "a.gtf, line 7")


LINE = 'chr1\tx\texon\t1\t5\t.\t+\t.\tgene_id "G%d";'


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("head", ["", "#!genome\n", "track name=genes\nbrowser hide all\n\n"])
def test_the_first_record_is_never_lost(tmp_path: Path, mark: str, end: str, head: str) -> None:
    text = mark + (head + "".join(LINE % number + "\n" for number in (1, 2))).replace("\n", end)
    (tmp_path / "genes.gtf").write_text(text, encoding="utf-8", newline="")
    records = list(GtfReader(tmp_path / "genes.gtf", {"chr1": 5}))
    assert [(record.gene_id, record.start, record.end, record.text) for record in records] == [
        (f"G{number}", 0, 5, LINE % number) for number in (1, 2)
    ]
    assert [record.line for record in records] == [head.count("\n") + 1, head.count("\n") + 2]

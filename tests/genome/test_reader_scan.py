"""GTF, BED and FASTA readers next to awk, on made-up files that mix what public files do: no silent difference.

Where a reader takes a file, it must give what awk gives. Where it refuses one, a fault must have been planted, and
where one was, it must refuse.
"""

import gzip
import subprocess
from pathlib import Path

import numpy as np
import pytest

from rnatracks.errors import InputError
from rnatracks.genome.bed import read_bed
from rnatracks.genome.fasta import prepare_fasta
from rnatracks.genome.gtf import GtfReader
from rnatracks.genome.sequence import Genome

FILES = 200
MARK = "\ufeff"

# Lines without a byte order mark and carriage return.
CLEAN_LINES = r"""
NR == 1 { sub(/^\357\273\277/, "") }
{ sub(/\r$/, "") }
"""
# Attributes letter by letter: a semicolon within quotes ends nothing.
GTF_PROGRAM = (
    CLEAN_LINES
    + r"""
function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
function take(segment,    key, value, at) {
    segment = trim(segment)
    at = match(segment, /[ "]/)
    if (!at) return
    key = substr(segment, 1, at - 1)
    value = trim(substr(segment, at))
    if (substr(value, 1, 1) == "\"") { value = substr(value, 2); value = substr(value, 1, index(value, "\"") - 1) }
    value = trim(value)
    if (value != "" && !(key in found)) found[key] = value
}
BEGIN { FS = "\t"; OFS = "\t" }
/^#/ || /^[ \t]*$/ || /^(track|browser) / { next }
$1 ~ /^(chr1|chr2)$/ && $3 ~ /^(gene|transcript|exon)$/ {
    split("", found); segment = ""; quoted = 0
    for (i = 1; i <= length($9); i++) {
        letter = substr($9, i, 1)
        if (letter == "\"") quoted = !quoted
        if (letter == ";" && !quoted) { take(segment); segment = "" } else segment = segment letter
    }
    take(segment)
    kind = found["gene_type"] != "" ? found["gene_type"] : found["gene_biotype"]
    print $1, $3, $4 - 1, $5, $7, found["gene_id"], found["transcript_id"], found["gene_name"], kind
}
"""
)
BED_PROGRAM = (
    CLEAN_LINES
    + r"""
/^#/ || /^[ \t]*$/ || /^(track|browser)([ \t]|$)/ { next }
{ if (split($0, columns, "\t") < 3) split($0, columns, " ") }
columns[2] < columns[3] { print columns[1] "\t" columns[2] "\t" columns[3] }
"""
)
FASTA_PROGRAM = (
    CLEAN_LINES
    + r"""
/^>/ && NR > 1 { print name "\t" sequence }
/^>/ { split(substr($0, 2), words, /[ \t]/); name = words[1]; sequence = ""; next }
{ line = toupper($0); gsub(/[^ACGT]/, "N", line); sequence = sequence line }
END { print name "\t" sequence }
"""
)


def awk(program: str, content: bytes) -> list[list[str]]:
    run = subprocess.run(["awk", program], input=content, stdout=subprocess.PIPE, check=True)
    return [line.split("\t") for line in run.stdout.decode().split("\n") if line]


def written(rng: np.random.Generator, path: Path, lines: list[str]) -> bytes:
    """Write lines with one line end throughout, maybe a mark, maybe gzipped; returns them as awk reads them."""
    end = rng.choice(["\n", "\r\n", "\r"])
    text = rng.choice(["", MARK]) + end.join(lines) + rng.choice(["", end])
    content = text.encode()
    path.write_bytes(gzip.compress(content) if rng.random() < 0.3 else content)
    return content.replace(b"\r", b"\n") if end == "\r" else content


def pick(rng: np.random.Generator, *choices: str) -> str:
    return choices[int(rng.integers(len(choices)))]


# GTF


def attribute(rng: np.random.Generator, key: str, value: str) -> str:
    quoted = pick(rng, f'{key} "{value}"', f'{key}  "{value}"', f'{key}"{value}"', f'{key} " {value} "')
    return f"{key} {value}" if value and ";" not in value and rng.random() < 0.2 else quoted


def gtf_record(rng: np.random.Generator, gene: int) -> list[str]:
    pairs = [("gene_id", f"G{gene}")]
    pairs += [("transcript_id", f"G{gene}.{rng.integers(3)}")] if rng.random() < 0.7 else []
    pairs += [("gene_name", pick(rng, "", "β-actin", f"NAME{gene}", "a;b; c", "NA"))] if rng.random() < 0.7 else []
    pairs += [(pick(rng, "gene_type", "gene_biotype"), pick(rng, "", "lncRNA", "protein_coding"))]
    pairs += [("product", pick(rng, "x; gene_id ", "protein 1; isoform; gene_name Z", ";;", "plain"))]
    pairs += [("tag", "basic"), ("tag", "CCDS")] if rng.random() < 0.5 else []
    order = rng.permutation(len(pairs)) if rng.random() < 0.5 else range(len(pairs))
    separator = pick(rng, "; ", ";", " ; ", ";;")
    text = separator.join(attribute(rng, *pairs[place]) for place in order) + pick(rng, "", ";", "; ")
    start = int(rng.integers(1, 900))
    chrom, strand = pick(rng, "chr1", "chr2", "chrUn"), pick(rng, "+", "-")
    feature = pick(rng, "gene", "transcript", "exon", "CDS")
    return [chrom, "src", feature, str(start), str(start + int(rng.integers(0, 100))), ".", strand, ".", text]


def gtf_fault(rng: np.random.Generator) -> str:
    """A record on a chosen chromosome that no reader may take."""
    fields = ["chr1", "src", "exon", "10", "20", ".", "+", ".", 'gene_id "G0";']
    place, value = [
        (8, 'gene_id "";'),
        (8, 'gene_id " "; gene_name "A"'),
        (8, ""),
        (8, "."),
        (8, 'gene_name "x; gene_id ";'),
        (8, "ID=exon1;Parent=gene1"),
        (8, 'gene_id "G0; gene_name "A";'),
        (8, 'gene_id "G0"; gene_id "G1";'),
        (8, 'gene_id "G0";\tx'),
        (3, "0"),
        (3, "21"),
        (4, "2e1"),
        (4, "1001"),
        (6, "."),
    ][int(rng.integers(14))]
    fields[place] = value
    return "\t".join(fields)


@pytest.mark.parametrize("seed", [15])
def test_gtf_records_equal_those_of_awk(tmp_path: Path, seed: int) -> None:
    rng, refused = np.random.default_rng(seed), 0
    for number in range(FILES):
        lines = ["\t".join(gtf_record(rng, gene)) for gene in rng.integers(0, 6, rng.integers(1, 12))]
        lines = [line + pick(rng, "", "\t", "\t\t ") for line in lines]
        for odd in ("# a comment", "", "track name=genes", '#!x; gene_id "Q"'):
            lines.insert(int(rng.integers(len(lines) + 1)), odd)
        faulty = rng.random() < 0.3
        if faulty:
            lines.insert(int(rng.integers(len(lines) + 1)), gtf_fault(rng))
        path = tmp_path / f"{number}.gtf"
        content = written(rng, path, lines)
        reader = GtfReader(path, {"chr1": 1000, "chr2": 1000})
        if faulty:
            with pytest.raises(InputError, match=rf"{number}\.gtf, line [0-9]+"):
                list(reader)
            refused += 1
        else:
            assert [list(map(str, record[2:])) for record in reader] == awk(GTF_PROGRAM, content), path
    assert 30 < refused < 90


# BED


def bed_line(rng: np.random.Generator) -> str:
    start = int(rng.integers(0, 10_000))
    columns = [pick(rng, "chr1", "HG002#1#chr2", "track1", "7"), str(start), str(start + int(rng.integers(0, 50)))]
    columns += [pick(rng, '"open', "High Signal", "#5", "a\u00a0b")] if rng.random() < 0.5 else []
    if rng.random() < 0.3:
        return pick(rng, " ", "  ").join(columns)
    return "\t".join(columns) + pick(rng, "", "\t", "\t\t.")


@pytest.mark.parametrize("seed", [16])
def test_bed_regions_equal_those_of_awk(tmp_path: Path, seed: int) -> None:
    rng, refused = np.random.default_rng(seed), 0
    faults = ["chr1\t5", "chr1", "chr1\t9\t5", "chr1\t-1\t5", "chr1\t1.5\t5", "chr1\t1\tx", "\t1\t2", "chr1\t1e2\t500"]
    for number in range(FILES):
        lines = [bed_line(rng) for _ in range(rng.integers(0, 12))]
        for odd in ("# comment", "", "browser position chr1:1-9", 'track name="x\ty" 1 2', "track"):
            lines.insert(int(rng.integers(len(lines) + 1)), odd)
        faulty = rng.random() < 0.3
        if faulty:
            lines.insert(int(rng.integers(len(lines) + 1)), pick(rng, *faults))
        path = tmp_path / f"{number}.bed"
        content = written(rng, path, lines)
        if faulty:
            with pytest.raises(InputError, match=rf"{number}\.bed, line [0-9]+"):
                read_bed(path)
            refused += 1
        else:
            found = [[chrom, str(start), str(end)] for chrom, start, end in read_bed(path).itertuples(index=False)]
            assert found == awk(BED_PROGRAM, content), path
    assert 30 < refused < 90


# FASTA


@pytest.mark.parametrize("seed", [17])
def test_fasta_bases_equal_those_of_awk(tmp_path: Path, seed: int) -> None:
    rng, refused = np.random.default_rng(seed), 0
    alphabets = ["ACGT", "acgtN", "ACGTRYKMSW", "ACGU", "ACGTXx", "ACGT-.*", "N"]
    for number in range(FILES):
        names = [f"{pick(rng, 'chr', '', 'HG1#2#')}{index}" for index in range(rng.integers(1, 4))]
        width, lines = int(rng.integers(1, 30)), []
        for name in names:
            letters = list(pick(rng, *alphabets))
            sequence = "".join(rng.choice(letters, rng.integers(1, 120)))
            lines += [f">{name}{pick(rng, '', ' a description', ' Bödy > x', chr(9) + 'tab')}"]
            lines += [sequence[at : at + width] for at in range(0, len(sequence), width)]
        faulty = rng.random() < 0.3
        if faulty:
            place = int(rng.integers(1, len(lines)))
            fault = pick(rng, "blank", "digit", "name", "uneven")
            if fault == "name":
                lines += [lines[0], "ACGT"]
            elif fault == "uneven":
                lines[1:1] = ["A" * (width + 1), "A" * width]
            else:
                at = next(row for row in range(place, -1, -1) if lines[row].startswith(">")) + 1
                lines[at] = {"blank": " ", "digit": "7"}[fault] + lines[at][1:]
        path, target = tmp_path / f"{number}.fa.gz", tmp_path / f"{number}.prepared.fa"
        content = written(rng, path, lines)
        if faulty:
            with pytest.raises(InputError, match=rf"{number}\.fa\.gz"):
                prepare_fasta(path, target, names)
            assert not target.exists()
            refused += 1
            continue
        found = prepare_fasta(path, target, names)
        genome, expected = Genome(target), dict(awk(FASTA_PROGRAM, content))
        assert {name: genome.bases(name, 0, each.length).tobytes().decode() for name, each in found.items()} == expected
        assert {name: each.unknown for name, each in found.items()} == {
            name: sequence.count("N") for name, sequence in expected.items()
        }
    assert 30 < refused < 90

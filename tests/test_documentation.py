"""What people read: a short README, links that lead somewhere, and commands that a test runs."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
README = REPOSITORY / "README.md"
PAGES = [
    *(README, REPOSITORY / "CHANGELOG.md", REPOSITORY / "config/README.md"),
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
BLOCKS = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r'(?:\]\(|(?:src|href)=")(?!https?:|mailto:)([^)"\s]+)')

# Commands of the pages' bash blocks, without comments, and where each is run; those of docs/cluster.md for single steps
# are read from there by workflow/test_demo_steps.py.
RUN_BY = {
    "make demo": "workflow/conftest.py",
    "make .venv/installed && . .venv/bin/activate": "make test itself",
    "$EDITOR slurm/config.yaml": "slurm/runs.py",
    "snakemake --profile slurm --use-conda -n all": "slurm/test_profile.py",
    "snakemake --profile slurm --use-conda all": "slurm/test_command.py",
    "snakemake --use-conda --conda-create-envs-only --cores 1 all": "slurm/test_profile.py",
    "snakemake --use-conda --cores 8 fetch": "workflow/test_network.py",
    "snakemake --configfile config/small_genome/config.yaml --cores 2 all": "workflow/test_plan.py",
    "snakemake --configfile config/collection/config.yaml --profile slurm --use-conda all": "workflow/test_plan.py",
    "snakemake --configfile config/published_lab.yaml --profile slurm --use-conda all": "workflow/test_plan.py",
    "snakemake -s /path/to/rnatracks/Snakefile --directory RUN ...": "workflow/test_module.py",
    "snakemake ... --set-resources train_model:gpu=8 train_model:mem_mb=96000": "slurm/test_command.py",
    "rnatracks-locus results/models/genos-NK results/reference/genome.fa chr19:39,407,000-39,439,000 --gtf "
    "results/reference/annotation.gtf.gz --observed results/tracks/observed --out locus": "prediction/test_locus.py",
    "rnatracks variants results/models/genos-NK results/reference/genome.fa variants.vcf.gz --gtf "
    "results/reference/annotation.gtf.gz --gene-scores results/evaluation/gene_expression.tsv --out "
    "effects": "commands/test_commands.py",
    "rnatracks mutagenesis results/models/genos-NK results/reference/genome.fa PLEKHG2 --gtf "
    "results/reference/annotation.gtf.gz --out mutagenesis": "commands/test_commands.py",
    "rnatracks predict-sequence results/models/genos-NK constructs.fa --edits edits.tsv --out "
    "constructs": "commands/test_commands.py",
}
# Not run by a test: a program that is not installed here, and measurements, which take minutes to hours.
NOT_RUN = {"git clone", "snakedeploy", "python benchmarks/"}


def commands(page: Path) -> list[str]:
    """Commands of a page's bash blocks, continued lines joined."""
    text = "\n".join(BLOCKS.findall(page.read_text())).replace("\\\n", " ")
    lines = [re.sub(r"\s+", " ", re.sub(r"(^|\s)# .*", "", line)).strip() for line in text.splitlines()]
    return [line for line in lines if line]


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as Git hosts make them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_is_a_door() -> None:
    text = README.read_text()
    lines = text.splitlines()
    assert len(lines) <= 120
    assert len(text.split()) <= 1200
    assert lines.index("## Status") < 40
    assert len(re.findall(r"<img |!\[", text)) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCED.sub("", page.read_text())):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_linked_from_the_index() -> None:
    index = (REPOSITORY / "docs/README.md").read_text()
    others = [page.name for page in PAGES if page.parent.name == "docs" and page.name != "README.md"]
    assert [name for name in others if f"({name})" not in index] == []


def test_every_command_of_the_pages_is_run_by_a_test() -> None:
    steps = r"snakemake --profile slurm --use-conda .*--force"
    found = [command for page in PAGES for command in commands(page) if not re.match(steps, command)]
    assert {command for command in found if not command.startswith(tuple(NOT_RUN))} == RUN_BY.keys()


def test_the_version_is_the_same_everywhere() -> None:
    """Changes that are not released yet have no version."""
    places = {"pyproject.toml": r'^version = "(.*)"$', "CITATION.cff": r"^version: (.*)$"}
    places["CHANGELOG.md"] = r"^## (\d\S*)"
    found = {re.search(pattern, (REPOSITORY / name).read_text(), re.MULTILINE)[1] for name, pattern in places.items()}
    assert len(found) == 1

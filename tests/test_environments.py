"""The conda environments hold what the rules' scripts import, at the versions of pyproject.toml."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[1]
LIBRARY = REPOSITORY / "workflow_scripts" / "rnatracks"
# Names that differ between the import, the conda package and the PyPI package.
CONDA = {"torch": "pytorch-gpu", "yaml": "pyyaml", "pyBigWig": "pybigwig"}
PYPI = {"pytorch-gpu": "torch", "pybigwig": "pyBigWig", "deeptools": "deepTools"}
# Not imported: deepTools is called as a command and computes with SciPy; Transformers writes what TensorBoard shows.
CALLED = {"qc.yaml": {"deeptools", "scipy"}, "torch.yaml": {"tensorboard"}}


def imports(path: Path) -> set[str | Path]:
    """Modules that a file imports: third-party ones by name, those of the library by path."""
    found: set[str | Path] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = [part for part in (node.module or "").split(".") if part]
            if node.level == 0 and parts[0] != "rnatracks":
                found.add(parts[0])
                continue
            folder = path.parents[node.level - 1] if node.level else LIBRARY.parent
            module = folder.joinpath(*parts)
            files = [module.with_suffix(".py"), *(module / f"{name.name}.py" for name in node.names)]
            found |= {file for file in files if file.is_file()}
    return found - set(sys.stdlib_module_names)


def third_party(script: Path) -> set[str]:
    """All third-party modules that a script needs, through the library's modules."""
    seen: set[str | Path] = set()
    todo = imports(script)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo |= imports(name) if isinstance(name, Path) else set()
    return {name for name in seen if isinstance(name, str)}


def pins(environment: Path) -> dict[str, str]:
    wanted = yaml.safe_load(environment.read_text())["dependencies"]
    return dict(re.fullmatch(r"(\S+) =(\S+)", line).groups() for line in wanted)


def bodies() -> list[tuple[str, str]]:
    """Name and text of every rule that runs a script."""
    found = []
    for path in sorted((REPOSITORY / "rules").glob("*.smk")):
        parts = re.split(r"^ *(?:rule|checkpoint) (\w+):\n", path.read_text(), flags=re.MULTILINE)
        found += list(zip(parts[1::2], parts[2::2], strict=True))
    return [(name, body) for name, body in found if name != "fetch"]  # which has inputs only


def rules() -> list[tuple[str, str, str]]:
    """Name, environment and script of every rule."""
    return [
        (name, re.search(r"envs/(\w+\.yaml)", body)[1], re.search(r"workflow_scripts/(\w+\.py)", body)[1])
        for name, body in bodies()
    ]


@pytest.mark.parametrize(("rule", "body"), bodies(), ids=[name for name, _ in bodies()])
def test_every_rule_has_its_directives(rule: str, body: str) -> None:
    for directive in ("output:", "log:", "conda:", "threads:", "mem_mb=", "runtime=", "script:"):
        assert directive in body


def test_every_rule_is_looked_at() -> None:
    assert len(rules()) >= 24
    assert {"simulate", "train_model", "resolve_samples", "write_report"} <= {name for name, _, _ in rules()}


@pytest.mark.parametrize("script", sorted({script for _, _, script in rules()}))
def test_a_script_takes_the_library_beside_it(script: str) -> None:
    """Snakemake puts its folder behind what is installed; that it works is seen in workflow/test_module.py."""
    first, second, *others = ast.parse((REPOSITORY / "workflow_scripts" / script).read_text()).body[1:]
    assert [ast.unparse(first), ast.unparse(second)] == ["import sys", "sys.path.insert(0, snakemake.scriptdir)"]
    assert others


def packages(script: str) -> set[str]:
    return {CONDA.get(name, name) for name in third_party(REPOSITORY / "workflow_scripts" / script)}


@pytest.mark.parametrize(("rule", "environment", "script"), rules())
def test_a_rule_s_environment_holds_what_its_script_imports(rule: str, environment: str, script: str) -> None:
    assert packages(script) <= set(pins(REPOSITORY / "envs" / environment))


ENVIRONMENTS = sorted((REPOSITORY / "envs").glob("*.yaml"))


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.name)
def test_environments_hold_nothing_else(environment: Path) -> None:
    needed = {name for _, other, script in rules() if other == environment.name for name in packages(script)}
    assert set(pins(environment)) == needed | {"python"} | CALLED.get(environment.name, set())


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.name)
def test_environments_pin_the_versions_of_the_package(environment: Path) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    ours = dict(line.split("==") for line in project["dependencies"])
    found = {PYPI.get(name, name): version for name, version in pins(environment).items() if name != "python"}
    assert found == {name: ours[name] for name in found}

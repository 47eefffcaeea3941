"""The conda environments hold what the rules' scripts import, at the versions of pyproject.toml, and can be built."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from environments import ENVIRONMENTS, REPOSITORY, build_environment, read_pip
from packaging.utils import canonicalize_name

LIBRARY = REPOSITORY / "workflow_scripts" / "rnatracks"
# Names that differ between the import and the package.
PACKAGES = {"yaml": "pyyaml"}
# Not imported: deepTools is called as a command and computes with SciPy; Transformers writes what TensorBoard shows.
CALLED = {"qc": {"deeptools", "scipy"}, "torch": {"tensorboard"}}
LISTED = tomllib.loads((REPOSITORY / "envs/packages.toml").read_text())


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


def listed(environment: str) -> set[str]:
    """Packages that packages.toml lists for an environment, by normalised name."""
    return {canonicalize_name(name) for name in LISTED[environment]["packages"]}


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
        (name, re.search(r"envs/(\w+)\.yaml", body)[1], re.search(r"workflow_scripts/(\w+\.py)", body)[1])
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
    modules = third_party(REPOSITORY / "workflow_scripts" / script)
    return {canonicalize_name(PACKAGES.get(name, name)) for name in modules}


@pytest.mark.parametrize(("rule", "environment", "script"), rules())
def test_a_rule_s_environment_lists_what_its_script_imports(rule: str, environment: str, script: str) -> None:
    assert packages(script) <= listed(environment)


@pytest.mark.parametrize("environment", LISTED)
def test_environments_list_nothing_else(environment: str) -> None:
    needed = {name for _, other, script in rules() if other == environment for name in packages(script)}
    assert listed(environment) == needed | CALLED.get(environment, set())


def test_environments_are_current(tmp_path: Path) -> None:
    """Or `make reference` writes them."""
    shutil.copytree(REPOSITORY / "envs", tmp_path / "envs")
    subprocess.run([sys.executable, tmp_path / "envs/write.py"], check=True)
    assert {path.name: path.read_text() for path in (tmp_path / "envs").glob("*.yaml")} == {
        path.name: path.read_text() for path in ENVIRONMENTS
    }


def test_environments_pin_the_versions_of_the_package() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    ours = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in project["dependencies"]}
    for path in ENVIRONMENTS:
        pins = dict(line.split("==") for line in read_pip(path))
        found = {canonicalize_name(name): version for name, version in pins.items()}
        shared = ours.keys() & found.keys()
        assert {name: found[name] for name in shared} == {name: ours[name] for name in shared}


INSTALLED = """
import json, sys
from importlib.metadata import distributions
json.dump({each.name: each.version.split("+")[0] for each in distributions()}, sys.stdout)
"""


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.name)
def test_pip_installs_what_an_environment_pins_and_nothing_else(environment: Path) -> None:
    python = build_environment(environment) / "bin/python"
    found = json.loads(subprocess.run([python, "-I", "-c", INSTALLED], check=True, capture_output=True).stdout)
    installed = {canonicalize_name(name): version for name, version in found.items()}
    pinned = {
        canonicalize_name(name): version for name, version in (line.split("==") for line in read_pip(environment))
    }
    assert {name: installed[name] for name in pinned} == pinned
    assert installed.keys() - pinned.keys() <= {"pip", "setuptools"}  # Python 3.11 brings these


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda path: path.name)
def test_an_environment_can_import_what_its_rules_import(environment: Path) -> None:
    """Without Snakemake, behind whose back a script would also see the packages of Snakemake's own environment."""
    scripts = {script for _, name, script in rules() if name == environment.stem}
    lines = ["import sys", f"sys.path.insert(0, {str(LIBRARY.parent)!r})"]
    for script in sorted(scripts):
        tree = ast.parse((LIBRARY.parent / script).read_text())
        lines += [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    python = build_environment(environment) / "bin/python"
    done = subprocess.run([python, "-I", "-c", "\n".join(lines)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

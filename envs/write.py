"""Write the conda environments from packages.toml and constraints.txt.

Python and pip come from conda-forge, everything else is an exact pin under `pip:`, so that one list of versions holds
for `.venv` and for all environments. What a package needs is read from its metadata in the environment of this
process, where all of them must be installed.
"""

import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
PYTHON = "3.11"
MARKERS = default_environment() | {"python_version": PYTHON, "python_full_version": f"{PYTHON}.0"}
HEAD = """# {about}
# Written by `make reference` from packages.toml and constraints.txt.
name: rnatracks-{name}
channels:
  - conda-forge
  - nodefaults
dependencies:
"""


def read_constraints() -> dict[str, str]:
    """Pins of constraints.txt by normalised name of the package."""
    lines = (HERE / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.split("==")[0]): pin for pin in pins}


def closure(packages: list[str]) -> set[str]:
    """Normalised names of some packages and of all that these need, extras as they are asked for."""
    seen: set[tuple[str, str]] = set()
    todo = [Requirement(package) for package in packages]
    while todo:
        requirement = todo.pop()
        for extra in ("", *requirement.extras):
            key = (canonicalize_name(requirement.name), extra)
            if key in seen:
                continue
            seen.add(key)
            needed = map(Requirement, requires(requirement.name) or ())
            todo += [each for each in needed if not each.marker or each.marker.evaluate(MARKERS | {"extra": extra})]
    return {name for name, _ in seen}


def environment_text(name: str) -> str:
    """The environment file of a section of packages.toml.

    Raises
    ------
    KeyError
        If constraints.txt has no pin for a package that is needed.
    """
    section = tomllib.loads((HERE / "packages.toml").read_text())[name]
    constraints = read_constraints()
    pins = sorted((constraints[package] for package in closure(section["packages"])), key=str.lower)
    conda = [f"python ={PYTHON}", "pip", *section.get("conda", ())]
    lines = [*(f"  - {each}" for each in conda), "  - pip:", *(f"      - {pin}" for pin in pins)]
    return HEAD.format(name=name, about=section["about"]) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    for name in tomllib.loads((HERE / "packages.toml").read_text()):
        (HERE / f"{name}.yaml").write_text(environment_text(name))

"""The layout keeps its promises: imports go one way, files are small, and a name means one thing."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
LIBRARY = REPOSITORY / "workflow_scripts" / "rnatracks"
# Each imports from those above it only; the modules of the root come first, but for the command, which comes last.
ORDER = [
    *("root", "genome", "vcf", "tracks", "downloads", "config", "samples", "qc", "model", "prediction", "training"),
    *("evaluation", "variants", "mutagenesis", "figures", "report", "planning", "commands", "cli"),
]
MODULES = sorted(LIBRARY.rglob("*.py"))
SAVED_WITH_MODELS = {"network", "heads", "layers", "dilated_cnn", "unet", "experts"}


def package(path: Path) -> str:
    """Where in the order a module stands."""
    parts = path.relative_to(LIBRARY).parts
    if len(parts) > 1:
        return parts[0]
    return "cli" if path.stem == "cli" else "root"


def imported(path: Path) -> Iterator[Path]:
    """Modules of the library that a module imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or (
            node.level == 0 and not (node.module or "").startswith("rnatracks")
        ):
            continue
        folder = path.parents[node.level - 1] if node.level else LIBRARY.parent
        module = folder.joinpath(*filter(None, (node.module or "").split(".")))
        for file in (module.with_suffix(".py"), *(module / f"{name.name}.py" for name in node.names)):
            if file.is_file():
                yield file


def test_packages_are_those_of_the_order() -> None:
    assert {package(path) for path in MODULES} == set(ORDER)


def test_imports_go_one_way() -> None:
    wrong = [
        f"{path.relative_to(LIBRARY)} imports {other.relative_to(LIBRARY)}"
        for path in MODULES
        for other in imported(path)
        if ORDER.index(package(other)) > ORDER.index(package(path))
    ]
    assert wrong == []


def test_no_module_imports_itself_through_others() -> None:
    edges = {path: set(imported(path)) for path in MODULES}

    def reach(path: Path, seen: frozenset[Path]) -> None:
        assert path not in seen, [str(each.relative_to(LIBRARY)) for each in (*seen, path)]
        if path not in done:
            for other in edges[path]:
                reach(other, seen | {path})
            done.add(path)

    done: set[Path] = set()
    for path in MODULES:
        reach(path, frozenset())


def test_what_is_saved_with_a_model_imports_its_siblings_only() -> None:
    for name in SAVED_WITH_MODELS:
        path = LIBRARY / "model" / f"{name}.py"
        assert {other.stem for other in imported(path)} <= SAVED_WITH_MODELS
        assert all(other.parent == path.parent for other in imported(path))


def public_names() -> dict[str, list[str]]:
    """Public classes and constants, with the modules that define them."""
    found = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            match node:
                case ast.ClassDef(name=name):
                    names = [name]
                case ast.Assign(targets=targets):
                    names = [target.id for target in targets if isinstance(target, ast.Name)]
                case ast.AnnAssign(target=ast.Name(id=name)):
                    names = [name]
                case _:
                    names = []
            for name in names:
                if not name.startswith("_") and name != "log":
                    found[name].append(str(path.relative_to(LIBRARY)))
    return found


def test_a_public_name_means_one_thing() -> None:
    names = public_names()
    assert len(names) > 200
    assert {name: places for name, places in names.items() if len(places) > 1} == {}


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


@pytest.mark.parametrize(
    ("files", "most"),
    [
        (MODULES, 300),
        (sorted((REPOSITORY / "workflow_scripts").glob("*.py")), 40),
        ([REPOSITORY / "rules" / "common.smk"], 150),
    ],
    ids=["modules", "scripts", "common.smk"],
)
def test_files_are_small(files: list[Path], most: int) -> None:
    assert files
    assert {path.name: lines(path) for path in files if lines(path) > most} == {}


def test_the_root_holds_what_all_share() -> None:
    assert len(list(LIBRARY.glob("*.py"))) <= 10


def test_tests_mirror_the_packages() -> None:
    """Each package has a folder of tests."""
    folders = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= {path.name for path in (REPOSITORY / "tests").iterdir() if path.is_dir()}

"""Paths and URLs: what Snakemake cannot take, and the spellings of one place."""

import re
from pathlib import Path

import pytest
from configurations import config_with

from rnatracks.config.settings import read_settings
from rnatracks.downloads.data_file import is_url
from rnatracks.downloads.locations import check_location, normal_path, one_spelling
from rnatracks.errors import InputError

SPELLINGS = {
    "results/demo": "results/demo",
    "results/demo/": "results/demo",
    "./results/demo": "results/demo",
    "results//demo/.": "results/demo",
    "results/other/../demo": "results/demo",
    "{here}/results/demo": "results/demo",
    "{link}/results/demo/": "results/demo",
    "~/run/results/demo": "results/demo",
    "~/elsewhere/demo/": "{home}/elsewhere/demo",
    "/scratch//me/demo/": "/scratch/me/demo",
    "../demo": "../demo",
    "./../other//../demo/": "../demo",
    "~/run/../demo": "{home}/demo",
    "linked/../demo": "../target/demo",
    "../run/scratch/demo": "scratch/demo",  # a link that comes after is left as it is
    "scratch/../scratch": "../target/scratch",
    "https://example.org/a//b/": "https://example.org/a//b/",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A working directory below a home, a link to it, and a link in it to a folder elsewhere."""
    home = (tmp_path / "home").resolve()
    for folder in ("run", "target/deep"):
        (home / folder).mkdir(parents=True)
    (home / "link").symlink_to(home / "run")
    for name in ("linked", "scratch"):
        (home / "run" / name).symlink_to(home / "target" / "deep")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "run")
    return {"home": str(home), "here": str(home / "run"), "link": str(home / "link")}


@pytest.mark.parametrize(("written", "kept"), SPELLINGS.items(), ids=SPELLINGS)
def test_a_path_is_kept_under_one_spelling(here: dict[str, str], written: str, kept: str) -> None:
    assert normal_path("here", written.format(**here)) == kept.format(**here)


FOLDERS = {
    "demo": "demo",
    "scratch/demo/": "scratch/demo",  # moved to another disk
    "{link}/scratch/demo": "scratch/demo",
    "../target/./deep/demo": "{home}/target/deep/demo",
    "{home}/target/deep/demo": "{home}/target/deep/demo",
    "within/demo": "demo",
    "../link/within/../demo": "{home}/demo",
    "../demo": "{home}/demo",
}


@pytest.mark.parametrize("key", ["results", "downloads"])
@pytest.mark.parametrize(("written", "kept"), FOLDERS.items(), ids=FOLDERS)
def test_a_folder_to_write_to_is_one_whatever_links_to_it(
    here: dict[str, str], key: str, written: str, kept: str
) -> None:
    Path("within").symlink_to(".")
    config = config_with(key, written.format(**here))
    assert getattr(read_settings(config), key) == kept.format(**here)


@pytest.mark.parametrize("folder", ["$HOME/results", "results/$USER", "./$SCRATCH_2/demo/"])
def test_a_variable_of_the_shell_is_no_folder(here: dict[str, str], folder: str) -> None:
    """It would be one of that very name."""
    with pytest.raises(InputError, match=r"^config, results: found '.*\$.*'; expected a path without variables, wh"):
        read_settings(config_with("results", folder))
    Path(folder).mkdir(parents=True)
    read_settings(config_with("results", folder))


def test_paths_of_a_configuration_are_kept_under_one_spelling(here: dict[str, str]) -> None:
    config = config_with("models.small.backbone", "./nets/base/") | {
        "results": "~/run/results/",
        "downloads": f"{here['home']}/down//loads",
        "samples": "./samples.tsv",
        "blacklist": f"{here['here']}/mask.bed",
    }
    Path("nets/base").mkdir(parents=True)
    filled = read_settings(config)
    kept = {key: getattr(filled, key) for key in ("results", "downloads", "samples", "blacklist")}
    assert kept == {
        "results": "results",
        "downloads": f"{here['home']}/down/loads",
        "samples": "samples.tsv",
        "blacklist": "mask.bed",
    }
    assert filled.models["small"].backbone == "nets/base"
    hub = read_settings(config_with("models.small.backbone", "some/model"))
    assert hub.models["small"].backbone == "some/model"


@pytest.mark.parametrize("folder", ["./genos-NK", "genos-NK/", "{here}/genos-NK"])
def test_a_folder_is_not_taken_for_a_model_of_its_name(here: dict[str, str], folder: str) -> None:
    """Of two models called alike, one a folder's and one the run's own, a path means the former."""
    Path("genos-NK").mkdir()
    config = config_with("models.small", {"cell_types": "each", "init_from": folder.format(**here)})
    assert read_settings(config).models["small"].init_from == "./genos-NK"
    config["models"]["small"]["init_from"] = "genos-NK"
    assert read_settings(config).models["small"].init_from == "genos-NK"


@pytest.mark.parametrize("downloads", ["results/downloads", "./results//downloads/", "link/downloads"])
def test_downloads_where_the_links_to_them_go_are_refused(here: dict[str, str], downloads: str) -> None:
    """A link would take the place of the file that it should lead to."""
    Path("results").mkdir()
    Path("link").symlink_to("results")
    with pytest.raises(
        InputError,
        match=r"^c, downloads: found '.*/downloads', which is reserved for the run's links .*; expected anoth",
    ):
        read_settings(config_with("downloads", downloads), "c")


@pytest.mark.parametrize("key", ["results", "downloads"])
@pytest.mark.parametrize(
    "folder",
    [".", "{here}", "/", "a file", "a file/below", "gone", "~nobody-at-all/results", "https://example.org/results"],
)
def test_a_folder_that_cannot_be_the_workflows_is_refused(here: dict[str, str], key: str, folder: str) -> None:
    Path("a file").touch()
    Path("gone").symlink_to("nowhere")
    with pytest.raises(InputError, match=rf"^mine.yaml, {key}: found .*; expected a (separate local folder|path)$"):
        read_settings(config_with(key, folder.format(**here)), "mine.yaml")


KEYS = [
    *("results", "downloads", "samples", "cell_types", "blacklist", "genome.fasta", "genome.md5", "annotation.gtf"),
    *("annotation.md5", "sources.encode", "sources.recount3", "sources.hub", "models.small.backbone"),
    *("genome.chromosomes", "genes.types", "loci", "exclude"),
]


@pytest.mark.parametrize(
    "location",
    [
        *("a.bw", "/data/my samples/a (1) [x]%,'&#~é\u3000\u200c <b .bw", "../a.bw", "C:\\a.bw"),
        *("https://example.org/a.bw", "http://user@[::1]:8080/a%7Bb%7D.bw?c=d#e"),
    ],
)
def test_a_usual_location_is_accepted(location: str) -> None:
    check_location("here", location)


@pytest.mark.parametrize(
    ("location", "found", "expected"),
    [
        ("a{b}.bw", "'a{b}.bw'", "no braces, as Snakemake reads them as wildcards"),
        ("a}.bw", "'a}.bw'", "no braces"),
        ("https://example.org/{a}.bw", "'https://example.org/{a}.bw'", "%7B and %7D for its braces"),
        ("a</script>.bw", "'a</script>.bw'", "no </, which could end a script in a page"),
        ("https://example.org/<!--", "'https://example.org/<!--'", "no <!--"),
        ("data/<logs>/a.bw", "'data/<logs>/a.bw'", "no <logs>, as Snakemake reads it as a path variable"),
        ("a\0.bw", r"'a\\x00.bw'", "no control characters"),
        ("a\n.bw", r"'a\\n.bw'", "no control characters"),
        ("a\x85\u2028.bw", r"'a\\x85\\u2028.bw'", "no control characters"),
        ("http://", "'http://'", "a URL such as"),
        ("http:///a.bw", "'http:///a.bw'", "a URL such as"),
        ("http://[::1/a.bw", r"'http://\[::1/a.bw'", "a URL such as"),
        ("http://host:port/a.bw", "'http://host:port/a.bw'", "a URL such as"),
    ],
)
def test_a_location_that_cannot_be_used_is_one_line(location: str, found: str, expected: str) -> None:
    with pytest.raises(InputError, match=f"^here: found {found}; expected .*{expected}") as caught:
        check_location("here", location)
    assert len(str(caught.value).splitlines()) == 1


REFUSED = {
    "{x}": "(no|for its) braces",
    "x</script><script>alert(1)": "no </",
    "<!--<script>": "no <!--",
    "<results>": "no <results>, as Snakemake",
}


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    # A chromosome may have no slash anyway.
    [(key, *pair) for key in KEYS for pair in REFUSED.items() if (key, "/" in pair[0]) != ("genome.chromosomes", True)],
)
def test_texts_anywhere_in_a_configuration_are_checked(key: str, text: str, expected: str) -> None:
    several = key in ("genome.chromosomes", "genes.types", "loci", "exclude")
    value = f"https://example.org/{text}" if key.endswith(("md5", "encode", "recount3", "hub")) else f"chr1{text}"
    with pytest.raises(
        InputError, match=rf"^config, {key}(\[1\])?: found {re.escape(repr(value))}; expected .*{expected}"
    ):
        read_settings(config_with(key, ["chr1", value] if several else value))


def test_braces_in_a_key_of_a_configuration_are_refused() -> None:
    simulated = {"seed": 1, "chromosomes": {"chr{1}": 1000}, "samples": {"a": {"depth": 1, "noise": 0}}}
    with pytest.raises(
        InputError, match=r"^config, simulate.chromosomes: found (the name )?'chr\{1\}'; expected no braces"
    ):
        read_settings(config_with("simulate", simulated))


def test_braces_in_a_model_to_start_from_are_refused() -> None:
    config = config_with("models.small", {"cell_types": "each", "init_from": "models/{x}"})
    with pytest.raises(InputError, match=r"^config, models.small.init_from: found 'models/\{x\}'"):
        read_settings(config)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.bw", "./a.bw"),
        ("a/b.bw", "a//./b.bw"),
        ("a.bw", str(Path.cwd() / "a.bw")),
        ("../../a.bw", str(Path.cwd().parents[1] / "a.bw")),
        *(
            ("https://example.org/a/b-c.bw", other)
            for other in (
                *("http://example.org/a/b-c.bw", "https://EXAMPLE.org./a/b-c.bw", "https://example.org:443/a/b-c.bw"),
                *("http://example.org:80/a/b-c.bw", "https://example.org/a/b-c.bw?", "https://me@example.org/a/b-c.bw"),
                *(
                    "https://example.org/a/b%2Dc.bw",
                    "https://example.org/a/x/../b-c.bw#top",
                    "https://example.org/a//b-c.bw",
                ),
            )
        ),
        ("https://example.org/a b.bw", "https://example.org/a%20b.bw"),
        ("https://example.org/%c3%a9.bw", "https://example.org/é.bw"),
        ("https://example.org/?a=b&c=d%20e", "https://example.org?c=d+e&a=b"),
    ],
)
def test_spellings_of_one_place_are_one(one: str, other: str) -> None:
    assert one_spelling(one) == one_spelling(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.bw", "A.bw"),
        ("a/../b.bw", "b.bw"),  # a may be a link
        ("a.bw", "https://example.org/a.bw"),
        ("https://example.org/a.bw", "https://example.org/A.bw"),
        ("https://example.org/a.bw", "https://example.org:8080/a.bw"),
        ("https://example.org/a.bw", "https://example.com/a.bw"),
        ("https://example.org/a.bw", "https://example.org/a.bw?version=1"),
        ("https://example.org/a/b.bw", "https://example.org/a%2Fb.bw"),
        ("https://example.org/?a=b", "https://example.org/?a=c"),
    ],
)
def test_places_that_may_differ_are_two(one: str, other: str) -> None:
    assert one_spelling(one) != one_spelling(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.org/b", True),
        ("http://127.0.0.1:80/b", True),
        ("ftp://a.org/b", False),
        ("data/b.bw", False),
        ("/data/b.bw", False),
        ("https", False),
    ],
)
def test_is_url(text: str, expected: bool) -> None:
    assert is_url(text) is expected

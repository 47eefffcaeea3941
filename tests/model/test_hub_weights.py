"""Weights from the hub, through a server that answers like it, faults included."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from models import TINY, backbone_folder
from servers.faults import ALWAYS, Cut, Forbidden, Status, WrongBytes
from servers.hub import HubModel
from servers.server import DataServer

from rnatracks.errors import InputError
from rnatracks.model.backbone import load_backbone
from rnatracks.model.hub_weights import fetch_weights
from rnatracks.model.plan import FetchedWeights

GENOS = "ZhejiangLab/Genos-tiny"
WEIGHTS = "model.safetensors"


@pytest.fixture(autouse=True)
def offline() -> None:
    """Not here: the hub is asked, which is a server on this machine."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> HubModel:
    folder = backbone_folder(tmp_path_factory.mktemp("hub") / "genos", TINY, 64)
    model = HubModel.of_folder(GENOS, folder)
    others = {"pytorch_model.bin": b"another format of the same", "onnx/config.json": b"{}"}
    return replace(model, files={**model.files, **others})


@pytest.fixture
def server(model: HubModel) -> Iterator[DataServer]:
    with DataServer(hub=model) as running:
        yield running


def fetch(server: DataServer, folder: Path, hub_id: str = GENOS, revision: str | None = None) -> FetchedWeights:
    return fetch_weights(hub_id, revision, folder, server.url())


def test_what_is_needed_is_fetched_and_its_commit_said(server: DataServer, model: HubModel, tmp_path: Path) -> None:
    weights = fetch(server, tmp_path)
    assert (weights.hub_id, weights.revision, weights.commit) == (GENOS, "main", model.commit)
    fetched = {path.name: path.read_bytes() for path in Path(weights.folder).iterdir()}
    assert fetched == {
        name: content for name, content in model.files.items() if name not in ("pytorch_model.bin", "onnx/config.json")
    }
    backbone, _ = load_backbone(weights.folder, max_length=64)
    assert backbone.config.hidden_size == 8


def test_what_is_there_is_not_fetched_again(server: DataServer, model: HubModel, tmp_path: Path) -> None:
    first = fetch(server, tmp_path)
    sent = server.bytes_sent(model.download(WEIGHTS))
    assert sent == len(model.files[WEIGHTS])
    assert fetch(server, tmp_path, revision=model.commit) == replace(first, revision=model.commit)
    assert server.bytes_sent(model.download(WEIGHTS)) == sent


def test_a_download_that_was_cut_goes_on(server: DataServer, model: HubModel, tmp_path: Path) -> None:
    server.fail(model.download(WEIGHTS), Cut(1000))
    weights = fetch(server, tmp_path)
    assert Path(weights.folder, WEIGHTS).read_bytes() == model.files[WEIGHTS]
    assert server.bytes_sent(model.download(WEIGHTS)) < len(model.files[WEIGHTS]) + 1000


def test_other_bytes_of_the_same_size_are_refused_and_fetched_anew(
    server: DataServer, model: HubModel, tmp_path: Path
) -> None:
    server.fail(model.download(WEIGHTS), WrongBytes(times=2))  # HEAD and GET
    with pytest.raises(InputError, match=r"model\.safetensors: found checksum .*; expected"):
        fetch(server, tmp_path)
    assert Path(fetch(server, tmp_path).folder, WEIGHTS).read_bytes() == model.files[WEIGHTS]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"hub_id": "ZhejiangLab/absent"}, "404"),
        ({"revision": "v9"}, "revision 'v9'"),
    ],
)
def test_what_the_hub_does_not_have_is_one_line(
    server: DataServer, tmp_path: Path, changes: dict[str, str], found: str
) -> None:
    with pytest.raises(InputError) as caught:
        fetch(server, tmp_path, **changes)
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fault", [Forbidden(times=ALWAYS), Status(401, times=ALWAYS)])
def test_a_model_behind_a_login_says_so(
    server: DataServer, model: HubModel, tmp_path: Path, fault: Forbidden | Status
) -> None:
    server.fail(model.download(WEIGHTS), fault)
    with pytest.raises(InputError, match="hf auth login"):
        fetch(server, tmp_path)


def test_a_hub_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    with DataServer() as server:
        gone = server.url()
    with pytest.raises(InputError) as caught:
        fetch_weights(GENOS, None, tmp_path, gone)
    assert "\n" not in str(caught.value)


def test_a_model_without_safetensors_is_refused(model: HubModel, tmp_path: Path) -> None:
    files = {name: content for name, content in model.files.items() if name != WEIGHTS}
    with DataServer(hub=HubModel(hub_id=GENOS, files=files)) as server, pytest.raises(InputError, match="safetensors"):
        fetch(server, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("adapter_config.json", b"{}", "adapter_config.json, an adapter that Transformers would also load"),
        ("tokenizer.json", b"version https://git-lfs.github.com/spec/v1\n", "tokenizer.json, a Git LFS pointer"),
        ("config.json", b'{"model_type": "mixtral"', "config.json, which is not a valid JSON file"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_when_fetched(
    model: HubModel, tmp_path: Path, name: str, content: bytes, found: str
) -> None:
    spoilt = HubModel(hub_id=GENOS, files={**model.files, name: content})
    with DataServer(hub=spoilt) as server, pytest.raises(InputError, match=f"^backbone '{GENOS}': found {found}"):
        fetch(server, tmp_path)

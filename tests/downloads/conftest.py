"""A server on 127.0.0.1 with one file."""

from collections.abc import Iterator

import pytest
from servers.encode import EncodeLibrary
from servers.server import DataServer

from downloads.server_runs import BODY, ENCODE


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with DataServer(EncodeLibrary((ENCODE,)), {"/file": BODY, "/empty": b"", "/twin": BODY}) as running:
        yield running

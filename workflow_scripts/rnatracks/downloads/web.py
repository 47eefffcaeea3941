"""Small answers over HTTP: JSON and text, asked again where the network or the server falters."""

import gzip
import json
import logging
import random
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import requests

from ..errors import InputError

log = logging.getLogger(__name__)

WORTH_ANOTHER_TRY = frozenset({429, 500, 502, 503, 504})
GONE = frozenset({404, 410})
NOT_GIVEN_OUT = GONE | {401, 403, 451}
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for a server.

    The wait between attempts starts at `delay` seconds, doubles each time and varies by half of
    itself to either side; a `Retry-After` header lengthens it. None is longer than `longest`.
    `timeout` is the number of seconds without a byte after which an attempt has failed.
    """

    attempts: int = 5
    delay: float = 1.0
    longest: float = 60.0
    timeout: float = 60.0
    redirects: int = 10


@dataclass(frozen=True)
class JsonAnswer:
    """A JSON object and where it came from; `found` is False where the status was 404."""

    url: str
    found: bool
    body: Mapping[str, Any]


class Web:
    """A session of requests; use it as a context manager.

    Parameters
    ----------
    patience
        Limits of waiting and of redirects.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._session = requests.Session()
        self._session.max_redirects = patience.redirects

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def json(self, url: str) -> JsonAnswer:
        """Ask for a JSON object; a 404 that carries one is an answer too.

        Raises
        ------
        InputError
            If the server cannot be reached, refuses, or sends something else.
        """
        expected = "a JSON object"
        response = self._ask("GET", url, {"Accept": "application/json"}, expected)
        if response.status_code not in (200, 404):
            raise InputError(url, _status(response), expected)
        if "html" in response.headers.get("Content-Type", ""):
            raise InputError(url, f"an HTML page ({_status(response)})", expected)
        try:
            body = json.loads(response.content)
        except ValueError as error:  # also bytes that are not UTF-8
            raise InputError(url, f"no JSON, but {response.content[:60]!r}", expected) from error
        if not isinstance(body, dict):
            raise InputError(url, f"JSON of another kind: {type(body).__name__}", expected)
        return JsonAnswer(url, response.status_code == 200, body)

    def text(self, url: str) -> str:
        """Ask for a text file in UTF-8, plain or gzipped.

        Raises
        ------
        InputError
            If the server cannot be reached, refuses, or sends something else.
        """
        expected = "a text file, plain or gzipped"
        response = self._ask("GET", url, {"Accept": "*/*"}, expected)
        if response.status_code != 200:
            raise InputError(url, _status(response), expected)
        if "html" in response.headers.get("Content-Type", ""):
            raise InputError(url, "an HTML page", expected)
        try:
            packed = response.content.startswith(GZIP_MAGIC)
            return (gzip.decompress(response.content) if packed else response.content).decode("utf-8-sig")
        except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
            raise InputError(url, f"a damaged file ({error})", expected) from error

    def refusal(self, url: str) -> str | None:
        """The status with which a server refuses a file, in words, without fetching it; None where it does not.

        It is asked for with HEAD and, as some servers refuse that alone, then for its first byte.

        Raises
        ------
        InputError
            If the server cannot be reached, or always asks to come back later.
        """
        response = self._ask("HEAD", url, {"Accept": "*/*"}, "an answer")
        if response.status_code >= 400 and response.status_code not in GONE:
            with self._ask("GET", url, {"Range": "bytes=0-0"}, "an answer", stream=True) as response:
                pass
        return _status(response) if response.status_code in NOT_GIVEN_OUT else None

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str], expected: str, *, stream: bool = False
    ) -> requests.Response:
        """The answer of the first attempt that neither fails on the way nor asks to come back later."""
        patience, problem = self._patience, ""
        for attempt in range(1, patience.attempts + 1):
            asked_wait = 0.0
            try:
                response = self._session.request(method, url, headers=headers, timeout=patience.timeout, stream=stream)
            except requests.TooManyRedirects as error:
                raise InputError(url, f"more than {patience.redirects} redirects", expected) from error
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                problem = f"{type(error).__name__}: {error}"
            except requests.RequestException as error:
                raise InputError(url, f"{type(error).__name__}: {error}", expected) from error
            else:
                if response.status_code not in WORTH_ANOTHER_TRY:
                    return response
                problem = _status(response)
                header = response.headers.get("Retry-After", "")
                asked_wait = float(header) if header.isdecimal() else 0.0
            if attempt < patience.attempts:
                wait = patience.delay * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
                wait = min(max(wait, asked_wait), patience.longest)
                log.warning("%s: %s; attempt %d in %.1f s", url, problem, attempt + 1, wait)
                time.sleep(wait)
        raise InputError(url, f"{problem} ({patience.attempts} attempts)", expected)


def _status(response: requests.Response) -> str:
    return f"HTTP status {response.status_code} {response.reason}"

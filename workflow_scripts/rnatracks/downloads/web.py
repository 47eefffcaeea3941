"""Small responses over HTTP, JSON and text, requested again if the network or the server fails."""

import gzip
import json
import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import requests

from ..errors import InputError
from ..files import GZIP_MAGIC
from .retry import Patience, wait

log = logging.getLogger(__name__)

WORTH_ANOTHER_TRY = frozenset({429, 500, 502, 503, 504})
GONE = frozenset({404, 410})
NOT_GIVEN_OUT = GONE | {401, 403, 451}


@dataclass(frozen=True)
class JsonAnswer:
    """A JSON object and where it came from; `found` is False if the status was 404."""

    url: str
    found: bool
    body: Mapping[str, Any]


class Web:
    """An HTTP session; use it as a context manager.

    Parameters
    ----------
    patience
        Limits on waiting and on redirects.
    """

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience(attempts=5, longest=60.0)
        self._session = self._patience.session()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def json(self, url: str) -> JsonAnswer:
        """Request a JSON object; a 404 response that contains one is accepted too.

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
            raise InputError(url, f"{response.content[:60]!r}, which is not JSON", expected) from error
        if not isinstance(body, dict):
            raise InputError(url, f"JSON of another type: {type(body).__name__}", expected)
        return JsonAnswer(url, response.status_code == 200, body)

    def text(self, url: str) -> str:
        """Request a UTF-8 text file, plain or gzipped.

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
        """The status with which a server refuses a file, in words, or None if it does not; the file is not fetched.

        The request is HEAD, then, if that is refused, one for the first byte, because some servers refuse only HEAD.

        Raises
        ------
        InputError
            If the server cannot be reached, or keeps asking to try again later.
        """
        response = self._ask("HEAD", url, {"Accept": "*/*"}, "a response")
        if response.status_code >= 400 and response.status_code not in GONE:
            with self._ask("GET", url, {"Range": "bytes=0-0"}, "a response", stream=True) as response:
                pass
        return _status(response) if response.status_code in NOT_GIVEN_OUT else None

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str], expected: str, *, stream: bool = False
    ) -> requests.Response:
        """The response to the first attempt that neither fails on the way nor is told to try again later."""
        patience, left = self._patience, self._patience.retry()
        while True:
            response = None
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
            if left.total == 0:
                raise InputError(url, f"{problem} ({patience.attempts} attempts)", expected)
            log.warning("%s: %s; %d more attempts", url, problem, left.total)
            left = left.increment(method, url)
            wait(left, response)


def _status(response: requests.Response) -> str:
    return f"HTTP status {response.status_code} {response.reason}"

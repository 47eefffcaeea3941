"""Files from the network: downloaded beside, verified, then renamed."""

import hashlib
import logging
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from .errors import InputError
from .files import written_whole

log = logging.getLogger(__name__)

CHUNK = 1 << 20
RETRIES = Retry(total=5, backoff_factor=1, backoff_jitter=1, status_forcelist=(429, 500, 502, 503, 504))


def fetch(url: str, target: Path, md5: str | None = None, *, timeout: float = 60.0) -> None:
    """Download `url` to `target`, which appears only when length and MD5 are right.

    Parameters
    ----------
    md5
        Expected MD5 in hexadecimal; None checks the length alone, where the server tells it.
    timeout
        Seconds without a byte after which the server counts as gone.

    Raises
    ------
    InputError
        If the server refuses, goes away, or sends something else.
    """
    target = Path(target)
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=RETRIES))
        try:
            _download(session, url, target, md5, timeout)
        except (requests.RequestException, HTTPError) as error:
            raise InputError(url, f"{type(error).__name__}: {error}", "a file that can be downloaded") from error


def _download(session: requests.Session, url: str, target: Path, md5: str | None, timeout: float) -> None:
    with (
        session.get(url, stream=True, timeout=timeout, headers={"Accept-Encoding": "identity"}) as response,
        written_whole(target) as partial,
    ):
        if response.status_code != requests.codes.ok:
            raise InputError(url, f"HTTP status {response.status_code} {response.reason}", "200 OK")
        length = int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
        received = 0
        with (
            partial.open("wb") as stream,
            tqdm(total=length, unit="B", unit_scale=True, desc=target.name, mininterval=5) as progress,
        ):
            # As sent: some servers label a .gz file as an encoding, which requests would undo.
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                stream.write(chunk)
                received += len(chunk)
                progress.update(len(chunk))
        if length is not None and received != length:
            raise InputError(url, f"{received:,} bytes", f"{length:,} bytes")
        verify_md5(partial, md5, name=url)
    log.info("fetched %s (%s bytes)", url, f"{received:,}")


def verify_md5(path: Path, md5: str | None, name: object = None) -> None:
    """Raise `InputError` unless the file has this MD5; None is no expectation."""
    if md5 is None:
        return
    found = file_md5(path)
    if found != md5.lower():
        raise InputError(name or path, f"MD5 {found}", f"MD5 {md5.lower()}")


def file_md5(path: Path) -> str:
    """MD5 of a file, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()

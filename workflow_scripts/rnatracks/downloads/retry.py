"""How long to wait for a server: one policy for small responses and for large files."""

import logging
from dataclasses import dataclass

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Limits on retries and waiting.

    Parameters
    ----------
    attempts
        Failures in a row after which it gives up.
    delay, longest
        Seconds between attempts: none before the second, then `delay` doubled each time, plus a random
        part of up to `delay`, or what the server asks for (Retry-After); never more than `longest`.
    timeout
        Seconds without a byte after which an attempt has failed.
    redirects
        Largest number of redirects to follow.
    """

    attempts: int = 8
    delay: float = 1.0
    longest: float = 300.0
    timeout: float = 60.0
    redirects: int = 10

    def session(self) -> requests.Session:
        """A session with this limit on redirects."""
        session = requests.Session()
        session.max_redirects = self.redirects
        return session

    def retry(self) -> Retry:
        """The attempts that are left, which `increment` counts down."""
        return Retry(
            total=self.attempts - 1,
            backoff_factor=self.delay,
            backoff_jitter=self.delay,
            backoff_max=self.longest,
            retry_after_max=self.longest,
        )


def wait(left: Retry, answer: requests.Response | None) -> None:
    """Sleep as long as the server asks for, otherwise as long as the number of failures requires."""
    try:
        left.sleep(None if answer is None else answer.raw)
    except InvalidHeader as error:
        log.warning("%s", error)
        left.sleep()

"""Files from the web: resumed where they broke off, from one mirror after another, checked by their md5.

What has come lies in `<name>.partial` until it is whole, so that a kill at any moment loses nothing. A server that does
not know ranges (status 200 for 206) begins anew. A file is tried a bounded number of times.
"""

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from utils.command import logger, progress
from utils.durable import rename, sync
from utils.errors import InputError

log = logger(__name__)
PIECE = 1 << 16  # bytes that are read at a time
MIB = 1 << 20
MOST_DAMAGED = 3  # whole files with the wrong md5, after which nobody can be believed
RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
PARTIAL = ".partial"


class FetchTrouble(Exception):
    """One try has failed; another may not."""


@dataclass(frozen=True)
class FetchPlan:
    """How a file is fetched.

    Attributes:
        urls: where it is, tried in turn. md5: in hexadecimal.
        tries: that bring less than a MiB. pause: seconds before the next. timeout: seconds without a byte.
    """

    urls: Sequence[str]
    md5: str
    tries: int = 10
    pause: float = 2.0
    timeout: float = 60.0


def fetch(path: Path, plan: FetchPlan) -> None:
    """Fetch a file. Raises InputError after too many tries; what has come stays in the partial file."""
    partial = path.with_name(path.name + PARTIAL)
    troubles: list[str] = []
    fruitless = damaged = 0
    while fruitless < plan.tries and damaged < MOST_DAMAGED:
        url = plan.urls[len(troubles) % len(plan.urls)]
        before = _size(partial)
        try:
            _append(url, partial, plan.timeout)
            found = file_md5(partial)
            if found == plan.md5:
                sync(partial)
                return rename(partial, path)
            partial.unlink()
            damaged += 1
            raise FetchTrouble(f"the file is damaged: its md5 is {found}, expected {plan.md5}")
        except FetchTrouble as trouble:
            troubles.append(f"{url}: {trouble}")
            log.warning("%s: %s: %s", path.name, url, trouble)
        if _size(partial) - before < MIB:
            fruitless += 1
            time.sleep(plan.pause)
    kept = f"; {_size(partial)} bytes are kept in {partial}" if partial.exists() else ""
    last = "; ".join(dict.fromkeys(troubles[-len(plan.urls) :]))
    raise InputError(
        f"{path.name}: not fetched after {len(troubles)} tries: {last}{kept}; run the same command again to go on"
    )


def file_md5(path: Path) -> str:
    """The md5 of a file, in hexadecimal."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        blocks = iter(lambda: file.read(MIB), b"")
        for block in progress(blocks, -(-_size(path) // MIB), f"{path.name}: md5 (MiB)"):
            digest.update(block)
    return digest.hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _append(url: str, partial: Path, timeout: float) -> None:
    """Fetch what the partial file lacks. Raises FetchTrouble where it is not whole afterwards."""
    have = _size(partial)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416 and _told(error, have) == (None, have):  # it was whole
            return
        if error.code == 416:
            partial.unlink()
        raise FetchTrouble(f"HTTP {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise FetchTrouble(_reason(error)) from error
    with response:
        start, total = _told(response, have)
        with partial.open("r+b" if start else "wb") as file:
            file.truncate(start)
            file.seek(start)
            steps = (total - start) // MIB if total is not None else 0
            for _ in progress(_copied(response, file), steps, f"{partial.name.removesuffix(PARTIAL)} (MiB)"):
                pass
    if total is not None and _size(partial) != total:
        raise FetchTrouble(f"broke off after {_size(partial)} of {total} bytes")


def _told(response: http.client.HTTPResponse | urllib.error.HTTPError, have: int) -> tuple[int | None, int | None]:
    """Where an answer begins, and the bytes of the whole file; None where it does not say."""
    told = RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if response.status == 416:
        return None, int(told[2]) if told and told[2] != "*" else None
    if response.status == 206:
        if not told or told[1] is None or int(told[1]) != have:
            raise FetchTrouble(f"asked for the bytes from {have} on, got {response.headers.get('Content-Range')!r}")
        return have, int(told[2]) if told[2] != "*" else None
    if response.status != 200:
        raise FetchTrouble(f"HTTP {response.status}")
    length = response.headers.get("Content-Length", "")
    total = int(length) if length.isdecimal() else None
    kind = response.headers.get_content_type()
    if kind == "text/html" or (total is not None and total < have):
        raise FetchTrouble(f"answers with {kind} of {length or 'unknown'} bytes, which is not this file")
    if have:
        log.info("%s: the server does not resume; the file is fetched from its beginning", response.url)
    return 0, total


def _copied(response: http.client.HTTPResponse, file) -> Iterator[None]:
    """Write an answer to a file; a step for each MiB."""
    waiting = 0
    while True:
        try:
            piece = response.read1(PIECE)
        except (OSError, http.client.HTTPException) as error:
            raise FetchTrouble(_reason(error)) from error
        if not piece:
            return
        file.write(piece)
        waiting += len(piece)
        while waiting >= MIB:
            waiting -= MIB
            yield


def _reason(error: Exception) -> str:
    inner = getattr(error, "reason", error)
    return str(inner) or type(inner).__name__

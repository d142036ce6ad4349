"""One file from the network, byte by byte: resumed, counted, cancellable, and checked."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitviz.models.download_errors import cut_off, http_error, wrong_bytes
from vitviz.progress import Kind, Progress, Stage

TIMEOUT_S = 10.0
"""Without a byte for so long, the connection is taken for lost."""

TRIES = 5
"""In a row in which nothing came."""

WAIT_S = 1.0
"""Before it is tried again; twice as long each time."""

MB = 1_000_000


@dataclass(frozen=True)
class RemoteFile:
    """A file that is to be fetched.

    Args:
        name: In its repository.
        bytes: 0 where the source does not say.
        hash: "sha256" and "git" (SHA-1 of a git blob) whole, "sha256 start" as far as it is
            known; "" where it is not.
        digest: In lower case.
    """

    name: str
    bytes: int
    hash: str
    digest: str


class Count:
    """Bytes that are here, of all that are to come; tells them."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._progress, self.done = total, progress, 0

    def add(self, count: int) -> None:
        self.done += count
        self.tell("downloading")

    def tell(self, kind: Kind) -> None:
        total = max(self._total, self.done, 1)
        stage = Stage(kind, max(round(self.done / MB) - 1, 0), max(round(total / MB), 1))
        self._progress(stage, self.done / total)


def fetch_checked(
    url: str, target: Path, file: RemoteFile, count: Count, headers: dict[str, str]
) -> None:
    """Fetches a file: it is at ``target`` whole and right, or there is an error and nothing there.

    Args:
        url: Of the file.
        target: Where it goes; what has come so far lies beside it, and is gone on with.
        file: What it is to be.
        count: Told of every piece; may cancel.
        headers: Of the request; those that say who asks go to no other server.

    Raises:
        DownloadError: The line broke again and again, or other bytes came than were to come.
    """
    part = target.with_name(f"{target.name}.incomplete")
    _fetch_whole(url, part, file, count, headers)
    count.tell("checking_download")
    if not is_right(part, file, count):
        part.unlink()
        raise wrong_bytes(file.name)
    part.replace(target)


def _fetch_whole(
    url: str, part: Path, file: RemoteFile, count: Count, headers: dict[str, str]
) -> None:
    """Fetches what is missing of a file; again and again while something comes."""
    before, failed = count.done, 0
    while True:
        have = _size(part)
        count.done = before + have
        lost: Exception | None = None
        try:
            if _size(part) >= _fetch_rest(url, part, have, file, count, headers):
                return
        except http_error() as error:  # of the line: another try may go well
            if isinstance(error, OSError):  # of the server: it will not
                raise
            lost = error
        failed = 0 if _size(part) > have else failed + 1
        if failed == TRIES:
            raise cut_off(file.name) from lost
        for _ in range(round(WAIT_S * 2**failed * 10)):
            count.tell("downloading")  # may cancel
            time.sleep(0.1)


def _fetch_rest(
    url: str, part: Path, have: int, file: RemoteFile, count: Count, headers: dict[str, str]
) -> int:
    """Adds what comes to what is here; gives how large the file is to be.

    Raises:
        DownloadError: More comes, or is to come, than was said.
    """
    from huggingface_hub.utils import hf_raise_for_status, http_stream_backoff

    if file.bytes and have >= file.bytes:
        return file.bytes
    asked = {**headers, "Accept-Encoding": "identity"}
    if have:
        asked["Range"] = f"bytes={have}-"
    with http_stream_backoff("GET", url, headers=asked, timeout=TIMEOUT_S, follow_redirects=True,
                             max_retries=0) as answer:  # fmt: skip
        if answer.status_code == 416:  # it ends before what is here
            part.unlink()
            return NOT_WHOLE
        hf_raise_for_status(answer)
        goes_on = answer.status_code == 206
        if not goes_on:
            count.done -= have
        said = _size_said(answer.headers, goes_on)
        if file.bytes and said and said != file.bytes:
            part.unlink(missing_ok=True)
            raise wrong_bytes(file.name)
        _write(part, "ab" if goes_on else "wb", answer.iter_bytes(), file, count)
    return file.bytes or said or _size(part)


def _write(part: Path, mode: str, pieces: Iterator[bytes], file: RemoteFile, count: Count) -> None:
    with part.open(mode) as output:
        for piece in pieces:
            output.write(piece)
            count.add(len(piece))
            if file.bytes and output.tell() > file.bytes:
                break
    if file.bytes and _size(part) > file.bytes:
        part.unlink()
        raise wrong_bytes(file.name)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


NOT_WHOLE = 1 << 62
"""A size that no file has."""


def _size_said(headers: Any, goes_on: bool) -> int:
    text = str(headers.get("Content-Range" if goes_on else "Content-Length") or "")
    text = text.rpartition("/")[2]
    return int(text) if text.isdecimal() else 0


def is_right(part: Path, file: RemoteFile, count: Count) -> bool:
    """Whether a file has the size and the hash that it is to have, as far as they are known."""
    size = part.stat().st_size
    if file.bytes and size != file.bytes:
        return False
    if not file.hash:
        return True
    digest = hashlib.sha1(b"blob %d\0" % size) if file.hash == "git" else hashlib.sha256()
    with part.open("rb") as content:
        while piece := content.read(1 << 22):
            digest.update(piece)
            count.tell("checking_download")
    found = digest.hexdigest()
    return found.startswith(file.digest) if file.hash.endswith("start") else found == file.digest

"""A small hub on the loopback: as the real one where it is asked to be, and bad where not."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Served:
    """A file, and how it is served.

    Args:
        content: What it says it is.
        sent: What is sent in its place.
        cuts: After how many bytes each answer ends early, one after another; then none does.
        claims: A wrong ``Content-Length``.
        pause_s: Before each kilobyte.
        status: In the place of 200.
        code: The hub's word for why.
        ranges: Whether a part of it can be asked for.
        large: Told with SHA-256, as files in the hub's large storage are.
    """

    content: bytes
    sent: bytes | None = None
    cuts: list[int] = field(default_factory=list)
    claims: int | None = None
    pause_s: float = 0.0
    status: int = 200
    code: str = ""
    ranges: bool = True
    large: bool = True

    @property
    def digest(self) -> str:
        if self.large:
            return hashlib.sha256(self.content).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()


@dataclass
class Hub:
    """What the server has, and what it was asked."""

    files: dict[str, Served] = field(default_factory=dict)
    licence: str = "apache-2.0"
    gated: bool | str = False
    api_status: int = 200
    api_code: str = ""
    address: str = ""
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Method, path, range and authorization of each request."""

    def info(self) -> dict[str, object]:
        """As the hub's API tells it."""
        return {
            "id": "timm/tiny.test", "sha": COMMIT, "gated": self.gated, "private": False,
            "tags": [], "cardData": {"license": self.licence},
            "siblings": [_sibling(name, file) for name, file in self.files.items()],
        }  # fmt: skip


def _sibling(name: str, file: Served) -> dict[str, object]:
    size = len(file.content)
    if not file.large:
        return {"rfilename": name, "size": size, "blobId": file.digest}
    lfs = {"size": size, "sha256": file.digest, "pointerSize": 134}
    return {"rfilename": name, "size": size, "blobId": "0" * 40, "lfs": lfs}


class Handler(BaseHTTPRequestHandler):
    """Answers for a hub, as its files say."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        hub, path = self.hub, urlsplit(self.path).path
        asked = self.headers.get("Range") or "", self.headers.get("Authorization") or ""
        hub.asked.append((self.command, path, *asked))
        if path.startswith("/api/"):
            content = json.dumps(hub.info()).encode() if hub.api_status == 200 else b""
            self._send(hub.api_status, content, {"X-Error-Code": hub.api_code}, body=body)
            return
        file = hub.files.get(path.rpartition("/")[2], Served(b"", status=404, code="EntryNotFound"))
        if file.status != 200:
            self._send(file.status, b"", {"X-Error-Code": file.code}, body=body)
        else:
            self._send_file(file, body)

    def _send_file(self, file: Served, body: bool) -> None:
        sent = file.content if file.sent is None else file.sent
        headers = {"ETag": f'"{file.digest}"', "X-Repo-Commit": COMMIT,
                   "X-Linked-Etag": f'"{file.digest}"',
                   "X-Linked-Size": str(len(file.content))}  # fmt: skip
        status, wanted = 200, self.headers.get("Range")
        if wanted and file.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            status = 206 if start < len(sent) else 416
            headers["Content-Range"] = f"bytes {start}-{len(sent) - 1}/{len(sent)}"
            sent = sent[start:] if status == 206 else b""
        self._send(status, sent, headers, body=body, file=file)

    def _send(self, status: int, content: bytes, headers: dict[str, str], *, body: bool,
              file: Served | None = None) -> None:  # fmt: skip
        claims = len(content) if file is None or file.claims is None else file.claims
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(claims)}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if body:
            self._send_body(content, claims, file)

    def _send_body(self, content: bytes, claims: int, file: Served | None) -> None:
        end = file.cuts.pop(0) if file and file.cuts else len(content)
        try:
            for at in range(0, end, 1024):
                time.sleep(file.pause_s if file else 0.0)
                self.wfile.write(content[at : min(at + 1024, end)])
        except OSError:  # whoever asked has gone
            self.close_connection = True
        if not end == len(content) == claims:
            self.close_connection = True


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub answers at its address while the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Its", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Decoding in a process of its own, for what may take long: that can be ended, C code cannot.

The photo's bytes go to the child's standard input and come back as pixels on its standard output;
nothing is written to disk. The child ends by itself if this process is gone.
"""

from __future__ import annotations

import faulthandler
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from vitviz.errors import PhotoError, PhotoTooLarge
from vitviz.imaging.decoding.source import Source
from vitviz.imaging.opening import RGB, open_here, open_small
from vitviz.imaging.photo import Photo, SmallCopy
from vitviz.progress import Progress, Stage
from vitviz.shapes import UInt8

FLAG = "--decode-photo"
"""Makes a frozen program this child: it has no ``python -c``."""

BUDGET_S = 30.0
"""Decoding a photo may take so long..."""

CONSENT_BUDGET_S = 300.0
"""... and so long where the user said that it is to be opened although it is large."""

READY = b"vitviz child\n"
"""What it writes first: where that is missing it did not begin, and nothing crashed it."""

_LOOK_S = 0.05
"""How often the child is looked after."""


def open_in_child(source: Source, background: RGB, progress: Progress) -> Photo:
    """As ``open_here``, and can be cancelled at any time; in this process where none can be begun.

    Args:
        source: The file, and which frame of it.
        background: sRGB, 0..255, behind transparent photos.
        progress: Called again and again; may raise ``Cancelled``, which ends the child.

    Raises:
        PhotoError: As ``open_here``; also where decoding takes too long, or crashes.
    """
    answer = _answer(source, background, progress)
    return open_here(source, background) if answer is None else _photo(answer, source)


def open_small_in_child(source: Source, background: RGB, progress: Progress) -> SmallCopy:
    """The same for ``open_small``: only the small copy comes back."""
    answer = _answer(source, background, progress)
    if answer is None:
        return open_small(source, background)
    told, pixels = _told(answer, source)
    size = tuple(told["whole"])
    return SmallCopy(pixels, (size[0], size[1]), tuple(told["notes"]), told["frames"])


def _answer(source: Source, background: RGB, progress: Progress) -> bytes | None:
    """What a child wrote; None where none could be begun."""
    request = {"name": source.name, "frame": source.frame, "max_pixels": source.max_pixels,
               "background": background, "size": len(source.data),
               "edge": source.edge}  # fmt: skip
    budget_s = CONSENT_BUDGET_S if source.max_pixels is None else BUDGET_S
    try:
        process = subprocess.Popen(
            _command(budget_s),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows has consoles.
        )
    except OSError:
        return None
    exchange = _Exchange(process, json.dumps(request).encode() + b"\n" + source.data)
    end = time.monotonic() + budget_s
    try:
        while exchange.is_alive() and time.monotonic() < end:
            progress(Stage("opening_photo"), 0)
            exchange.join(_LOOK_S)
        took_too_long = exchange.is_alive()
    finally:
        process.kill()
        exchange.join()
        process.wait()
    if took_too_long:
        raise PhotoError(
            f"{source.name} takes more than {budget_s:.0f} seconds to decode.",
            "Save it anew, smaller, in another program.",
        )
    return exchange.answer if exchange.answer.startswith(READY) else None


class _Exchange(threading.Thread):
    """Gives a child its request and takes its answer; ``communicate`` cannot do it bit by bit.

    Args:
        process: The child; once it is killed, the thread ends.
        request: What it is to read.
    """

    def __init__(self, process: subprocess.Popen[bytes], request: bytes) -> None:
        super().__init__(name="vitviz-photo-child", daemon=True)
        self.answer = b""
        """What it wrote; not all of it where it was killed before."""
        self._process, self._request = process, request
        self.start()

    def run(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError), self._process.stdin as requests:  # a child may crash before
            requests.write(self._request)
        with self._process.stdout as answers:
            self.answer = answers.read()


def _photo(answer: bytes, source: Source) -> Photo:
    told, pixels = _told(answer, source)
    return Photo(pixels, None, **{**told, "notes": tuple(told["notes"])})


def _told(answer: bytes, source: Source) -> tuple[dict[str, Any], UInt8[np.ndarray, "h w 3"]]:
    """What the child says of a photo, and its pixels."""
    header, _, rest = answer.removeprefix(READY).partition(b"\n")
    if not header:
        raise PhotoError(
            f"{source.name} cannot be decoded: its decoder crashed.",
            "Open another copy of it, or save it anew in another program.",
        )
    told = json.loads(header)
    if "refusal" in told:
        raise _refusal(told["refusal"])
    height, width = told.pop("size")
    return told, np.frombuffer(rest, np.uint8).reshape(height, width, 3)


def _refusal(told: dict[str, str | int]) -> PhotoError:
    message, hint = str(told["message"]), str(told["hint"])
    if "pixels" in told:
        return PhotoTooLarge(message, hint, pixels=int(told["pixels"]), limit=int(told["limit"]))
    return PhotoError(message, hint)


def _command(budget_s: float) -> list[str]:
    """Starts this module's ``main`` in another process, with the modules of this one."""
    if getattr(sys, "frozen", False):
        return [sys.executable, FLAG, str(budget_s)]
    # Not ``python -m``, which puts the current folder first: it may hold a stranger's json.py.
    here = [os.path.abspath(folder) for folder in sys.path if folder]  # noqa: PTH100
    if (ours := str(Path(__file__).absolute().parents[2])) not in here:
        here.insert(0, ours)
    code = f"import sys; sys.path[:] = {here!r}; from vitviz.imaging.child import main; main()"
    return [sys.executable, "-P", "-c", code, str(budget_s)]


def main() -> int:
    """The child: reads a request and a photo, writes its pixels or the reason why there are none.

    The last argument is the seconds after which it ends whatever it does.
    """
    nowhere = open(os.devnull, "w")  # noqa: SIM115, PTH123 (until the end)
    faulthandler.dump_traceback_later(float(sys.argv[-1]) + 5, exit=True, file=nowhere)
    with os.fdopen(os.dup(0), "rb") as requests, os.fdopen(os.dup(1), "wb") as answers:
        answers.write(READY)
        answers.flush()
        told = json.loads(requests.readline())
        data = requests.read(told["size"])
        source = Source(told["name"], data, told["frame"], told["max_pixels"], told["edge"])
        header, pixels = _outcome(source, tuple(told["background"]))
        with suppress(BrokenPipeError):
            answers.write(json.dumps(header).encode() + b"\n")
            answers.write(pixels)
            answers.flush()
    return 0


def _outcome(source: Source, background: RGB) -> tuple[dict[str, object], memoryview]:
    """What is said of a photo, and its pixels."""
    try:
        if source.edge is not None:
            return _of_small(open_small(source, background))
        photo = open_here(source, background)
    except PhotoError as error:
        refusal: dict[str, str | int] = {"message": error.message, "hint": error.hint}
        if isinstance(error, PhotoTooLarge):
            refusal |= {"pixels": error.pixels, "limit": error.limit}
        return {"refusal": refusal}, memoryview(b"")
    header = {
        "size": photo.size,
        "sha256": photo.sha256,
        "notes": photo.notes,
        "frame": photo.frame,
        "frames": photo.frames,
    }
    return header, np.ascontiguousarray(photo.pixels).data


def _of_small(copy: SmallCopy) -> tuple[dict[str, object], memoryview]:
    header = {"size": copy.pixels.shape[:2], "whole": copy.size, "notes": copy.notes,
              "frames": copy.frames}  # fmt: skip
    return header, np.ascontiguousarray(copy.pixels).data

"""The photos that are in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from vitviz.imaging.load import MAX_PIXELS, load
from vitviz.imaging.photo import Photo
from vitviz.progress import Progress, Stage, silent
from vitviz.session.state import PhotoRef

WAIT_S = 0.05
"""How long a photo that another thread opens is waited for before cancelling is looked for."""

Key = tuple[PhotoRef, tuple[int, int, int]]


class Stamp(NamedTuple):
    """Tells a file from the one that was there before under the same name.

    Args:
        changed_ns: When it was last written, in nanoseconds.
        size: In bytes.
    """

    changed_ns: int
    size: int


def stamp(path: str) -> Stamp | None:
    """The stamp of a file, or None where there is none."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return Stamp(status.st_mtime_ns, status.st_size)


class PhotoCache:
    """Opened photos, the least recently used ones forgotten. Safe to use from any thread.

    A photo whose file was written anew is opened anew; one whose file is gone stays.

    Args:
        budget_bytes: Of pixels kept; the last photo asked for is always kept.
        max_pixels: Above this a photo is a question for the user (``PhotoTooLarge``).
    """

    def __init__(self, budget_bytes: int = 1 << 30, max_pixels: int = MAX_PIXELS) -> None:
        self.max_pixels = max_pixels
        self._budget_bytes = budget_bytes
        self._photos: OrderedDict[Key, tuple[Stamp | None, Photo]] = OrderedDict()
        self._lock = threading.Lock()
        self._opening: dict[Key, threading.Lock] = {}

    def get(
        self, ref: PhotoRef, background: tuple[int, int, int], progress: Progress = silent
    ) -> Photo:
        """The photo, opened now if it is not in memory.

        Args:
            ref: Which photo.
            background: Where it is transparent.
            progress: Called while it is opened, here or elsewhere; may raise ``Cancelled``.

        Raises:
            PhotoError: It cannot be opened.
        """
        key, now = (ref, background), stamp(ref.path)
        with self._lock:
            if (known := self._known(key, now)) is not None:
                return known
            one_at_a_time = self._opening.setdefault(key, threading.Lock())
        while not one_at_a_time.acquire(timeout=WAIT_S):
            progress(Stage("opening_photo"), 0)
        try:
            with self._lock:
                if (known := self._known(key, now)) is not None:
                    return known
            try:
                limit = None if ref.allow_large else self.max_pixels
                photo = load(
                    ref.path,
                    frame=ref.frame,
                    background=background,
                    max_pixels=limit,
                    progress=progress,
                )
                self._keep(key, now, photo)
            finally:
                with self._lock:
                    self._opening.pop(key, None)
            return photo
        finally:
            one_at_a_time.release()

    def _known(self, key: Key, now: Stamp | None) -> Photo | None:
        if key not in self._photos:
            return None
        then, photo = self._photos[key]
        if now not in (then, None):
            return None
        self._photos.move_to_end(key)
        return photo

    def _keep(self, key: Key, now: Stamp | None, photo: Photo) -> None:
        with self._lock:
            self._photos[key] = now, photo
            self._photos.move_to_end(key)
            while len(self._photos) > 1 and self._held_bytes() > self._budget_bytes:
                self._photos.popitem(last=False)

    def _held_bytes(self) -> int:
        return sum(photo.pixels.nbytes for _, photo in self._photos.values())

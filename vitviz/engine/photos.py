"""The photos that are in memory."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from vitviz.engine.cache import Cache
from vitviz.imaging.load import MAX_PIXELS, load
from vitviz.imaging.photo import Photo
from vitviz.progress import Progress, Stage, silent
from vitviz.session.state import PhotoRef

BUDGET_BYTES = 1 << 30
"""Of pixels kept..."""

SPARE_BYTES = 96 << 20
"""... and of those that are not shown: eight of four megapixels, and opening one again takes a
tenth of a second."""

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


class Photos(Protocol):
    """Where an engine has its photos from."""

    max_pixels: int

    def get(
        self, ref: PhotoRef, background: tuple[int, int, int], progress: Progress = silent, /
    ) -> Photo:
        """The photo, as ``PhotoCache.get`` gives it."""

    def keep(self, open: Collection[str], shown: Collection[PhotoRef], /) -> None:
        """Forgets others, as ``PhotoCache.keep`` does."""


class PhotosInHand:
    """One photo for each thread: the one it works on. For work that goes over many photos, each
    once, and has their bytes from wherever they lie.

    Args:
        others: Of other photos that maps refer to, which are the same for all.
        max_pixels: As for ``PhotoCache``.
    """

    def __init__(self, others: Collection[str] = (), max_pixels: int = MAX_PIXELS) -> None:
        self.max_pixels = max_pixels
        self._names_of_others = frozenset(others)
        self._others = PhotoCache(SPARE_BYTES, max_pixels)
        self._mine = threading.local()
        self._names: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def names(self) -> frozenset[str]:
        """Those of the photos that any thread works on, and of the others."""
        with self._lock:
            return self._names_of_others | frozenset(self._names)

    @contextmanager
    def holding(self, ref: PhotoRef, photo: Photo) -> Iterator[None]:
        """This thread works on a photo, in the block."""
        with self._lock:
            self._names[ref.path] += 1
        self._mine.held = (ref, photo)
        try:
            yield
        finally:
            del self._mine.held
            with self._lock:
                self._names[ref.path] -= 1
                self._names = +self._names

    def get(
        self,
        ref: PhotoRef,
        background: tuple[int, int, int],
        progress: Progress = silent,
    ) -> Photo:
        """The photo that this thread works on, or one of the others.

        Raises:
            PhotoError: Another one cannot be opened.
        """
        held: tuple[PhotoRef, Photo] | None = getattr(self._mine, "held", None)
        if held is not None and held[0] == ref:
            return held[1]
        if ref.path not in self._names_of_others:
            raise LookupError(f"{ref} is not the photo in hand")
        return self._others.get(ref, background, progress)

    def keep(self, open: Collection[str], shown: Collection[PhotoRef]) -> None:
        """Nothing: what is in hand is let go by whoever holds it."""


class PhotoCache:
    """Opened photos, the least recently used ones forgotten. Safe to use from any thread.

    A photo whose file was written anew is opened anew; one whose file is gone stays.

    Args:
        budget_bytes: Of pixels kept; the last photo asked for is always kept.
        max_pixels: Above this a photo is a question for the user (``PhotoTooLarge``).
    """

    def __init__(self, budget_bytes: int = BUDGET_BYTES, max_pixels: int = MAX_PIXELS) -> None:
        self.max_pixels = max_pixels
        self._photos: Cache[Key, tuple[Stamp | None, Photo]] = Cache(
            budget_bytes, lambda stamped: stamped[1].pixels.nbytes, SPARE_BYTES
        )

    def keep(self, open: Collection[str], shown: Collection[PhotoRef]) -> None:
        """Forgets the photos that are not open any more, and most of those that are not shown.

        Args:
            open: Names of their files.
            shown: Photos that are looked at.
        """
        self._photos.keep(lambda key: key[0].path in open, lambda key: key[0] in shown)

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
        now = stamp(ref.path)
        limit = None if ref.allow_large else self.max_pixels

        def opened() -> tuple[Stamp | None, Photo]:
            photo = load(
                ref.path,
                frame=ref.frame,
                background=background,
                max_pixels=limit,
                progress=progress,
            )
            return now, photo

        return self._photos.get(
            (ref, background),
            opened,
            waiting=lambda: progress(Stage("waiting"), 0),
            is_valid=lambda stamped: now in (stamped[0], None),
        )[1]

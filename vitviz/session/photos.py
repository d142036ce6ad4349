"""The photos that are in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict

from vitviz.imaging.load import MAX_PIXELS, load
from vitviz.imaging.photo import Photo
from vitviz.session.state import PhotoRef

Key = tuple[PhotoRef, tuple[int, int, int]]


class PhotoCache:
    """Opened photos, the least recently used ones forgotten. Safe to use from any thread.

    Args:
        budget_bytes: Of pixels kept; the last photo asked for is always kept.
        max_pixels: Above this a photo is a question for the user (``PhotoTooLarge``).
    """

    def __init__(self, budget_bytes: int = 1 << 30, max_pixels: int = MAX_PIXELS) -> None:
        self.max_pixels = max_pixels
        self._budget_bytes = budget_bytes
        self._photos: OrderedDict[Key, Photo] = OrderedDict()
        self._lock = threading.Lock()
        self._opening: dict[Key, threading.Lock] = {}

    def get(self, ref: PhotoRef, background: tuple[int, int, int]) -> Photo:
        """The photo, opened now if it is not in memory.

        Raises:
            PhotoError: It cannot be opened.
        """
        key = (ref, background)
        with self._lock:
            one_at_a_time = self._opening.setdefault(key, threading.Lock())
        with one_at_a_time:
            with self._lock:
                if key in self._photos:
                    self._photos.move_to_end(key)
                    return self._photos[key]
            limit = None if ref.allow_large else self.max_pixels
            photo = load(ref.path, frame=ref.frame, background=background, max_pixels=limit)
            self._keep(key, photo)
            return photo

    def _keep(self, key: Key, photo: Photo) -> None:
        with self._lock:
            self._photos[key] = photo
            self._opening.pop(key, None)
            while len(self._photos) > 1 and self._held_bytes() > self._budget_bytes:
                self._photos.popitem(last=False)

    def _held_bytes(self) -> int:
        return sum(photo.pixels.nbytes for photo in self._photos.values())

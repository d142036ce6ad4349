"""The only thread border: questions go out to workers, frozen answers come back as signals."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PySide6.QtCore import QObject, Qt, Signal, Slot

from vitviz.engine.engine import Cell, Engine
from vitviz.engine.photos import PhotoCache
from vitviz.engine.plan import Request
from vitviz.engine.worker import Done, Event, Failed, Progressed, Worker
from vitviz.gui.canvas.pyramid import Pyramid, pyramid
from vitviz.imaging.load import thumbnail
from vitviz.imaging.photo import Photo
from vitviz.models.loading import devices
from vitviz.models.torch_import import import_torch
from vitviz.progress import Progress, Stage
from vitviz.session.state import PhotoRef

THUMBNAIL_EDGE = 360
"""Longer side of a thumbnail, in pixels: the photo list's width at twice the pixel density."""

THREADS = 2
"""Of the engine, and of the opener: a slow pane leaves one for the others."""

Background = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Opened:
    """A photo, ready to be drawn.

    Args:
        ref: Which photo.
        photo: Its pixels.
        pyramid: Its halvings.
        thumbnail: Of ``THUMBNAIL_EDGE``.
    """

    ref: PhotoRef
    photo: Photo
    pyramid: Pyramid
    thumbnail: UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True, eq=False)
class Preview:
    """What the list of photos shows of one.

    Args:
        ref: Which photo.
        thumbnail: Of ``THUMBNAIL_EDGE``.
        size: Height and width of the photo.
        frames: How many frames its file holds.
        notes: What opening changed.
    """

    ref: PhotoRef
    thumbnail: UInt8[np.ndarray, "height width 3"]
    size: tuple[int, int]
    frames: int
    notes: tuple[str, ...]


class Service(QObject):
    """Runs the engine, the opening of photos, and thumbnails, each on threads of its own.

    Lives on the window's thread, as do all of its slots: results arrive there by queued signals.

    Signals:
        answered(Cell): The answer to a request that was wanted to the end.
        failed(Request, BaseException): Such a request has no answer.
        progressed(Request, Stage, float fraction): Where such a request is.
        idle(): Nothing is being computed any more.
        opened(Opened): A photo that was wanted to the end is ready to be drawn.
        open_failed(PhotoRef, BaseException): It could not be opened.
        previewed(Preview): A thumbnail is ready.
        preview_failed(PhotoRef, BaseException): That photo cannot be opened.
        devices_found(list): (title, name) of each device that models can run on.
    """

    answered = Signal(object)
    failed = Signal(object, object)
    progressed = Signal(object, object, float)
    idle = Signal()
    opened = Signal(object)
    open_failed = Signal(object, object)
    previewed = Signal(object)
    preview_failed = Signal(object, object)
    devices_found = Signal(object)

    _engine_event = Signal(object)
    _opener_event = Signal(object)
    _preview_done = Signal(object, object)

    def __init__(self, photos: PhotoCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.photos = photos
        self.engine = Engine(photos)
        self._requests: dict[int, Request] = {}
        self._photos: dict[int, PhotoRef] = {}
        self._told: set[int] = set()
        self._shown: set[int] = set()
        queued = Qt.ConnectionType.QueuedConnection
        self._engine_event.connect(self._on_engine, queued)
        self._opener_event.connect(self._on_opener, queued)
        self._preview_done.connect(self._on_preview, queued)
        self._worker: Worker[Request, Cell] = Worker(
            self._answer, self._engine_event.emit, "vitviz-engine", THREADS
        )
        self._opener: Worker[tuple[PhotoRef, Background], Opened] = Worker(
            self._open, self._opener_event.emit, "vitviz-opener", THREADS
        )
        self._previews = ThreadPoolExecutor(1, "vitviz-previews")

    @property
    def is_busy(self) -> bool:
        """Whether an answer of the engine is still to come."""
        return bool(self._requests)

    @property
    def is_opening(self) -> bool:
        """Whether a photo is still to come."""
        return bool(self._photos)

    def ask(self, requests: Sequence[Request]) -> None:
        """Says what is wanted of the engine, the most urgent first; other work is dropped.

        A request that was asked before and not taken back goes on; where its answer was told
        already, it is not told again.
        """
        was_busy = self.is_busy
        numbers = dict(zip(self._worker.want(requests), requests, strict=True))
        self._told &= set(numbers)
        self._requests = {id: asked for id, asked in numbers.items() if id not in self._told}
        if was_busy and not self.is_busy:
            self.idle.emit()

    def open(self, refs: Sequence[PhotoRef], background: Background) -> None:
        """Says which photos are wanted, the most urgent first, as ``ask`` does."""
        wanted = [(ref, background) for ref in refs]
        numbers = dict(zip(self._opener.want(wanted), refs, strict=True))
        self._shown &= set(numbers)
        self._photos = {id: ref for id, ref in numbers.items() if id not in self._shown}

    def preview(self, ref: PhotoRef, background: Background) -> None:
        """Queues a thumbnail."""
        future = self._previews.submit(self._preview, ref, background)
        future.add_done_callback(lambda done: self._preview_ended(ref, done))

    def find_devices(self) -> None:
        """Asks which devices there are; needs torch, so only once a model has answered."""
        self._previews.submit(self._find_devices)

    def close(self) -> None:
        """Ends all threads; long work is cancelled at its next block."""
        # What is still on its way would wake parts of a window that is gone.
        self.blockSignals(True)
        self._previews.shutdown(wait=True, cancel_futures=True)
        self._opener.close(10)
        self._worker.close(30)

    def _answer(self, request: Request, progress: Progress) -> Cell:
        progress(Stage("loading_torch"), 0)
        import_torch()
        return self.engine.answer(request, progress)

    def _open(self, asked: tuple[PhotoRef, Background], progress: Progress) -> Opened:
        ref, background = asked
        progress(Stage("opening_photo"), 0)
        photo = self.photos.get(ref, background)
        progress(Stage("preparing_photo"), 0.5)
        return Opened(ref, photo, pyramid(photo.pixels), thumbnail(photo, THUMBNAIL_EDGE))

    def _preview(self, ref: PhotoRef, background: Background) -> Preview:
        photo = self.photos.get(ref, background)
        small = thumbnail(photo, THUMBNAIL_EDGE)
        return Preview(ref, small, photo.size, photo.frames, photo.notes)

    def _preview_ended(self, ref: PhotoRef, done: Future[Preview]) -> None:
        if not done.cancelled():
            self._preview_done.emit(ref, done.exception() or done.result())

    def _find_devices(self) -> None:
        self.devices_found.emit([(device.title, device.name) for device in devices()])

    @Slot(object)
    def _on_engine(self, event: Event) -> None:
        request = self._requests.get(event.id)
        if request is None:
            return
        if isinstance(event, Progressed):
            self.progressed.emit(request, event.stage, event.fraction)
            return
        del self._requests[event.id]
        self._told.add(event.id)
        if isinstance(event, Done):
            self.answered.emit(event.answer)
        elif isinstance(event, Failed):
            self.failed.emit(request, event.error)
        if not self.is_busy:
            self.idle.emit()

    @Slot(object)
    def _on_opener(self, event: Event) -> None:
        ref = self._photos.get(event.id)
        if ref is None or isinstance(event, Progressed):
            return
        del self._photos[event.id]
        self._shown.add(event.id)
        if isinstance(event, Done):
            self.opened.emit(event.answer)
        elif isinstance(event, Failed):
            self.open_failed.emit(ref, event.error)

    @Slot(object, object)
    def _on_preview(self, ref: PhotoRef, outcome: object) -> None:
        if isinstance(outcome, BaseException):
            self.preview_failed.emit(ref, outcome)
        else:
            self.previewed.emit(outcome)

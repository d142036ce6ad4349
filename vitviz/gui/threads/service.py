"""What the window asks of the engine and of photo files, and how the answers come back."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from vitviz.engine.answers import Answer, Cell, Reconstruction
from vitviz.engine.engine import Engine
from vitviz.engine.photos import PhotoCache
from vitviz.engine.requests import DecodeRequest, ExplainRequest, Request
from vitviz.errors import VitvizError
from vitviz.gui.canvas.pyramid import Pyramid, pyramid
from vitviz.gui.threads.desk import CLOSING_S, Desk
from vitviz.imaging.load import load_small, thumbnail
from vitviz.imaging.photo import Photo
from vitviz.memory import give_back
from vitviz.models.loading import devices
from vitviz.models.torch_import import import_torch, is_imported
from vitviz.progress import Progress, Stage
from vitviz.session.state import PhotoRef
from vitviz.shapes import UInt8

if TYPE_CHECKING:  # loaded when an answer is looked for
    from vitviz.charts.gathering import ChartQuestion, Gathered
    from vitviz.engine.stored import StoredAnswers

log = logging.getLogger(__name__)

THUMBNAIL_EDGE = 360
"""Longer side of a thumbnail, in pixels: the photo list's width at twice the pixel density."""

TIDY_MS = 1000
"""How long after a photo was left its memory is given back: going through many costs no time."""

ASIDE_S = 0.03
"""How often work that stands aside looks whether it may go on."""

PICTURE_EDGE = 220
"""The same for a photo that was open lately."""

THREADS = 2
"""Of the engine, and of the opener: a slow pane leaves one for the others."""

NEAR = 1e-4
"""How far an answer of last time may be from the live one, as a share of its largest number: other
devices and kernels round otherwise."""

Background = tuple[int, int, int]


@dataclass(frozen=True)
class PhotoQuestion:
    """Asks for a photo.

    Args:
        ref: Which.
        background: Where it is transparent.
    """

    ref: PhotoRef
    background: Background


@dataclass(frozen=True, eq=False)
class Kept:
    """What is still needed of what the engine remembers.

    Args:
        photos: Those that are open.
        shown: Those of them that are looked at.
    """

    photos: tuple[PhotoRef, ...] = ()
    shown: frozenset[PhotoRef] = frozenset()


@dataclass(frozen=True, eq=False)
class OpenPhoto:
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

    Its signals come on the window's thread (``gui.threads.desk``).

    Signals:
        recalled(Cell): The answer that such a request had last time, while torch is being loaded;
            the live one follows.
        answered(Cell): The answer to a request that was wanted to the end.
        failed(ExplainRequest, BaseException): Such a request has no answer.
        progressed(ExplainRequest, Stage, float fraction): Where such a request is.
        idle(): Nothing is being computed any more.
        decoded(Reconstruction): The answer to the ``DecodeRequest`` that was wanted last.
        decode_failed(BaseException): It has none.
        told(Request, object): The answer to what ``tell`` asked, or the exception in its place.
        charted(ChartQuestion, Gathered): The chart that was wanted last.
        chart_failed(ChartQuestion, BaseException): There is none.
        chart_grew(ChartQuestion, Chart): It as far as it has got.
        chart_progressed(ChartQuestion, float fraction): How far that is.
        opened(OpenPhoto): A photo that was wanted to the end is ready to be drawn.
        open_failed(PhotoRef, BaseException): It could not be opened.
        previewed(Preview): A thumbnail is ready.
        preview_failed(PhotoRef, BaseException): That photo cannot be opened.
        pictured(str path, pixels): A small picture of a photo that is not open is ready.
        devices_found(list): (title, name) of each device that models can run on.
    """

    recalled = Signal(object)
    answered = Signal(object)
    failed = Signal(object, object)
    progressed = Signal(object, object, float)
    idle = Signal()
    decoded = Signal(object)
    decode_failed = Signal(object)
    told = Signal(object, object)
    charted = Signal(object, object)
    chart_failed = Signal(object, object)
    chart_grew = Signal(object, object)
    chart_progressed = Signal(object, float)
    opened = Signal(object)
    open_failed = Signal(object, object)
    previewed = Signal(object)
    preview_failed = Signal(object, object)
    devices_found = Signal(object)
    pictured = Signal(str, object)

    def __init__(
        self,
        photos: PhotoCache,
        parent: QObject | None = None,
        answers: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self.photos = photos
        self.engine = Engine(photos)
        self._answers_folder = answers
        self._waiting: set[object] = set()
        self._maps = Desk(self._explain, "vitviz-engine", THREADS, self)
        self._decoder = Desk(self._answer, "vitviz-decoder", parent=self)
        self._stations = Desk(self._answer, "vitviz-stations", parent=self)
        self._charts = Desk(self._chart, "vitviz-charts", parent=self)
        self._charts.answered.connect(self.charted)
        self._charts.failed.connect(self.chart_failed)
        self._charts.told.connect(self.chart_grew)
        self._charts.progressed.connect(self._on_chart_progress)
        self._opener = Desk(self._open, "vitviz-opener", THREADS, self)
        self._previews = Desk(self._preview, "vitviz-previews", parent=self)
        self._pictures = Desk(_picture, "vitviz-pictures", parent=self)
        self._pictures.answered.connect(self._on_picture)
        self._devices = Desk(_find_devices, "vitviz-devices", parent=self)
        self._tidying = Desk(self._tidy, "vitviz-tidying", parent=self)
        self._kept = Kept()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(TIDY_MS)
        self._later.timeout.connect(self._begin_to_tidy)
        self._maps.told.connect(self._on_recalled)
        self._maps.answered.connect(self._on_answer)
        self._maps.failed.connect(self.failed)
        self._maps.progressed.connect(self.progressed)
        self._maps.idle.connect(self.idle)
        self._decoder.answered.connect(self._on_decoded)
        self._decoder.failed.connect(self._on_decode_failure)
        self._stations.answered.connect(self.told)
        self._stations.failed.connect(self.told)
        self._opener.answered.connect(self._on_opened)
        self._opener.failed.connect(self._on_open_failure)
        self._previews.answered.connect(self._on_preview)
        self._previews.failed.connect(self._on_preview_failure)
        self._devices.answered.connect(self._on_devices)
        self._devices.failed.connect(self._on_devices_failure)
        self._tidying.failed.connect(self._on_tidying_failure)

    @property
    def is_busy(self) -> bool:
        """Whether an answer of the engine is still to come."""
        return self._maps.is_busy or self._decoder.is_busy or self._stations.is_busy

    @property
    def is_opening(self) -> bool:
        """Whether a photo is still to come."""
        return self._opener.is_busy

    @property
    def is_at_work(self) -> bool:
        """Whether a map, a photo or a thumbnail is still to come."""
        return self.is_busy or self.is_opening or self._previews.is_busy

    def ask(self, requests: Sequence[ExplainRequest]) -> None:
        """Says what is wanted of the engine, the most urgent first; other work is dropped.

        A request that was asked before and not taken back goes on; where its answer was told
        already, it is not told again.
        """
        self._maps.ask(requests)

    def decode(self, requests: Sequence[DecodeRequest]) -> None:
        """Says what is wanted of a decoder, as ``ask`` does."""
        self._decoder.ask(requests)

    def tell(self, requests: Sequence[Request]) -> None:
        """Says what is wanted of a network's way to its answer, as ``ask`` does."""
        self._stations.ask(requests)

    @Slot(object, object)
    def _on_decoded(self, request: DecodeRequest, answer: Reconstruction) -> None:
        self.decoded.emit(answer)

    @Slot(object, object)
    def _on_decode_failure(self, request: DecodeRequest, error: BaseException) -> None:
        log.warning("the decoder failed", exc_info=error)
        self.decode_failed.emit(error)

    def chart(self, asked: ChartQuestion | None) -> None:
        """Says which chart is wanted; None: none."""
        self._charts.ask([] if asked is None else [asked])

    def _chart(self, asked: ChartQuestion, progress: Progress) -> Gathered:
        progress(Stage("loading_torch"), 0)
        Image.preinit()
        import_torch()
        from vitviz.charts.gathering import gather

        # What the window shows is not to wait for a folder.
        return gather(
            self.engine, asked, self.aside(progress), lambda chart: self._charts.tell(asked, chart)
        )

    def aside(self, progress: Progress) -> Progress:
        """For work that asks the engine on a thread of its own: lets what the window shows go
        first.

        What the window shows may in turn need what this work is at, such as the network's answer
        to the same photo, or its memory: then both would wait for ever, so the work goes on.
        """

        def tell(stage: Stage, fraction: float) -> None:
            progress(stage, fraction)
            while self.is_busy and not self._waiting:
                time.sleep(ASIDE_S)
                progress(stage, fraction)

        return tell

    @Slot(object, object, float)
    def _on_chart_progress(self, asked: ChartQuestion, stage: Stage, fraction: float) -> None:
        self.chart_progressed.emit(asked, fraction)

    def open(self, refs: Sequence[PhotoRef], background: Background) -> None:
        """Says which photos are wanted, the most urgent first, as ``ask`` does."""
        self._opener.ask([PhotoQuestion(ref, background) for ref in refs])

    def preview(self, refs: Sequence[PhotoRef], background: Background) -> None:
        """Says which thumbnails are wanted, the most urgent first, as ``ask`` does."""
        self._previews.ask([PhotoQuestion(ref, background) for ref in refs])

    def picture(self, paths: Sequence[str]) -> None:
        """Says of which photos that are not open small pictures are wanted; those that cannot be
        opened have none.
        """
        self._pictures.ask(list(paths))

    def keep(self, kept: Kept) -> None:
        """Says what is still needed; what is remembered of the rest is forgotten soon."""
        self._kept = kept
        if not self._later.isActive():
            self._later.start()

    def find_devices(self) -> None:
        """Asks which devices there are; needs torch, so only once a model has answered."""
        self._devices.ask_again("devices")

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Ends all threads, and waits so long for them; work is cancelled at its next block."""
        # What is still on its way would wake parts of a window that is gone.
        self.blockSignals(True)
        self._later.stop()
        desks = (
            self._maps,
            self._decoder,
            self._stations,
            self._charts,
            self._opener,
            self._previews,
            self._pictures,
            self._devices,
            self._tidying,
        )
        for desk in desks:  # all of them first, so that they end at the same time
            desk.close(0)
        end = time.monotonic() + timeout_s
        for desk in desks:
            desk.close(max(0.0, end - time.monotonic()))

    @cached_property
    def _stored(self) -> StoredAnswers | None:
        """Those of last time; loaded after the first paint."""
        from vitviz.engine.stored import StoredAnswers

        return None if self._answers_folder is None else StoredAnswers(self._answers_folder)

    def remember(self, answers: Sequence[tuple[Cell, Photo]], timeout_s: float) -> None:
        """Keeps answers for the next start, as many as there is time for; the rest is made anew
        then.

        Args:
            answers: Each with its photo, the most important first.
            timeout_s: None is begun later than this.
        """
        end = time.monotonic() + timeout_s
        for cell, photo in answers:
            if self._stored is None or time.monotonic() > end:
                return
            try:
                self._stored.keep(cell, photo)
            except (OSError, VitvizError):
                log.warning("an answer could not be kept", exc_info=True)

    def _recall(self, request: ExplainRequest, progress: Progress) -> Cell | None:
        """Tells the answer of last time, where torch is still to be loaded."""
        if self._stored is None or is_imported():
            return None
        photo = self.photos.get(request.photo, request.background, progress)
        found = self._stored.find(request, photo)
        if found is not None:
            self._maps.tell(request, found)
        return found

    def _check(self, recalled: Cell | None, live: Answer) -> None:
        """An answer of last time that was not the live one is not shown again."""
        if recalled is None or self._stored is None or not isinstance(live, Cell):
            return
        from vitviz.engine.stored import is_same

        if not is_same(recalled, live, NEAR):
            log.warning("what was shown from last time is not what the model says now")
            photo = self.photos.get(live.request.photo, live.request.background)
            self._stored.forget(recalled, photo)

    def _explain(self, request: ExplainRequest, progress: Progress) -> Answer:
        recalled = self._recall(request, progress)
        answer = self._answer(request, progress)
        self._check(recalled, answer)
        return answer

    def _answer(self, request: Request, progress: Progress) -> Answer:
        progress(Stage("loading_torch"), 0)
        # What another thread imports to open the photo must be there before: a library of its own
        # would wait for torch's, holding the interpreter, and the window with it (0.3 s measured).
        Image.preinit()
        import_torch()
        me = object()

        def tell(stage: Stage, fraction: float) -> None:
            """Remembers who waits for other threads, for those that stand aside."""
            if stage.kind == "waiting":
                self._waiting.add(me)
            else:
                self._waiting.discard(me)
            progress(stage, fraction)

        try:
            return self.engine.answer(request, tell)
        finally:
            self._waiting.discard(me)

    def _open(self, question: PhotoQuestion, progress: Progress) -> OpenPhoto:
        progress(Stage("opening_photo"), 0)
        photo = self.photos.get(question.ref, question.background, progress)
        progress(Stage("preparing_photo"), 0.5)
        small = thumbnail(photo, THUMBNAIL_EDGE)
        return OpenPhoto(question.ref, photo, pyramid(photo.pixels), small)

    def _preview(self, question: PhotoQuestion, progress: Progress) -> Preview:
        progress(Stage("opening_photo"), 0)
        ref = question.ref
        copy = load_small(
            ref.path, THUMBNAIL_EDGE, frame=ref.frame, background=question.background,
            max_pixels=None if ref.allow_large else self.photos.max_pixels, progress=progress,
        )  # fmt: skip
        return Preview(ref, copy.pixels, copy.size, copy.frames, copy.notes)

    def _tidy(self, kept: Kept, progress: Progress) -> None:
        self.engine.keep(frozenset(ref.path for ref in kept.photos), kept.shown)
        give_back()

    @Slot()
    def _begin_to_tidy(self) -> None:
        self._tidying.ask_again(self._kept)

    @Slot(object, object)
    def _on_recalled(self, request: ExplainRequest, cell: Cell) -> None:
        self.recalled.emit(cell)

    @Slot(object, object)
    def _on_answer(self, request: ExplainRequest, cell: Cell) -> None:
        self.answered.emit(cell)

    @Slot(object, object)
    def _on_opened(self, question: PhotoQuestion, opened: OpenPhoto) -> None:
        self.opened.emit(opened)

    @Slot(object, object)
    def _on_open_failure(self, question: PhotoQuestion, error: BaseException) -> None:
        self.open_failed.emit(question.ref, error)

    @Slot(object, object)
    def _on_preview(self, question: PhotoQuestion, preview: Preview) -> None:
        self.previewed.emit(preview)

    @Slot(object, object)
    def _on_preview_failure(self, question: PhotoQuestion, error: BaseException) -> None:
        self.preview_failed.emit(question.ref, error)

    @Slot(object, object)
    def _on_picture(self, path: str, pixels: UInt8[np.ndarray, "height width 3"]) -> None:
        self.pictured.emit(path, pixels)

    @Slot(object, object)
    def _on_devices(self, question: str, found: list[tuple[str, str]]) -> None:
        self.devices_found.emit(found)

    @Slot(object, object)
    def _on_devices_failure(self, question: str, error: BaseException) -> None:
        log.warning("could not ask for %s", question, exc_info=error)

    @Slot(object, object)
    def _on_tidying_failure(self, kept: Kept, error: BaseException) -> None:
        log.error("memory could not be given back", exc_info=error)


def _picture(path: str, progress: Progress) -> UInt8[np.ndarray, "height width 3"]:
    return load_small(path, PICTURE_EDGE, progress=progress).pixels


def _find_devices(question: str, progress: Progress) -> list[tuple[str, str]]:  # noqa: ARG001
    return [(device.title, device.name) for device in devices()]

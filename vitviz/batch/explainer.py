"""From the bytes of photos to rows: the one way there is, for threads, shards and engines.

An ``Explainer`` loads its model once, and needs nothing of what runs it: a batch gives it to its
threads, Ray to its actors, Spark to the partitions that it maps (``docs/cluster.md``).
"""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from vitviz.batch.crew import Crew
from vitviz.batch.job import BatchRefused, BatchStopped
from vitviz.batch.journal import Row
from vitviz.batch.spec import WorkSpec
from vitviz.batch.table import columns, map_columns, map_values, row, trust_row
from vitviz.engine.answers import Cell
from vitviz.engine.engine import Engine
from vitviz.engine.judging import require_classes
from vitviz.engine.photos import PhotosInHand
from vitviz.engine.plan import plan
from vitviz.engine.requests import ExplainRequest, TrustRequest
from vitviz.engine.room import Room
from vitviz.engine.seeing import EXPLAINING_BYTES
from vitviz.errors import Cancelled, MethodMisfit, NotEnoughMemory, VitvizError
from vitviz.imaging.decoding.source import Source
from vitviz.imaging.load import MAX_PIXELS, from_source
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import fit
from vitviz.methods import METHODS
from vitviz.models.torch_import import import_torch
from vitviz.progress import Control
from vitviz.session.state import PhotoRef, Session
from vitviz.session.strict import check_map, check_query
from vitviz.trust.judgement import require_judgeable

if TYPE_CHECKING:  # torch is not loaded by importing this
    from vitviz.models.loading import Model

log = logging.getLogger(__name__)

PIXEL_BYTES = 32
"""What decoding, converting and drawing on one pixel takes at most (``decoding.source``)."""

READING = 4
"""Times the size of a file that its bytes may lie in memory while it is read and decoded."""


@dataclass(frozen=True)
class Result:
    """What became of one photo.

    Args:
        sha256: Of its file; "" where it could not be read.
        row: Its columns in the table; empty where it failed.
        map: The map's values as float16, in Base64; "" where they are not asked for.
        files: What was written: path relative to the folder of the results, and size in bytes.
        error: What went wrong; "" where nothing did.
        missing: Letters of its figure that no installed font has.
    """

    sha256: str = ""
    row: Row = field(default_factory=dict)
    map: str = ""
    files: dict[str, int] = field(default_factory=dict)
    error: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Written:
    """Files of a photo.

    Args:
        files: Path relative to the folder of the results, and size in bytes.
        missing: Letters of the figure that no installed font has: a box stands for each.
    """

    files: dict[str, int] = field(default_factory=dict)
    missing: str = ""


Read = Callable[[], bytes]
"""The bytes of a photo's file; raises ``VitvizError`` where they cannot be had."""

Write = Callable[[Photo, Cell, Session, Engine], Written]
"""Writes what is wanted of a photo."""


def nothing(_photo: Photo, _cell: Cell, _session: Session, _engine: Engine) -> Written:
    """Writes no files."""
    return Written()


class Explainer:
    """Does the work of a spec on one photo after another; on several threads at once, too.

    Args:
        spec: The work.
        device: As for ``vitviz.models.loading.choose_device``.
        control: Asked before each step whether to go on.
        threads: How many photos of a batch are worked on at a time.

    Raises:
        VitvizError: The model cannot be used, or is not the one that the spec names.
    """

    def __init__(
        self,
        spec: WorkSpec,
        device: str = "auto",
        control: Control | None = None,
        threads: int = 1,
    ) -> None:
        import_torch()
        self.spec = spec
        self.control = control or Control()
        self._threads = threads
        self._session = spec.session
        others = [ref.path for ref in spec.view.reference]
        self._photos = PhotosInHand(others, spec.max_pixels or MAX_PIXELS)
        # Each photo is looked at once: what is kept is only for its own files.
        self._engine = Engine(self._photos, trace_budget=0, said=spec.corrections)
        self.model: Model = self._engine.model(spec.model, device, self.control.progress)
        spec.check(self.model.card)
        self._room, self._reading = Room(), Room()
        self._unexpected: set[str] = set()

    def __call__(self, batch: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The rows of some photos, in their order.

        Args:
            batch: ``{"key": what the photo is called, "bytes": of its file}`` each.

        Returns:
            The table's columns each, ``None`` where they mean nothing; ``"error"`` instead of an
            exception where a photo failed; and with ``spec.outputs.maps`` the map as a flat list
            of float16 (``batch.table``).

        Raises:
            BatchRefused: What is asked for exists for no photo.
        """

        def record(item: Mapping[str, Any]) -> dict[str, Any]:
            key, data = str(item["key"]), item["bytes"]
            result = self.result(key, lambda: bytes(data), len(data))
            return self.record(key, result)

        with Crew(self._threads, self.control) as crew:
            return list(crew.work(record, batch))

    def record(self, key: str, result: Result) -> dict[str, Any]:
        """A result as a row with every column of the table."""
        outputs = self.spec.outputs
        names = columns(outputs.classes, trust=outputs.trust, maps=outputs.maps)
        known = {"photo": key, "sha256": result.sha256, **result.row, "error": result.error}
        values = map_values(result.map)
        return {
            "key": key,
            **{name: known.get(name) for name in names},
            **({"map": None if values is None else list(values)} if outputs.maps else {}),
        }

    def result(self, name: str, read: Read, size: int = 0, write: Write = nothing) -> Result:
        """What becomes of one photo; a failure is one of its own.

        Args:
            name: Of the photo, for messages and files.
            read: Called once, on this thread.
            size: Of the file in bytes, as far as that is known.
            write: Called with what was found.

        Raises:
            Cancelled: The control said so.
            BatchRefused: What is asked for exists for no photo.
            BatchStopped: Nothing can be written any more.
        """
        try:
            with self._reading.taken(READING * size, "cpu", self.control.check):
                return self._result(name, read(), write)
        except (Cancelled, BatchRefused, BatchStopped):
            raise
        except VitvizError as error:
            return Result(error=words_of(error))
        except Exception as error:
            words = f"Something unexpected happened ({type(error).__name__}: {error})."
            if words not in self._unexpected:  # once is enough for a report
                self._unexpected.add(words)
                log.exception("%s", name)
            return Result(error=words)

    def _result(self, name: str, data: bytes, write: Write) -> Result:
        opening, computing = self._needed(data)
        check, device = self.control.check, self.model.device
        try:
            if device == "cpu":
                with self._room.taken(opening + computing, device, check):
                    return self._explained(name, data, write)
            with (
                self._room.taken(opening, "cpu", check),
                self._room.taken(computing, device, check),
            ):
                return self._explained(name, data, write)
        except NotEnoughMemory:
            # The other photos may have had what was missing.
            self._room.wait_until_empty(check)
            return self._explained(name, data, write)

    def _needed(self, data: bytes) -> tuple[int, int]:
        """Memory that a photo takes at most, and that computing with it does, in bytes; read off
        the start of its file.
        """
        session, card = self._session, self.model.card
        try:
            with Image.open(io.BytesIO(data)) as image:
                size = image.height, image.width
            geometry = fit(size, card.preprocessing, session.input)
        except Exception:  # opening it will say what is wrong
            return PIXEL_BYTES * len(data), EXPLAINING_BYTES
        cost = card.cost_at(geometry.input_size)
        backward = 0
        if "gradients" in METHODS[session.view.method].needs:
            backward = cost.backward_bytes
        # Explanations of few tokens take little.
        computing = cost.peak_bytes + backward + min(cost.peak_bytes, EXPLAINING_BYTES)
        return PIXEL_BYTES * size[0] * size[1], computing

    def _explained(self, name: str, data: bytes, write: Write) -> Result:
        self.control.check()
        ref = PhotoRef(name, 0, self.spec.max_pixels is None)
        session = replace(self._session, photos=(ref,))
        photo = opened(name, data, self.spec, self.control)
        with self._photos.holding(ref, photo):
            try:
                return self._looked_at(photo, session, write)
            finally:
                self._forget(name)

    def _forget(self, name: str) -> None:
        """Lets go of a photo that is done, and keeps what others are at or refer to."""
        others = {ref.path for ref in self._session.view.reference}
        self._engine.keep((self._photos.names - {name}) | others, ())

    def _looked_at(self, photo: Photo, session: Session, write: Write) -> Result:
        outputs = self.spec.outputs
        (request,) = plan(session, self.model.device)
        cell = self._cell(photo, request, session)
        self.control.check()
        written = write(photo, cell, session, self._engine)
        values, found = "", row(photo, cell, session.view, outputs.classes)
        if outputs.trust:
            found |= self._trust(cell, session)
        if outputs.maps:
            half, extra = map_columns(cell.heat_map(session.view))
            values, found = base64.b64encode(half.tobytes()).decode(), found | extra
        return Result(photo.sha256, found, values, written.files, missing=written.missing)

    def _trust(self, cell: Cell, session: Session) -> Row:
        """Whether the map is better than chance; nothing of one that puts patches in no order."""
        with refusing_all():
            require_classes(cell.outline)
        heat_map = cell.heat_map(session.view)
        request = TrustRequest(cell.request, heat_map.layer, heat_map.head)
        try:
            require_judgeable(heat_map)
        except VitvizError:
            return {}
        return trust_row(self._engine.answer(request, self.control.progress))

    def _cell(self, photo: Photo, request: ExplainRequest, session: Session) -> Cell:
        card = self.model.card
        with refusing_all(isinstance(request.query, str)):
            geometry = fit(photo.size, card.preprocessing, request.input)
            if not request.asks_elsewhere:
                check_query(METHODS[request.method], request.query, card.outline.prefix, geometry)
        with refusing_misfits():
            cell = self._engine.answer(request, self.control.progress)
        with refusing_all():
            if cell.query_geometry is not None:
                prefix, there = card.outline.prefix, cell.query_geometry
                check_query(METHODS[request.method], request.query, prefix, there)
            check_map(session.view, cell.explanation, card.outline)
        return cell


def opened(name: str, data: bytes, spec: WorkSpec, control: Control) -> Photo:
    """The photo in a file's bytes; raises as ``imaging.load.load``."""
    source = Source(Path(name).name, data, 0, spec.max_pixels)
    photo = from_source(source, spec.background, control.progress)
    return replace(photo, path=Path(name))


@contextmanager
def refusing_all(every: bool = True) -> Iterator[None]:
    """Makes a refusal inside one of the whole batch, if what is refused is so for every photo."""
    try:
        yield
    except VitvizError as error:
        if every:
            raise BatchRefused(error.message, error.hint) from error
        raise


@contextmanager
def refusing_misfits() -> Iterator[None]:
    """Makes the refusal of a method one of the whole batch: it is so for every photo."""
    try:
        yield
    except MethodMisfit as error:
        raise BatchRefused(error.message, error.hint) from error


def words_of(error: VitvizError) -> str:
    """What a table says of a failure."""
    return f"{error.message} {error.hint}".strip()

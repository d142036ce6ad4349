"""One photo of a batch: opened, explained, and its results written."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from vitviz.batch.job import Batch, BatchRefused, BatchStopped
from vitviz.batch.journal import Entry, Row, cannot_write
from vitviz.batch.listing import JOURNAL, BatchItem
from vitviz.batch.table import row, trust_row
from vitviz.engine.answers import Cell
from vitviz.engine.engine import Engine
from vitviz.engine.judging import require_classes
from vitviz.engine.photos import Stamp, stamp
from vitviz.engine.plan import plan
from vitviz.engine.requests import ExplainRequest, TrustRequest
from vitviz.engine.room import Room
from vitviz.engine.seeing import EXPLAINING_BYTES
from vitviz.errors import Cancelled, MethodMisfit, NotEnoughMemory, VitvizError
from vitviz.exporting.figure_files import write_figure
from vitviz.exporting.map_files import write_map, write_values
from vitviz.exporting.stamp import beside_of
from vitviz.exporting.values import ValuesOptions
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import fit
from vitviz.methods import METHODS
from vitviz.paths import is_there
from vitviz.progress import Control
from vitviz.session.state import PhotoRef, Session
from vitviz.session.strict import check_map, check_query
from vitviz.trust.judgement import require_judgeable

if TYPE_CHECKING:  # torch is not loaded by importing this
    from vitviz.models.loading import Model

log = logging.getLogger(__name__)

PIXEL_BYTES = 32
"""What decoding, converting and drawing on one pixel takes at most (``decoding.source``)."""

OF_THE_NAME = {None, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOENT}
"""Reasons for which one file cannot be written, and others can; Pillow gives none."""


@dataclass(frozen=True)
class Worker:
    """Makes the results of one photo at a time; used by several threads at once.

    Args:
        batch: What to do.
        model: Loaded.
        engine: Has the model.
        control: Asked before each step whether to go on.
        room: Memory for photos.
        unexpected: What was logged already.
    """

    batch: Batch
    model: Model
    engine: Engine
    control: Control
    room: Room
    unexpected: set[str] = field(default_factory=set)

    def entry(self, item: BatchItem) -> Entry:
        """What became of a photo, its results written.

        Raises:
            Cancelled: The batch was cancelled.
            BatchRefused: What is asked for exists for no photo.
            BatchStopped: Nothing can be written any more.
        """
        if item.problem is not None:
            return Entry(item.key, error=_said(item.problem))
        then = stamp(str(item.path))
        size, changed_ns = (then.size, then.changed_ns) if then else (-1, 0)
        try:
            entry = self._results(item, then)
        except (Cancelled, BatchRefused, BatchStopped):
            raise
        except VitvizError as error:
            return Entry(item.key, size, changed_ns, error=_said(error))
        except Exception as error:
            words = f"Something unexpected happened ({type(error).__name__}: {error})."
            if words not in self.unexpected:  # once is enough for a report
                self.unexpected.add(words)
                log.exception("%s", item.path)
            return Entry(item.key, size, changed_ns, error=words)
        return replace(entry, bytes=size, changed_ns=changed_ns)

    def _results(self, item: BatchItem, then: Stamp | None) -> Entry:
        opening, computing = self._needed(item.path, then)
        check, device = self.control.check, self.model.device
        try:
            if device == "cpu":
                with self.room.taken(opening + computing, device, check):
                    return self._make(item)
            with self.room.taken(opening, "cpu", check), self.room.taken(computing, device, check):
                return self._make(item)
        except NotEnoughMemory:
            # The other photos may have had what was missing.
            self.room.wait_until_empty(check)
            return self._make(item)

    def _needed(self, path: Path, then: Stamp | None) -> tuple[int, int]:
        """Memory that a photo takes at most, and that computing with it does, in bytes; read off
        the start of its file.
        """
        session, card = self.batch.session, self.model.card
        try:
            with Image.open(path) as image:
                size = image.height, image.width
            geometry = fit(size, card.preprocessing, session.input)
        except Exception:  # opening it will say what is wrong
            return PIXEL_BYTES * (then.size if then else 0), EXPLAINING_BYTES
        cost = card.cost_at(geometry.input_size)
        backward = 0
        if "gradients" in METHODS[session.view.method].needs:
            backward = cost.backward_bytes
        # Explanations of few tokens take little.
        computing = cost.peak_bytes + backward + min(cost.peak_bytes, EXPLAINING_BYTES)
        return PIXEL_BYTES * size[0] * size[1], computing

    def _make(self, item: BatchItem) -> Entry:
        self.control.check()
        session = self._session(item)
        (request,) = plan(session, self.model.device)
        photo = self.engine.photos.get(request.photo, request.background, self.control.progress)
        cell = self._cell(photo, request, session)
        self.control.check()
        files = self._write(item, photo, cell, session)
        columns = row(photo, cell, session.view, self.batch.outputs.classes)
        if self.batch.outputs.trust:
            columns |= self._trust(cell, session)
        return Entry(item.key, sha256=photo.sha256, files=files, row=columns)

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
        return trust_row(self.engine.answer(request, self.control.progress))

    def _session(self, item: BatchItem) -> Session:
        large = self.batch.max_pixels is None
        return replace(self.batch.choices, photos=(PhotoRef(str(item.path), 0, large),))

    def _cell(self, photo: Photo, request: ExplainRequest, session: Session) -> Cell:
        card = self.model.card
        with refusing_all(isinstance(request.query, str)):
            geometry = fit(photo.size, card.preprocessing, request.input)
            if not request.asks_elsewhere:
                check_query(METHODS[request.method], request.query, card.outline.prefix, geometry)
        with refusing_misfits():
            cell = self.engine.answer(request, self.control.progress)
        with refusing_all():
            if cell.query_geometry is not None:
                prefix, there = card.outline.prefix, cell.query_geometry
                check_query(METHODS[request.method], request.query, prefix, there)
            check_map(session.view, cell.explanation, card.outline)
        return cell

    def _write(self, item: BatchItem, photo: Photo, cell: Cell, session: Session) -> dict[str, int]:
        """Writes the files; gives their sizes by their paths in the folder of the results."""
        wanted, said, written = self.batch.outputs, self.batch.disclosure, dict[str, int]()
        base = f"{item.place}-{session.view.method}"
        if wanted.map != "none":
            name = f"{base}.{wanted.map}"
            with self._writing(name) as path:
                write_map(path, photo, cell, session, said, side=wanted.side)
                written[name] = path.stat().st_size
        if wanted.values != "none":
            name = f"{base}.{wanted.values}"
            with self._writing(name) as path:
                write_values(path, cell, session, ValuesOptions(), said)
                written[name] = path.stat().st_size
        if wanted.figure != "none":
            name = f"{base}-figure.{wanted.figure}"
            with self._writing(name) as path:
                write_figure(
                    path, session, self.engine, self.model.device, self.control.progress, said
                )
                written[name] = path.stat().st_size
        return written

    @contextmanager
    def _writing(self, name: str) -> Iterator[Path]:
        """The path of a result, its folder made; what keeps all of them from being written stops
        the batch.
        """
        path = self.batch.out / name
        try:
            for folder in reversed(Path(name).parents[:-1]):
                # Not the folder of the results: if that is gone, it is not made anew without them.
                (self.batch.out / folder).mkdir(exist_ok=True)
            yield path
            if not is_there(self.batch.out / JOURNAL):
                self._take_back(path)
                raise FileNotFoundError(errno.ENOENT, "the folder of the results is gone")
        except OSError as error:
            raise cannot_write(path, error) from error
        except VitvizError as error:
            reason = error.__cause__
            if isinstance(reason, OSError) and reason.errno not in OF_THE_NAME:
                raise cannot_write(path, reason) from error
            raise

    def _take_back(self, path: Path) -> None:
        """Removes a file that was written to where the results were, such as the empty folder
        that is left of a disk: with files in it, the batch could not begin there anew.
        """
        for file in (path, beside_of(path)):
            with suppress(OSError):
                file.unlink()
        for folder in path.parents:
            if folder == self.batch.out:
                break
            with suppress(OSError):
                folder.rmdir()


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


def _said(error: VitvizError) -> str:
    return f"{error.message} {error.hint}".strip()

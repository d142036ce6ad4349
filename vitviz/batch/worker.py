"""One photo of a batch, from where it lies to its line in the journal, its files written."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vitviz.batch.explainer import Explainer, Written, words_of
from vitviz.batch.inputs import read_item
from vitviz.batch.journal import Entry, cannot_write
from vitviz.batch.listing import JOURNAL, BatchItem
from vitviz.engine.answers import Cell
from vitviz.engine.engine import Engine
from vitviz.engine.photos import stamp
from vitviz.errors import VitvizError
from vitviz.exporting.figure_files import write_figure
from vitviz.exporting.map_files import write_map, write_values
from vitviz.exporting.stamp import beside_of
from vitviz.exporting.values import ValuesOptions
from vitviz.imaging.photo import Photo
from vitviz.paths import is_there
from vitviz.session.state import Session

OF_THE_NAME = {None, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOENT}
"""Reasons for which one file cannot be written, and others can; Pillow gives none."""


@dataclass(frozen=True)
class Worker:
    """Makes the results of one photo at a time; used by several threads at once.

    Args:
        explainer: Does the work of the spec.
        out: Where files go.
        journal: The name of a file that is there as long as the folder of the results is.
    """

    explainer: Explainer
    out: Path
    journal: str = JOURNAL

    def entry(self, item: BatchItem) -> Entry:
        """What became of a photo, its results written.

        Raises:
            Cancelled: The batch was cancelled.
            BatchRefused: What is asked for exists for no photo.
            BatchStopped: Nothing can be written any more.
        """
        if item.problem is not None:
            return Entry(item.key, error=words_of(item.problem))
        then = stamp(str(item.path))
        size, changed_ns = (then.size, then.changed_ns) if then else (-1, 0)
        result = self.explainer.result(
            item.name,
            partial(read_item, item, self.explainer.control),
            item.at[1] if item.at and not item.column else max(size, 0) if item.at is None else 0,
            partial(self._write, item),
        )
        return Entry(
            item.key, size, changed_ns, result.sha256, result.files, result.row,
            result.error, result.map, result.missing,
        )  # fmt: skip

    def _write(
        self, item: BatchItem, photo: Photo, cell: Cell, session: Session, engine: Engine
    ) -> Written:
        """Writes the files."""
        spec, written, missing = self.explainer.spec, dict[str, int](), ""
        wanted, said = spec.outputs, spec.disclosure
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
                device, control = self.explainer.model.device, self.explainer.control
                missing = write_figure(path, session, engine, device, control.progress, said)
                written[name] = path.stat().st_size
        return Written(written, missing)

    @contextmanager
    def _writing(self, name: str) -> Iterator[Path]:
        """The path of a result, its folder made; what keeps all of them from being written stops
        the batch.
        """
        path = self.out / name
        try:
            for folder in reversed(Path(name).parents[:-1]):
                # Not the folder of the results: if that is gone, it is not made anew without them.
                (self.out / folder).mkdir(exist_ok=True)
            yield path
            if not is_there(self.out / self.journal):
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
            if folder == self.out:
                break
            with suppress(OSError):
                folder.rmdir()

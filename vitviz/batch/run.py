"""Runs a batch: several photos at a time, kept in the order of their names.

Each worker takes one photo all the way (decoding, inference, writing) with its share of the
processor's cores, rather than each step having a thread of its own: while one decodes, another
computes, and small networks gain more from several photos at a time than from several cores on
one. Measured on two cores, DeiT-Tiny's forward: 70 ms of processor time a photo so, 100 ms with
both cores on one photo. Inputs are not put together for one forward: on the CPU that gains nothing
(ViT-B/16) to a twentieth (DeiT-Tiny), and would make the numbers depend on the neighbours.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vitviz.batch.job import Batch, BatchStopped
from vitviz.batch.journal import Entry, Journal, opened
from vitviz.batch.listing import BatchItem, photos_below
from vitviz.batch.one import Worker
from vitviz.batch.progress import BatchProgress
from vitviz.batch.table import columns, write_tables
from vitviz.engine.engine import Engine
from vitviz.engine.photos import PhotoCache, stamp
from vitviz.engine.room import Room
from vitviz.errors import PhotoError
from vitviz.imaging.load import MAX_PIXELS
from vitviz.models.card import ModelCard
from vitviz.models.torch_import import import_torch
from vitviz.paths import is_inside
from vitviz.plain_text import shown_text
from vitviz.progress import Control, Pace, Stage
from vitviz.writing import remove_parts

if TYPE_CHECKING:
    from vitviz.models.loading import Model

MOST_WORKERS = 8
"""More would wait for one another in Python."""

AHEAD = 4
"""Photos in hand for each worker: those that are done wait for those before them in order."""

MOST_LISTED = 1000
"""Failures that are listed at the end; the table has them all."""

LOOK_S = 0.2
"""How often a wait looks up, so that Ctrl+C is heard on Windows too."""

PHOTO_BYTES = 256 << 20
"""Of photos kept, for the files that are made of one after its map."""


@dataclass
class Summary:
    """What a batch came to.

    Args:
        done: Photos in the table, failures included.
        before: Of those, done by earlier runs.
        failed: Of those, without results.
        failures: (photo, why) of the first ``MOST_LISTED`` failures.
        tables: The files of the table.
        seconds: This run took.
        card: Of the model.
    """

    done: int = 0
    before: int = 0
    failed: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    seconds: float = 0.0
    card: ModelCard | None = None

    def lines(self, most: int = MOST_LISTED) -> list[str]:
        """The failures for people, a line each; of more than ``most``, how many more."""
        shown = [failure(photo, why) for photo, why in self.failures[:most]]
        more = self.failed - len(shown)
        return [*shown, f"and {more:,} more; the table has them all"] if more else shown


def failure(photo: str, why: str) -> str:
    """ "in/x.jpg is empty.": the photo's name, with which most reasons begin, once."""
    name = photo.rpartition("/")[2]
    begins = why.startswith(f"{name} ")
    return shown_text(photo + why.removeprefix(name) if name and begins else f"{photo}: {why}")


Report = Callable[[BatchProgress], None]

EarlierEntry = tuple[int, Entry]
"""An entry of an earlier run, and its place in the journal."""


def run(
    batch: Batch, report: Report, control: Control | None = None, *, restart: bool = False
) -> Summary:
    """Works through a folder; a batch that was ended early goes on where it was.

    Args:
        batch: What to do.
        report: Told after every photo, on the calling thread.
        control: Pauses and cancels.
        restart: Begin anew where the folder holds results made with other settings.

    Raises:
        SettingsChanged: The folder holds such results.
        Cancelled: ``control`` said so.
        VitvizError: The batch cannot begin, or cannot go on (``BatchStopped``).
    """
    control = control or Control()
    if next(photos_below(batch.folder), None) is None:
        raise PhotoError(f"There are no photos in {batch.folder}.", "Choose another folder.")
    report(BatchProgress(Stage("loading_model")))
    import_torch()
    # Each photo is looked at once: what is kept is only for its own files.
    engine = Engine(PhotoCache(PHOTO_BYTES, batch.max_pixels or MAX_PIXELS), trace_budget=0,
                    said=batch.said)  # fmt: skip
    model = engine.model(batch.session.model, batch.device, control.progress)
    settings = batch.settings(model.card, model.device)
    with opened(batch.out, settings, restart=restart) as journal:
        remove_parts(batch.out, below=True)
        summary = Run(batch, model, engine, journal, control, report).go()
        return replace(summary, card=model.card)


class Run:
    """One run of a batch; ``go`` is called once.

    Args:
        batch: What to do.
        model: Loaded.
        engine: Has the model.
        journal: Open.
        control: Pauses and cancels.
        report: Told after every photo.
    """

    def __init__(
        self,
        batch: Batch,
        model: Model,
        engine: Engine,
        journal: Journal,
        control: Control,
        report: Report,
    ) -> None:
        self._batch = batch
        self._journal = journal
        self._control = control
        self._report = report
        self._worker = Worker(batch, model, engine, control, Room())
        self._places = array("q")  # in the journal, of the photos in order
        self._summary = Summary()
        self._pace = Pace()
        self._total: int | None = None

    def go(self) -> Summary:
        """Works through all photos, and writes the table."""
        import torch

        started, threads = time.perf_counter(), torch.get_num_threads()
        workers = self._batch.workers or min(threads, MOST_WORKERS)
        each = max(1, threads // workers)
        counter = threading.Thread(target=self._count, name="vitviz-batch-counter", daemon=True)
        counter.start()
        try:
            with self._pool(workers, each) as pool:
                self._tell()
                self._work(pool, AHEAD * workers)
        finally:
            torch.set_num_threads(threads)  # in part one number for the whole process
            counter.join()  # it has counted all, or sees that the batch was ended
        self._check_results()
        names = columns(self._batch.outputs.classes, trust=self._batch.outputs.trust)
        self._summary.tables = write_tables(self._batch.out, self._entries, names)
        self._summary.seconds = time.perf_counter() - started
        return self._summary

    def _check_results(self) -> None:
        """Sees that all results are still where they were written.

        Raises:
            BatchStopped: They were deleted or moved meanwhile, or the disk was taken away.
        """
        self._journal.check()
        gone = [
            file[0]
            for entry in self._entries()
            for file in entry.files.items()
            if not self._is_there(file)
        ]
        if gone:
            raise BatchStopped(
                f"{len(gone):,} of the results are not there any more: {gone[0]}"
                + (" and others." if len(gone) > 1 else "."),
                "Continue: what is missing is made again.",
            )

    def _entries(self) -> Iterator[Entry]:
        return self._journal.entries(self._places)

    def _count(self) -> None:
        """Counts the photos; on a thread of its own, since large trees take a while."""
        total = 0
        with contextlib.suppress(PhotoError):
            for _ in photos_below(self._batch.folder):
                total += 1
                if self._control.is_cancelled:
                    return
        self._total = total

    @contextmanager
    def _pool(self, workers: int, threads: int) -> Iterator[ThreadPoolExecutor]:
        """Threads for photos; whatever ends the block early ends their work at the next step."""
        import torch

        pool = ThreadPoolExecutor(workers, "vitviz-batch", torch.set_num_threads, (threads,))
        try:
            yield pool
        except BaseException:
            self._control.cancel()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, pool: ThreadPoolExecutor, ahead: int) -> None:
        waiting: deque[EarlierEntry | Future[Entry]] = deque()
        for item in photos_below(self._batch.folder):
            self._control.check()
            waiting.append(self._known(item) or pool.submit(self._worker.entry, item))
            while waiting and (len(waiting) >= ahead or _is_ready(waiting[0])):
                self._take(waiting.popleft())
        while waiting:
            self._take(waiting.popleft())

    def _known(self, item: BatchItem) -> EarlierEntry | None:
        """What an earlier run made of a photo, if it is still that photo and all of it is there."""
        known, now = self._journal.find(item.key), stamp(str(item.path))
        if known is None or now is None or known[1].error:
            return None
        entry = known[1]
        if now.size != entry.bytes or not all(map(self._is_there, entry.files.items())):
            return None
        same = now.changed_ns == entry.changed_ns or _sha256(item.path) == entry.sha256
        return known if same else None

    def _is_there(self, file: tuple[str, int]) -> bool:
        if not is_inside(file[0]):  # the journal is a file from anywhere, too
            return False
        now = stamp(str(self._batch.out / file[0]))
        return now is not None and now.size == file[1]

    def _take(self, item: EarlierEntry | Future[Entry]) -> None:
        """Waits for the next photo in order, and keeps what became of it."""
        summary = self._summary
        if isinstance(item, Future):
            while not item.done():
                wait([item], LOOK_S)
            try:
                entry = item.result()
            except BatchStopped:
                self._journal.check()  # which says more, where it is the folder that is gone
                raise
            place = self._journal.append(entry)
            self._pace.add(1)
        else:
            place, entry = item
            summary.before += 1
        self._places.append(place)
        summary.done += 1
        if entry.error:
            summary.failed += 1
            if len(summary.failures) < MOST_LISTED:
                summary.failures.append((entry.photo, entry.error))
        self._tell()

    def _tell(self) -> None:
        done, total = self._summary.done, self._total
        left = None if total is None else self._pace.remaining_s(max(total - done, 0))
        self._report(
            BatchProgress(None, done, total, self._summary.failed, self._pace.per_second, left)
        )


def _is_ready(item: EarlierEntry | Future[Entry]) -> bool:
    return not isinstance(item, Future) or item.done()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""

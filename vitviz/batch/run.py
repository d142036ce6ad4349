"""Runs a batch: what is not done yet goes to threads or to an engine, and what comes back is kept.

The local batch is the crew of threads (``batch.crew``); ``batch.on_ray`` is another one. Both give
every photo to an ``Explainer``, and what they give back ends in the same journal and table.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from vitviz.batch.crew import Crew
from vitviz.batch.explainer import Explainer
from vitviz.batch.inputs import Feed, photos_of
from vitviz.batch.job import Batch, BatchStopped
from vitviz.batch.journal import Entry, Journal, opened
from vitviz.batch.listing import BatchItem
from vitviz.batch.progress import BatchProgress
from vitviz.batch.results import is_whole, require_files
from vitviz.batch.shards import WHOLE
from vitviz.batch.summary import Summary
from vitviz.batch.table import columns, write_tables
from vitviz.batch.worker import Worker
from vitviz.engine.photos import stamp
from vitviz.errors import PhotoError
from vitviz.paths import absolute
from vitviz.progress import Control, Pace, Stage
from vitviz.writing import remove_parts

Numbered = tuple[int, BatchItem]
"""A photo, and which one of all it is, from 0."""

Done = Generator[tuple[int, Entry], None, None]
"""What became of photos, with their numbers, in any order."""


class Workers(Protocol):
    """Who does the work on photos."""

    @property
    def device(self) -> str:
        """Where they compute: "cpu", "cuda"."""

    def __call__(
        self, explainer: Explainer, items: Iterable[Numbered], control: Control, /
    ) -> Done:
        """The entries of photos. Items are taken on the calling thread."""


Report = Callable[[BatchProgress], None]


def run(
    batch: Batch,
    report: Report,
    control: Control | None = None,
    *,
    restart: bool = False,
    workers: Workers | None = None,
) -> Summary:
    """Works through photos; a batch that was ended early goes on where it was.

    Args:
        batch: What to do.
        report: Told after every photo, on the calling thread.
        control: Pauses and cancels.
        restart: Begin anew where the folder holds results made with other settings.
        workers: Who does it; None: threads of this process.

    Raises:
        SettingsChanged: The folder holds such results.
        Cancelled: ``control`` said so.
        VitvizError: The batch cannot begin, or cannot go on (``BatchStopped``).
    """
    control = control or Control()
    if next(photos_of(batch.source, batch.columns), None) is None:
        raise PhotoError(f"There are no photos in {batch.source}.", "Choose another folder.")
    report(BatchProgress(Stage("loading_model")))
    # Others load the model themselves; here it only says what it is.
    explainer = Explainer(batch.spec, "cpu" if workers else batch.device, control)
    workers = workers or Threads(batch, explainer.model.device)
    card = explainer.model.card
    settings = batch.settings(card, workers.device)
    with opened(
        batch.out, settings, restart=restart, name=batch.shard.journal,
        source=str(absolute(batch.source)), work=asdict(explainer.spec.of_model(card)),
    ) as journal:  # fmt: skip
        remove_parts(batch.out, below=True)
        summary = Run(batch, explainer, journal, report).go(workers)
        return replace(summary, card=card)


@dataclass(frozen=True)
class Threads:
    """Threads of this process, each with one photo at a time; what comes back is in order.

    Args:
        batch: What to do.
        device: Of the model that they use.
    """

    batch: Batch
    device: str

    def __call__(self, explainer: Explainer, items: Iterable[Numbered], control: Control) -> Done:
        worker, feed = Worker(explainer, self.batch.out, self.batch.shard.journal), Feed()
        ready = ((number, feed.ready(item)) for number, item in items)
        with Crew(self.batch.workers, control) as crew:
            yield from crew.work(lambda one: (one[0], worker.entry(one[1])), ready)


class Run:
    """One run of a batch; ``go`` is called once.

    Args:
        batch: What to do.
        explainer: Its model is loaded.
        journal: Open.
        report: Told after every photo.
    """

    def __init__(
        self, batch: Batch, explainer: Explainer, journal: Journal, report: Report
    ) -> None:
        self._batch = batch
        self._explainer = explainer
        self._control = explainer.control
        self._journal = journal
        self._report = report
        self._places = array("q")  # in the journal, of the photos in order; -1: not yet
        self._summary = Summary()
        self._pace = Pace()
        self._total: int | None = None

    def go(self, workers: Workers) -> Summary:
        """Works through all photos, and writes the table."""
        started = time.perf_counter()
        counter = threading.Thread(target=self._count, name="vitviz-batch-counter", daemon=True)
        counter.start()
        try:
            self._tell()
            with contextlib.closing(workers(self._explainer, self._todo(), self._control)) as done:
                for number, entry in done:
                    self._keep(number, entry)
        except BatchStopped:
            self._journal.check()  # which says more, where it is the folder that is gone
            raise
        finally:
            counter.join()  # it has counted all, or sees that the batch was ended
        self._journal.check()
        require_files(self._batch.out, self._entries())
        if self._batch.shard == WHOLE:
            outputs = self._batch.outputs
            names = columns(outputs.classes, trust=outputs.trust, maps=outputs.maps)
            self._summary.tables = write_tables(
                self._batch.out, self._entries, names, maps=outputs.maps
            )
        else:
            self._journal.end()
        self._summary.seconds = time.perf_counter() - started
        return self._summary

    def _entries(self) -> Iterator[Entry]:
        return self._journal.entries(place for place in self._places if place >= 0)

    def _photos(self) -> Iterator[BatchItem]:
        """Those of this part."""
        shard = self._batch.shard
        return (
            item
            for item in photos_of(self._batch.source, self._batch.columns)
            if shard.has(item.unit)
        )

    def _count(self) -> None:
        """Counts the photos; on a thread of its own, since large trees take a while."""
        total = 0
        with contextlib.suppress(PhotoError):
            for _ in self._photos():
                total += 1
                if self._control.is_cancelled:
                    return
        self._total = total

    def _todo(self) -> Iterator[Numbered]:
        """The photos that are not done yet; those that are, are counted on the way."""
        for number, item in enumerate(self._photos()):
            self._control.check()
            self._places.append(-1)
            known = self._known(item)
            if known is None:
                yield number, item
            else:
                self._summary.before += 1
                self._take(number, *known)

    def _known(self, item: BatchItem) -> tuple[int, Entry] | None:
        """What an earlier run made of a photo, if it is still that photo and all of it is there."""
        known, now = self._journal.find(item.key), stamp(str(item.path))
        if known is None or now is None or known[1].error:
            return None
        entry = known[1]
        if now.size != entry.bytes or not all(
            is_whole(self._batch.out, file) for file in entry.files.items()
        ):
            return None
        same = now.changed_ns == entry.changed_ns or (
            item.at is None and _sha256(item.path) == entry.sha256
        )
        return known if same else None

    def _keep(self, number: int, entry: Entry) -> None:
        """Writes down what became of a photo."""
        place = self._journal.append(entry)
        self._pace.add(1)
        self._take(number, place, entry)

    def _take(self, number: int, place: int, entry: Entry) -> None:
        """Counts a photo, and remembers where in the journal it is."""
        self._places[number] = place
        self._summary.add(entry)
        self._tell()

    def _tell(self) -> None:
        done, total = self._summary.done, self._total
        left = None if total is None else self._pace.remaining_s(max(total - done, 0))
        self._report(
            BatchProgress(None, done, total, self._summary.failed, self._pace.per_second, left)
        )


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""

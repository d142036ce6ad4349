"""The files of a batch: are they where they were written?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vitviz.batch.job import BatchStopped
from vitviz.batch.journal import Entry
from vitviz.engine.photos import stamp
from vitviz.paths import is_inside


def is_whole(out: Path, file: tuple[str, int]) -> bool:
    """Whether a file, by its name and size in a journal, is in the folder of the results."""
    if not is_inside(file[0]):  # the journal is a file from anywhere, too
        return False
    now = stamp(str(out / file[0]))
    return now is not None and now.size == file[1]


def require_files(out: Path, entries: Iterable[Entry]) -> None:
    """Sees that all results are still where they were written.

    Raises:
        BatchStopped: They were deleted or moved meanwhile, or the disk was taken away.
    """
    gone = [file[0] for entry in entries for file in entry.files.items() if not is_whole(out, file)]
    if gone:
        raise BatchStopped(
            f"{len(gone):,} of the results are not there any more: {gone[0]}"
            + (" and others." if len(gone) > 1 else "."),
            "Continue: what is missing is made again.",
        )

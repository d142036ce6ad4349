"""One table of all parts of a batch (``batch.shards``), once all of them are done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from vitviz.batch.job import SettingsChanged
from vitviz.batch.journal import Entry, Header, Journal, changed, header_of
from vitviz.batch.listing import JOURNAL
from vitviz.batch.results import require_files
from vitviz.batch.shards import MOST, Shard, shards_in
from vitviz.batch.spec import Outputs
from vitviz.batch.summary import Summary
from vitviz.batch.table import columns, write_tables
from vitviz.errors import VitvizError
from vitviz.imaging.decoding.formats import natural_order
from vitviz.reading import typed

MOST_NAMED = 12
"""Parts that are named when they are missing."""


def merge(out: Path) -> Summary:
    """Writes the table of the parts in a folder of results; again, where it is there already.

    The order is that of one run over a folder: natural, a folder's own photos before those of the
    folders in it; for lists and archives, too.

    Raises:
        VitvizError: The folder holds no parts, or not all of them, or of different settings.
    """
    started = time.perf_counter()
    header, parts = _parts(out)
    outputs = typed(Outputs, header.settings.get("outputs"))
    names = columns(outputs.classes, trust=outputs.trust, maps=outputs.maps)
    summary = Summary()
    with ExitStack() as stack:
        journals = [stack.enter_context(Journal(path, read_only=True)) for path in parts.values()]
        _require_end(out, dict(zip(parts, journals, strict=True)))
        found = sorted(
            (order_of(photo), number)
            for number, journal in enumerate(journals)
            for photo in journal.photos
        )

        def entries() -> Iterator[Entry]:
            for (*_, photo), number in found:
                known = journals[number].find(photo)
                assert known is not None
                yield known[1]

        require_files(out, entries())
        for entry in entries():
            summary.add(entry)
        summary.tables = write_tables(out, entries, names, maps=outputs.maps)
    summary.seconds = time.perf_counter() - started
    return summary


def order_of(photo: str) -> tuple[Any, ...]:
    """Where a photo stands among others, by what it is called; the name itself is last."""
    *folders, name = photo.split("/")
    keys = [(True, natural_order(Path(folder))) for folder in folders]
    return ([*keys, (False, natural_order(Path(name)))], photo)


def _parts(out: Path) -> tuple[Header, dict[Shard, Path]]:
    """What the parts have in common, and the journal of each of them."""
    try:
        there = (out / JOURNAL).exists()
        header = header_of(out / JOURNAL) if there else None
        of = header.settings.get("shards") if header else None
        if header is None or not isinstance(of, int) or not 1 <= of <= MOST:
            raise VitvizError(
                f"{out} holds no parts of a batch.",
                "Name the folder that vitviz batch ... --shard wrote to.",
            )
        found = {shard: path for shard, path in shards_in(out).items() if shard.of == of}
        _refuse_missing(
            out, [n for n in range(1, of + 1) if Shard(n, of) not in found], of, "not there"
        )
        for shard, path in found.items():
            if error := changed(path, header_of(path), header.settings):
                raise SettingsChanged(
                    f"Part {shard} was made otherwise than the others: {error.message}",
                    f"Run it again: vitviz batch ... --shard {shard} --restart", error.differences,
                )  # fmt: skip
        return header, dict(sorted(found.items(), key=lambda part: part[0].number))
    except OSError as error:
        raise VitvizError(
            f"{out} cannot be read: {error.strerror or error}.", "Check that you may open it."
        ) from error


def _require_end(out: Path, journals: dict[Shard, Journal]) -> None:
    open_ = [shard.number for shard, journal in journals.items() if not journal.has_ended]
    _refuse_missing(out, open_, len(journals), "not done")


def _refuse_missing(out: Path, numbers: list[int], of: int, what: str) -> None:
    if not numbers:
        return
    named = ", ".join(map(str, numbers[:MOST_NAMED]))
    if len(numbers) > MOST_NAMED:
        named += f" and {len(numbers) - MOST_NAMED:,} more"
    is_ = "Part {} of {} is" if len(numbers) == 1 else "Parts {} of {} are"
    raise VitvizError(
        f"{is_.format(named, of)} {what}, in {out}.",
        f"Run vitviz batch ... --shard {numbers[0]}/{of} on any computer, and merge again.",
    )

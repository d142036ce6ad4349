"""A table of 100,000 photos in the real window: how long is the window away while it is used?

Run by hand: ``python -m tests.bench.bench_batch_table`` (or with ``--rows``). A line tells how long
one thing took and the gaps of the event loop meanwhile: the aim is none above 100 ms. "work" is
what the window's own thread did in a gap; the rest it waited for others on the same processors.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEventLoop, Qt, QTimer

from tests.heart import Heart
from vitviz.batch.journal import Entry
from vitviz.batch.table import columns, write_tables
from vitviz.gui.app import application
from vitviz.gui.batch.table import TableDialog

CLASSES = 1000


def write(folder: Path, rows: int) -> None:
    """A table as a batch writes it, of photos that there are not."""
    rng = np.random.default_rng(0)
    names = columns(5)

    def entry(number: int) -> Entry:
        values = {
            name: float(value) for name, value in zip(names, rng.random(len(names)), strict=True)
        }
        top = {f"top{k}": f"class {rng.integers(CLASSES)}, or another name" for k in range(1, 6)}
        row = {**values, **top, "width": 640, "height": 480, "notes": "", "target": "class 1"}
        error = "It is empty. Copy it again." if number % 50 == 0 else ""
        del row["photo"], row["sha256"], row["error"]
        return Entry(f"folder {number % 300}/IMG_{number:06}.jpg", 1, 1, f"{number:064}", {},
                     {} if error else row, error)  # fmt: skip

    write_tables(folder, lambda: map(entry, range(rows)), names)


def wait(until: Callable[[], bool], at_least_ms: int = 300) -> None:
    """Handles events until something is so, and a while longer: what follows counts, too."""
    loop, timer = QEventLoop(), QTimer()
    timer.timeout.connect(lambda: loop.quit() if until() else None)
    timer.start(10)
    loop.exec()
    QTimer.singleShot(at_least_ms, loop.quit)
    timer.stop()
    loop.exec()


def main() -> None:
    parser = argparse.ArgumentParser(description="A large table in the window")
    parser.add_argument("--rows", type=int, default=100_000)
    asked = parser.parse_args()
    app = application([])
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), asked.rows)
        measure(TableDialog(), Path(name), asked.rows)
    app.processEvents()


def measure(dialog: TableDialog, folder: Path, rows: int) -> None:
    dialog.show()
    heart = Heart()

    def idle() -> bool:
        return not dialog.desk.is_busy and not dialog._pause.isActive()

    def sort(name: str, order: Qt.SortOrder) -> None:
        assert dialog.table is not None
        dialog.lines.sortByColumn(dialog.table.names.index(name), order)

    def scroll() -> None:
        bar = dialog.lines.verticalScrollBar()
        for place in np.linspace(0, bar.maximum(), 20):
            bar.setValue(int(place))

    ascending, descending = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
    steps: dict[str, Callable[[], object]] = {
        "open": lambda: dialog.read(folder),
        "sort by a number": lambda: sort("maximum", descending),
        "sort by a class": lambda: sort("top1", ascending),
        "sort by name, backwards": lambda: sort("photo", descending),
        "filter by a class": lambda: dialog.filter.setText("class 77"),
        "filter by a name": lambda: dialog.filter.setText("img_0123"),
        "no filter": dialog.filter.clear,
        "failures only": lambda: dialog.failed.setChecked(True),
        "all again": lambda: dialog.failed.setChecked(False),
        "scroll through it": scroll,
    }
    print(f"{rows:,} rows\n{'':26}{'s':>7}  gaps in ms")
    for step, does in steps.items():
        heart.forget()
        heart.start()
        began = time.monotonic()
        does()
        wait(idle)
        heart.stop()
        print(f"{step:26}{time.monotonic() - began - 0.3:7.2f}  {heart.words()}", flush=True)
    dialog.end()


if __name__ == "__main__":
    main()

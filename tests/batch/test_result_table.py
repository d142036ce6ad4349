"""A table that is opened: exactly what was written, in any order."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.batch.test_batch_run import NAMES, batch, photos, silent, table
from vitviz.batch.job import Batch
from vitviz.batch.journal import Entry
from vitviz.batch.listing import JOURNAL
from vitviz.batch.result_table import (
    RUN,
    ResultTable,
    _sorted,
    arranged,
    key_of,
    read_table,
)
from vitviz.batch.run import run
from vitviz.batch.table import columns, write_tables
from vitviz.errors import Cancelled, VitvizError
from vitviz.progress import Progress, Stage

__all__ = ["batch", "photos"]


@pytest.fixture
def opened(batch: Batch) -> ResultTable:
    (batch.source / "in/broken.png").write_bytes(b"no photo")
    run(batch, silent)
    return read_table(batch.out)


def test_what_was_written(opened: ResultTable, batch: Batch) -> None:
    lines = table(batch.out)
    assert len(opened) == len(lines) == 7
    assert list(opened.names) == list(lines[0])
    for row, line in enumerate(lines):
        for name in opened.names:
            value = opened.cell(row, name)
            if isinstance(value, str):
                assert value == line[name]
            else:
                assert math.isnan(value) if line[name] == "" else value == float(line[name])
    assert opened.source == batch.source
    assert opened.work is not None
    assert opened.work.view == batch.session.view
    assert len(opened.work.sha256) == 64


def photos_of(opened: ResultTable, rows: object) -> list[str]:
    return [opened.texts["photo"][row] for row in rows]  # type: ignore[attr-defined]


def test_orders_and_filters(opened: ResultTable) -> None:
    every = [*NAMES[:4], "in/broken.png", *NAMES[4:]]
    assert photos_of(opened, arranged(opened)) == every
    assert photos_of(opened, arranged(opened, "IN/ a.PNG")) == ["in/a.png", "in/deeper/a.png"]
    assert photos_of(opened, arranged(opened, failed=True)) == ["in/broken.png"]
    assert photos_of(opened, arranged(opened, "no photo format")) == ["in/broken.png"]
    assert photos_of(opened, arranged(opened, column="photo", descending=True)) == every[::-1]
    for descending in (False, True):
        rows = arranged(opened, column="maximum", descending=descending)
        values = opened.numbers["maximum"][rows]
        assert np.isnan(values[-1]), "what is empty is last"
        assert list(values[:-1]) == sorted(values[:-1], reverse=descending)
        rows = arranged(opened, column="top1", descending=descending)
        texts = [opened.texts["top1"][row] for row in rows]
        assert texts[-1] == ""
        assert texts[:-1] == sorted(texts[:-1], key=str.casefold, reverse=descending)


@given(st.lists(st.text(max_size=3), max_size=40), st.booleans())
def test_texts_in_runs_are_sorted_as_at_once(cells: list[str], descending: bool) -> None:
    many = cells * (2 * RUN // max(len(cells), 1))
    rows = list(range(len(many)))
    ours = _sorted(many, rows, descending, lambda *_: None)
    # Python's own sort, stable in both directions.
    assert ours == sorted(rows, key=lambda r: (many[r].casefold(), many[r]), reverse=descending)


def test_it_can_be_cancelled(opened: ResultTable) -> None:
    def cancel(stage: Stage, fraction: float) -> None:
        raise Cancelled

    ways: list[Callable[[Progress], object]] = [
        lambda progress: read_table(opened.path, progress),
        lambda progress: arranged(opened, "x", progress=progress),
        lambda progress: arranged(opened, column="photo", progress=progress),
    ]
    for way in ways:
        with pytest.raises(Cancelled):
            way(cancel)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column “photo”"),
        ("a,b\n1,2\n", "no column “photo”"),
        ("photo,photo\n1,2\n", "twice"),
        ("photo,width\na.png\n", "line 2 has 1 cells, not 2"),
        ("photo,width\na.png,wide\n", "could not convert"),
        (f"photo\n{'x' * 200_000}\n", "field larger"),
    ],
)
def test_what_is_no_table(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    with pytest.raises(VitvizError, match=words):
        read_table(tmp_path)
    with pytest.raises(VitvizError, match="not a table of a batch"):
        read_table(tmp_path / "gone.csv")


def test_without_a_journal(opened: ResultTable) -> None:
    (opened.path.parent / JOURNAL).write_text("{}\n", encoding="utf-8")
    again = read_table(opened.path)
    assert (again.source, again.work) == (None, None)
    assert len(again) == 7


def test_names_with_escapes(batch: Batch) -> None:
    strange = ("=1+1.png", "it's.png")
    for name in strange:
        (batch.source / "a.png").rename(batch.source / name)
        (batch.source / "a.png").write_bytes((batch.source / name).read_bytes())
    run(batch, silent)
    opened = read_table(batch.out)
    assert {key_of(opened, row) for row in range(len(opened))} >= set(strange)
    assert "'=1+1.png" in opened.texts["photo"]
    (batch.out / JOURNAL).unlink()
    with pytest.raises(VitvizError, match="journal"):
        key_of(opened, opened.texts["photo"].index("'=1+1.png"))  # type: ignore[attr-defined]


def test_an_empty_table(tmp_path: Path) -> None:
    write_tables(tmp_path, lambda: list[Entry](), columns(5))
    opened = read_table(tmp_path)
    assert len(arranged(opened, "x", column="photo")) == len(opened) == 0
    assert len(arranged(opened, column="maximum")) == 0

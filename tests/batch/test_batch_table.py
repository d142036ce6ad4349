"""The table says what the journal has, as CSV and as Parquet; progress in words."""

from __future__ import annotations

import csv
import importlib.util
import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.hostile import steering
from tests.samples import request_for
from vitviz.batch.job import SettingsChanged
from vitviz.batch.journal import Entry, opened
from vitviz.batch.listing import JOURNAL
from vitviz.batch.progress import BatchProgress
from vitviz.batch.table import columns, trust_row, write_tables
from vitviz.engine.engine import Engine
from vitviz.engine.requests import TrustRequest
from vitviz.errors import VitvizError
from vitviz.progress import Stage

ENTRIES = [
    Entry("a, b.jpg", 10, 1, "ab" * 32, {}, {
        "width": 60, "height": 40, "top1": "cat", "top1_index": 3, "top1_probability": 0.25,
        "entropy": 0.123456789, "maximum_x": 12.5, "notes": 'rotated; "odd"',
    }),
    Entry("in/ünï\ncode.jpg", 10, 1, error="It is empty."),
    Entry("not\udcfftext.jpg", 10, 1, "cd" * 32, {}, {"width": 1, "height": 2}),
]  # fmt: skip


def test_csv_reads_back(tmp_path: Path) -> None:
    names = columns(1)
    written = write_tables(tmp_path, lambda: ENTRIES, names)
    assert written[0] == tmp_path / "table.csv"
    with written[0].open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == names
    assert [line["photo"] for line in lines] == [
        "a, b.jpg",
        "in/ünï\ncode.jpg",
        "not\\udcfftext.jpg",
    ]
    assert lines[0]["top1_probability"] == "0.25"
    assert lines[0]["entropy"] == "0.123456789"
    assert lines[0]["notes"] == 'rotated; "odd"'
    assert lines[0]["error"] == lines[0]["target"] == ""
    assert lines[1]["error"] == "It is empty."
    assert lines[1]["width"] == ""


def test_no_cell_is_a_formula_and_numbers_stay_numbers(tmp_path: Path) -> None:
    values = {"top1": "=HYPERLINK(1)", "top1_probability": -0.5, "minimum": -1.5,
              "notes": "@x;=y", "target": "\t=1\x1b[2J"}  # fmt: skip
    entry = Entry("-1.jpg", 10, 1, "ab" * 32, {}, {"width": 1, "height": 2, **values}, "+\u202e")
    (path, *_) = write_tables(tmp_path, lambda: [entry], columns(1))
    assert not steering(path.read_text(encoding="utf-8"))
    with path.open(encoding="utf-8", newline="") as file:
        (line,) = csv.DictReader(file)
    assert line["photo"] == "'-1.jpg"
    assert line["top1"] == "'=HYPERLINK(1)"
    assert (line["top1_probability"], line["minimum"], line["width"]) == ("-0.5", "-1.5", "1")
    assert line["notes"] == "'@x;'=y"
    assert line["target"] == "'\\t=1\\x1b[2J"
    assert line["error"] == "'+\\u202e"


def test_columns_of_no_classes() -> None:
    assert not [name for name in columns(0) if name.startswith("top1")]
    assert "top_tenth" in columns(0)


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is optional")
def test_parquet_has_the_same_with_types(tmp_path: Path) -> None:
    from pyarrow import parquet

    write_tables(tmp_path, lambda: ENTRIES, columns(1))
    table = parquet.read_table(tmp_path / "table.parquet")
    assert tuple(table.column_names) == columns(1)
    kinds = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert kinds["photo"] == kinds["top1"] == kinds["error"] == "string"
    assert kinds["width"] == kinds["top1_index"] == "int64"
    assert kinds["top1_probability"] == kinds["top_tenth"] == kinds["entropy"] == "double"
    first, second, third = table.to_pylist()
    assert first["entropy"] == 0.123456789
    assert first["top1_index"] == 3
    assert second["width"] is None
    assert third["photo"] == "not\\udcfftext.jpg"


def test_without_pyarrow_there_is_only_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert write_tables(tmp_path, lambda: ENTRIES, columns(1)) == [tmp_path / "table.csv"]
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_the_journal_gives_back_what_it_was_given(tmp_path: Path) -> None:
    settings = {"model": "small", "view": {"layer": 1}}
    with opened(tmp_path / "new" / "out", settings) as journal:
        places = [journal.append(entry) for entry in ENTRIES]
        assert list(journal.entries(reversed(places))) == ENTRIES[::-1]
        assert journal.find("nothing.jpg") is None
        later = Entry(ENTRIES[1].photo, 11, 2, "ef" * 32)
        place = journal.append(later)
    with opened(tmp_path / "new" / "out", settings) as journal:
        assert journal.find(later.photo) == (place, later)
        assert journal.find(ENTRIES[0].photo) == (places[0], ENTRIES[0])


def test_a_line_that_is_damaged_is_left_out(tmp_path: Path) -> None:
    with opened(tmp_path, {}) as journal:
        places = [journal.append(entry) for entry in ENTRIES]
    content = bytearray((tmp_path / JOURNAL).read_bytes())
    content[places[1]] = ord("?")
    (tmp_path / JOURNAL).write_bytes(content)
    with opened(tmp_path, {}) as journal:
        assert journal.find(ENTRIES[1].photo) is None
        assert journal.find(ENTRIES[2].photo) == (places[2], ENTRIES[2])


def test_a_line_of_other_types_is_left_out(tmp_path: Path) -> None:
    line = json.loads(json.dumps(asdict(ENTRIES[0])))
    lines = [line | change for change in ({"bytes": "10"}, {"row": [1]}, {"files": {"a": True}},
                                          {"more": 1}, {"photo": 3})]  # fmt: skip
    with opened(tmp_path, {}) as journal:
        journal.append(ENTRIES[1])
    with (tmp_path / JOURNAL).open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    with opened(tmp_path, {}) as journal:
        assert journal.find(ENTRIES[0].photo) is None
        assert journal.find(ENTRIES[1].photo) is not None


def test_infinite_numbers_and_odd_errors_come_back(tmp_path: Path) -> None:
    with opened(tmp_path, {}) as journal:
        place = journal.append(Entry("a.jpg", row={"maximum": math.inf}, error="bad\0byte"))
        assert journal.at(place).row == {"maximum": math.inf}
        assert journal.at(place).error == "bad byte"
    with opened(tmp_path, {}) as journal:
        assert journal.find("a.jpg") == (place, journal.at(place))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "{}",
        "[1]",
        "nonsense",
        '{"vitviz batch": 99}',
        '{"vitviz batch": 1}',
        '{"vitviz batch": 1, "settings": 3}',
    ],
)
def test_a_journal_that_is_none(tmp_path: Path, header: str) -> None:
    (tmp_path / JOURNAL).write_text(f"{header}\n{json.dumps({'photo': 'x'})}\n", encoding="utf-8")
    with pytest.raises(SettingsChanged, match="damaged, or of another version"):
        opened(tmp_path, {})
    with opened(tmp_path, {}, restart=True) as journal:
        assert journal.find("x") is None


def test_settings_are_compared_one_by_one(tmp_path: Path) -> None:
    with opened(tmp_path, {"a": {"b": 1, "c": (1, 2)}, "d": "x"}) as journal:
        journal.append(ENTRIES[0])
    with opened(tmp_path, {"a": {"b": 1, "c": [1, 2]}, "d": "x"}):
        pass
    with pytest.raises(SettingsChanged) as refused:
        opened(tmp_path, {"a": {"b": 2, "c": (1, 2)}, "e": None, "d": ""})
    assert refused.value.differences == ("a.b was 1 and is 2", 'd was x and is ""')


def test_a_folder_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(VitvizError, match="holds other files"):
        opened(tmp_path, {})


def test_progress_in_words() -> None:
    assert BatchProgress(Stage("loading_model")).words == "Loading the model…"
    assert BatchProgress(done=3).words == "3"
    full = BatchProgress(None, 1412, 10000, 3, 8.125, 1057.0)
    assert full.words == "1,412 of 10,000 · 3 failed · 8.12 photos/s · 17 min 37 s left"


def test_the_columns_of_trust_are_those_of_the_line(photo: Path, checkpoint: Path) -> None:
    engine = Engine()
    trust = engine.answer(TrustRequest(request_for(photo, checkpoint), orders=10))
    found = trust_row(trust)
    assert found["trust_gain"] == trust.judgement.gain
    assert found["trust_orders"] == 10
    assert found["trust_verdict"] in ("better", "chance", "worse")
    assert set(found) <= set(columns(0, trust=True)) - set(columns(0))

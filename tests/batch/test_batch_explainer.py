"""The engine-free core: a spec as JSON, and bytes to rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.batch.test_batch_run import NAMES, batch, elsewhere, photos, silent, table
from vitviz.batch import spec
from vitviz.batch.explainer import Explainer
from vitviz.batch.job import Batch, BatchRefused, Outputs
from vitviz.batch.run import run
from vitviz.batch.spec import WorkSpec
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.errors import VitvizError
from vitviz.session.state import PhotoRef, View

__all__ = ["batch", "photos"]


@pytest.fixture
def work(batch: Batch) -> WorkSpec:
    return replace(batch, outputs=Outputs(map="none", classes=3, maps=True)).spec


def items(photos: Path) -> list[dict[str, Any]]:
    return [{"key": name, "bytes": (photos / name).read_bytes()} for name in NAMES]


def test_rows_are_those_of_the_local_run(batch: Batch, work: WorkSpec) -> None:
    rows = Explainer(work, "cpu", threads=2)(items(batch.source))
    run(replace(batch, outputs=work.outputs), silent)
    engine = Engine()
    for row, line in zip(rows, table(batch.out), strict=True):
        assert row["photo"] == row["key"] == line["photo"]
        said = {k: v for k, v in row.items() if k not in ("key", "map")}
        assert list(said) == list(line)
        for name, value in said.items():
            shown = f"{value:.9g}" if isinstance(value, float) else "" if value is None else value
            assert str(shown) == line[name]
        session = replace(batch.session, photos=(PhotoRef(str(batch.source / row["key"])),))
        heat = engine.answer(plan(session, "cpu")[0]).heat_map(session.view)
        assert all(isinstance(value, np.float16) for value in row["map"])
        assert (row["map_rows"], row["map_columns"]) == heat.values.shape == (3, 5)
        whole = np.array(row["map"], np.float64).reshape(3, 5) * row["map_scale"]
        # Half a unit in the last of the 11 digits of float16, of the greatest value.
        assert np.abs(whole - heat.values).max() <= row["map_scale"] * 2.0**-12
        assert tuple(row[f"map_{side}"] for side in ("left", "top", "right", "bottom")) == (
            heat.geometry.window
        )


def test_maps_in_the_table(batch: Batch, work: WorkSpec) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = Explainer(work, "cpu")(items(batch.source))
    run(replace(batch, outputs=work.outputs), silent)
    read = parquet.read_table(batch.out / "table.parquet")
    assert str(read.schema.field("map").type).startswith("list<")
    for row, line in zip(rows, read.to_pylist(), strict=True):
        assert [float(value) for value in line["map"]] == [float(value) for value in row["map"]]
        assert line["map_scale"] == row["map_scale"]


def test_an_error_instead_of_an_exception(work: WorkSpec, photos: Path) -> None:
    good = items(photos)[0]
    cut = {"key": "in/cut.png", "bytes": good["bytes"][:80]}
    rows = Explainer(work, "cpu")([cut, {"key": "x", "bytes": b""}, good])
    assert [bool(row["error"]) for row in rows] == [True, True, False]
    assert rows[0]["error"].startswith("cut.png ")
    assert rows[0]["map"] is rows[0]["width"] is None
    assert list(rows[0]) == list(rows[2])


def test_what_exists_for_no_photo_is_refused(work: WorkSpec, photos: Path) -> None:
    with pytest.raises(BatchRefused, match="no layer 8"):
        Explainer(replace(work, view=View("attention", layer=7)), "cpu")(items(photos))


def test_nothing_is_kept_of_photos_that_are_done(work: WorkSpec, photos: Path) -> None:
    explainer = Explainer(work, "cpu")
    explainer(items(photos))
    engine = explainer._engine
    assert engine._seen == {}
    assert engine._traces.held == engine._explanations.held == 0


def test_maps_that_refer_to_another_photo(work: WorkSpec, photos: Path) -> None:
    other = PhotoRef(str(photos / "in10/c.png"))
    view = View("similarity", layer=1, query=(24.0, 24.0), reference=(other,))
    explainer = Explainer(replace(work, view=view), "cpu", threads=2)
    rows, engine = explainer(items(photos)), Engine()
    for row in rows:
        assert row["error"] == ""
        session = replace(explainer.spec.session, photos=(PhotoRef(str(photos / row["key"])),))
        heat = engine.answer(plan(session, "cpu")[0]).heat_map(view)
        assert row["maximum"] == pytest.approx(float(heat.values.max()), rel=1e-6)
    assert set(explainer._engine._seen) <= {other}


def test_no_photo_but_the_one_in_hand(work: WorkSpec) -> None:
    hand = Explainer(work, "cpu")._photos
    with pytest.raises(LookupError):
        hand.get(PhotoRef("elsewhere.png"), (0, 0, 0))


def test_there_and_back(work: WorkSpec, tmp_path: Path) -> None:
    some = replace(
        work, said=("heads=3", "grid=3x5"), names=("bear", "фокс"), background=(1, 2, 3),
        view=View("rollout", (("discard", 0.5),), query=((1.0, 2.0), (3.0, 4.0)), target=4),
        max_pixels=None,
    )  # fmt: skip
    spec.save(some, tmp_path / "work.json")
    assert spec.read(tmp_path / "work.json") == some
    json.loads((tmp_path / "work.json").read_text(encoding="utf-8"))


def test_another_model_is_refused(work: WorkSpec, batch: Batch, tmp_path: Path) -> None:
    card = Explainer(work, "cpu").model.card
    meant = work.of_model(card)
    assert meant.sha256 == card.sha256
    assert Path(meant.model).is_absolute()
    Explainer(meant, "cpu")
    other = replace(meant, sha256="0" * 64)
    with pytest.raises(VitvizError, match=r"begins with 000000000000; those of .* begin with"):
        Explainer(other, "cpu")
    with pytest.raises(VitvizError, match="begins with 0000"):
        run(replace(elsewhere(batch), sha256="0" * 64), silent)
    assert not elsewhere(batch).out.exists()


def changed(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data.update(fields)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed(extra=1), "fields that vitviz does not know"),
        (lambda data: data.pop("view"), '"view" is missing'),
        (changed(**{"vitviz work": 9}), "version 9"),
        (lambda data: data.pop("vitviz work"), 'no field "vitviz work"'),
        (changed(said=["names=/etc/passwd"]), "names of classes"),
        (changed(said=["heads=x"]), "must be a whole number"),
        (changed(background=[1, 2, 300]), r"background\[2\]"),
        (lambda data: data["outputs"].update(classes=10**6), '"outputs.classes"'),
        (lambda data: data["view"].update(method="magic"), "no method"),
        (lambda data: data["view"].update(query="../x"), "view.query"),
        (lambda data: data["view"].update(layer="last"), '"view.layer"'),
        (changed(model=3), '"model" must be'),
        (
            lambda data: data["view"].update(
                reference=[{"path": "//evil/x.png", "frame": 0, "allow_large": False}]
            ),
            "on another computer",
        ),
    ],
)
def test_specs_that_are_none(
    work: WorkSpec, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    data = json.loads(spec.to_json(work))
    change(data)
    with pytest.raises(VitvizError, match="not a work spec of vitviz") as refused:
        spec.from_json(json.dumps(data))
    import re

    assert re.search(words, refused.value.message)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 5000, "\x00"])
def test_texts_that_are_no_spec(text: str) -> None:
    with pytest.raises(VitvizError, match="not a work spec"):
        spec.from_json(text)


def test_a_file_that_is_no_spec(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    with pytest.raises(VitvizError, match="not a work spec"):
        spec.read(tmp_path / "x")
    with pytest.raises(VitvizError, match="not a file"):
        spec.read(tmp_path)
    with pytest.raises(VitvizError, match="cannot be read"):
        spec.read(tmp_path / "gone")

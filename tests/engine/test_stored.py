"""Answers of last time: the same as the live ones, and given to nothing but what they are of."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from tests.samples import CARD, request_for, save_checkpoint, save_photo
from vitviz.engine import stored
from vitviz.engine.answers import Cell
from vitviz.engine.engine import Engine
from vitviz.engine.requests import ExplainRequest
from vitviz.engine.stored import StoredAnswers, decoded, encoded, is_same
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import InputChoice
from vitviz.imaging.samples import sample_photos
from vitviz.models.card import to_json
from vitviz.models.loading import bundled
from vitviz.probing.ablation import Ablation
from vitviz.session.state import View

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def answers(tmp_path: Path) -> StoredAnswers:
    return StoredAnswers(tmp_path / "answers")


@pytest.fixture
def cell(engine: Engine, photo: Path, checkpoint: Path) -> Cell:
    return engine.answer(request_for(photo, checkpoint))


def photo_of(engine: Engine, request: ExplainRequest) -> Photo:
    return engine.photos.get(request.photo, request.background)


VIEWS = [
    View(),
    View(direction="to"),
    View("rollout", params=(("discard", 0.5),)),
    View("relevance", target=3, contrast=1),
    View("libragrad"),
    View("outliers"),
]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.method)
def test_what_is_kept_is_found_again_the_same(
    engine: Engine, answers: StoredAnswers, photo: Path, checkpoint: Path, view: View
) -> None:
    live = engine.answer(request_for(photo, checkpoint, view))
    answers.keep(live, photo_of(engine, live.request))
    found = answers.find(live.request, photo_of(engine, live.request))
    assert found is not None
    assert found.recalled == "last time"
    assert is_same(live, found)
    for layer, maps in live.explanation.by_layer.items():
        np.testing.assert_array_equal(found.explanation.by_layer[layer].values, maps.values)
    assert (found.geometry, found.layout, found.card) == (live.geometry, live.layout, live.card)
    np.testing.assert_array_equal(found.input_pixels, live.input_pixels)
    assert found.explanation.completeness == live.explanation.completeness


@pytest.mark.parametrize(
    "change",
    [
        {"method": "rollout", "head": "mean"},
        {"params": (("discard", 0.5),)},
        {"head": 1},
        {"query": (30.0, 20.0)},
        {"direction": "to"},
        {"background": (0, 0, 0)},
        {"input": InputChoice("whole photo")},
        {"target": 2},
        {"ablation": Ablation(heads=((0, 1),))},
    ],
    ids=str,
)
def test_another_choice_has_another_answer(
    engine: Engine, answers: StoredAnswers, cell: Cell, change: dict[str, Any]
) -> None:
    seen = photo_of(engine, cell.request)
    answers.keep(cell, seen)
    assert answers.find(replace(cell.request, **change), seen) is None


def test_files_are_known_by_what_is_in_them(
    engine: Engine, answers: StoredAnswers, photo: Path, tmp_path: Path
) -> None:
    checkpoint = save_checkpoint(tmp_path / "own.safetensors")
    cell = engine.answer(request_for(photo, checkpoint))
    seen = photo_of(engine, cell.request)
    answers.keep(cell, seen)
    other = save_photo(tmp_path / "other.png", 5)
    request = request_for(other, checkpoint)
    assert answers.find(request, photo_of(engine, request)) is None
    data = bytearray(checkpoint.read_bytes())
    data[-1] ^= 1
    checkpoint.write_bytes(data)
    assert answers.find(cell.request, seen) is None


def test_a_card_that_was_edited_since_counts(
    engine: Engine, answers: StoredAnswers, photo: Path, tmp_path: Path
) -> None:
    checkpoint = save_checkpoint(tmp_path / "own.safetensors")
    cell = engine.answer(request_for(photo, checkpoint))
    seen = photo_of(engine, cell.request)
    answers.keep(cell, seen)
    checkpoint.with_suffix(".json").write_text(to_json(replace(CARD, title="Other")), "utf-8")
    assert answers.find(cell.request, seen) is None


@pytest.mark.parametrize("of", ["version", "machine"])
def test_those_of_another_version_or_machine_are_not_taken(
    engine: Engine, answers: StoredAnswers, cell: Cell, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    seen = photo_of(engine, cell.request)
    answers.keep(cell, seen)
    if of == "version":
        monkeypatch.setattr(stored, "__version__", "0.0.0")
    else:
        monkeypatch.setattr(stored, "_machine", lambda: "Plan 9")
    assert answers.find(cell.request, seen) is None


def spoilt(data: bytes) -> Iterator[bytes]:
    """Files that are no answers."""
    yield data[: len(data) // 2]
    yield b""
    yield b"\xff" * 8 + data[8:]
    (length,) = np.frombuffer(data[:8], "<u8")
    header = json.loads(data[8 : 8 + int(length)])["__metadata__"]
    record, arrays = json.loads(header["record"]), load(data)

    def with_record(**fields: Any) -> bytes:
        return bytes(save(arrays, {"record": json.dumps(record | fields)}))

    yield with_record(kind="vitviz answer 2")
    yield with_record(card="{}")
    yield with_record(forward_s="soon")
    yield with_record(more=1)
    yield bytes(save(arrays))
    yield bytes(save({}, header))
    maps = arrays["maps 0"]
    yield bytes(save(arrays | {"maps 0": maps[:, 1:].copy()}, header))
    yield bytes(save(arrays | {"maps 0": maps * np.float32(np.nan)}, header))
    yield bytes(save(arrays | {"maps 9": maps}, header))
    yield bytes(save(arrays | {"maps -": maps}, header))
    yield bytes(save(arrays | {"probabilities": arrays["probabilities"][1:].copy()}, header))


def test_a_file_that_is_no_answer_is_deleted(
    engine: Engine, answers: StoredAnswers, cell: Cell, tmp_path: Path
) -> None:
    seen = photo_of(engine, cell.request)
    answers.keep(cell, seen)
    (path,) = (tmp_path / "answers").iterdir()
    for number, data in enumerate(spoilt(path.read_bytes())):
        path.write_bytes(data)
        assert answers.find(cell.request, seen) is None, number
        assert not path.exists()


def test_only_the_latest_are_kept(
    engine: Engine, answers: StoredAnswers, photo: Path, checkpoint: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(stored, "MOST_ANSWERS", 2)
    cells = [engine.answer(request_for(photo, checkpoint, view)) for view in VIEWS[:3]]
    for cell in cells:
        answers.keep(cell, photo_of(engine, cell.request))
    assert len(list((tmp_path / "answers").iterdir())) == 2


def test_what_is_taken_from_a_network_is_not_kept(
    engine: Engine, photo: Path, checkpoint: Path
) -> None:
    view = View(ablation=Ablation(heads=((0, 1),)))
    cell = engine.answer(request_for(photo, checkpoint, view))
    assert encoded(cell, photo_of(engine, cell.request)) is None


def test_a_live_answer_that_differs_is_noticed(engine: Engine, cell: Cell) -> None:
    seen = photo_of(engine, cell.request)
    data = encoded(cell, seen)
    assert data is not None
    again = decoded(data, cell.request, seen)
    assert again is not None
    assert is_same(cell, again, 1e-4)
    values = again.explanation.by_layer[1].values
    values.flags.writeable = True
    values[np.unravel_index(values.argmax(), values.shape)] *= np.float32(1.001)
    assert not is_same(cell, again, 1e-4)


FIND = """
import sys
from pathlib import Path
from vitviz.engine.photos import PhotoCache
from vitviz.engine.plan import plan
from vitviz.engine.stored import StoredAnswers
from vitviz.imaging.samples import sample_photos
from vitviz.models.loading import bundled
from vitviz.session.state import PhotoRef, Session
(request,) = plan(Session((PhotoRef(str(sample_photos()[0])),), model=bundled()[0].id))
photo = PhotoCache().get(request.photo, request.background)
assert StoredAnswers(Path(sys.argv[1])).find(request, photo) is not None
assert "torch" not in sys.modules
"""


def test_finding_one_does_not_load_torch(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", FIND, str(tmp_path)], cwd=REPOSITORY, check=True)


def first_request(number: int) -> ExplainRequest:
    """What the window asks of a sample photo when nothing was chosen yet."""
    return request_for(sample_photos()[number], Path(bundled()[0].id))


@pytest.mark.parametrize("number", range(len(sample_photos())))
def test_those_that_come_with_the_program_are_what_the_model_says(
    engine: Engine, answers: StoredAnswers, number: int
) -> None:
    request = first_request(number)
    found = answers.find(request, photo_of(engine, request))
    assert found is not None, "renew them: python tools/keep_answers.py"
    assert is_same(found, engine.answer(request), 1e-4)

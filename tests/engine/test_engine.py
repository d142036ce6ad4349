"""Requests are answered, once each, and from the right photo."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import save_file

from tests.models.networks import SMALL, random_network
from tests.samples import CARD, request_for, save_photo
from vitviz.engine import engine as module
from vitviz.engine.answers import top_classes
from vitviz.engine.engine import Engine
from vitviz.engine.requests import ExplainRequest, StatesRequest
from vitviz.errors import Cancelled, NotEnoughMemory, PhotoError, VitvizError
from vitviz.imaging.preprocess import InputChoice
from vitviz.maps.outliers import outlying
from vitviz.models.card import to_json
from vitviz.progress import Stage
from vitviz.session.state import PhotoRef, View
from vitviz.tracing import run as run_module
from vitviz.tracing.aim import Aim


class Counts:
    """How often the expensive things were done."""

    loads = forwards = explanations = 0


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    counts = Counts()

    def counted(owner: Any, name: str, what: str) -> None:
        original = getattr(owner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            setattr(counts, what, getattr(counts, what) + 1)
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, call)

    counted(module, "load_model", "loads")
    counted(run_module, "run", "forwards")
    counted(module, "explain", "explanations")
    return counts


@pytest.fixture
def request_(photo: Path, checkpoint: Path) -> ExplainRequest:
    return request_for(photo, checkpoint, View("rollout"))


def done(counts: Counts) -> tuple[int, int, int]:
    return counts.loads, counts.forwards, counts.explanations


def test_a_cell_holds_what_was_asked(request_: ExplainRequest) -> None:
    cell = Engine().answer(request_)
    assert cell.request == request_
    assert cell.card.title == "Small"
    assert cell.geometry.grid == (3, 5)
    assert cell.layout.prefix == ("cls", "reg1", "reg2")
    assert (cell.query_tokens, cell.patches_of_query(0)) == ((0,), ())
    assert cell.input_pixels.shape == (12, 20, 3)
    assert cell.device == "cpu"
    assert cell.forward_s > 0
    assert cell.method_s > 0
    assert cell.probabilities is not None
    assert cell.probabilities.shape == (7,)
    assert cell.probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert cell.heat_map(View("rollout")).values.shape == (3, 5)


def test_the_same_question_computes_nothing_again(request_: ExplainRequest, counts: Counts) -> None:
    engine = Engine()
    first = engine.answer(request_)
    assert done(counts) == (1, 1, 1)
    second = engine.answer(request_)
    assert done(counts) == (1, 1, 1)
    assert second.explanation is first.explanation


@pytest.mark.parametrize(
    "change",
    [
        {"method": "attention", "head": None},
        {"params": (("discard", 0.5),)},
        {"head": 1},
        {"query": (30.0, 20.0)},
    ],
    ids=str,
)
def test_another_view_does_not_run_the_network(
    request_: ExplainRequest, counts: Counts, change: dict[str, Any]
) -> None:
    engine = Engine()
    engine.answer(request_)
    engine.answer(replace(request_, **change))
    assert done(counts) == (1, 1, 2)
    engine.answer(request_)
    assert done(counts) == (1, 1, 2)


@pytest.mark.parametrize(
    "change", [{"input": InputChoice("whole photo")}, {"background": (0, 0, 0)}], ids=str
)
def test_another_input_runs_the_network(
    request_: ExplainRequest, counts: Counts, change: dict[str, Any]
) -> None:
    engine = Engine()
    engine.answer(request_)
    engine.answer(replace(request_, **change))
    assert done(counts) == (1, 2, 2)
    engine.answer(request_)
    assert done(counts) == (1, 2, 2)


def test_two_points_on_one_patch_are_one_question(request_: ExplainRequest, counts: Counts) -> None:
    engine = Engine()
    cells = [engine.answer(replace(request_, query=(x, 20.0))) for x in (29.0, 31.0)]
    assert done(counts) == (1, 1, 1)
    assert [cell.request.query for cell in cells] == [(29.0, 20.0), (31.0, 20.0)]
    assert cells[0].patches_of_query(0) == cells[1].patches_of_query(0) == ((1, 2),)


def test_another_photo_of_the_same_name_is_another(
    tmp_path: Path, checkpoint: Path, counts: Counts
) -> None:
    engine, cells = Engine(), []
    for folder, seed in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        cells.append(
            engine.answer(
                request_for(save_photo(tmp_path / folder / "photo.png", seed), checkpoint)
            )
        )
    assert cells[0].photo_sha256 != cells[1].photo_sha256
    assert (cells[0].explanation.values != cells[1].explanation.values).any()
    assert counts.forwards == 2


def test_a_photo_that_was_written_anew_is_looked_at_anew(
    photo: Path, request_: ExplainRequest, counts: Counts
) -> None:
    engine = Engine()
    before = engine.answer(request_)
    save_photo(photo, 2, (60, 40))
    os.utime(photo, ns=(1, 1))
    after = engine.answer(request_)
    assert (before.geometry.photo_size, after.geometry.photo_size) == ((40, 60), (60, 40))
    assert done(counts) == (1, 2, 2)


def test_a_copy_of_a_photo_is_the_same_photo(
    tmp_path: Path, photo: Path, checkpoint: Path, counts: Counts
) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes(photo.read_bytes())
    engine = Engine()
    engine.answer(request_for(photo, checkpoint))
    engine.answer(request_for(copy, checkpoint))
    assert done(counts) == (1, 1, 1)


def test_a_checkpoint_that_was_written_anew_is_loaded_anew(
    tmp_path: Path, photo: Path, checkpoint: Path, counts: Counts
) -> None:
    own = tmp_path / "own.safetensors"
    own.write_bytes(checkpoint.read_bytes())
    own.with_suffix(".json").write_bytes(checkpoint.with_suffix(".json").read_bytes())
    engine, request = Engine(), request_for(photo, own)
    engine.answer(request)
    os.utime(own, ns=(1, 1))
    engine.answer(request)
    assert done(counts) == (2, 1, 1)  # the same bytes after all: their traces are good


def short_of_memory(needed: int, available: int) -> NotEnoughMemory:
    return NotEnoughMemory("no", "hint", needed_bytes=needed, available_bytes=available)


def test_short_of_memory_the_engine_forgets_and_tries_again(
    request_: ExplainRequest, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    engine.answer(request_)
    errors = [short_of_memory(1000, 999)]
    explain = module.explain

    def once(*arguments: Any) -> Any:
        if errors:
            raise errors.pop()
        return explain(*arguments)

    monkeypatch.setattr(module, "explain", once)
    cell = engine.answer(replace(request_, head="max"))
    assert cell.explanation.head == "max"
    assert (counts.loads, counts.forwards) == (2, 2)


def test_what_can_never_fit_is_not_tried_again(
    request_: ExplainRequest, counts: Counts, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine()
    engine.answer(request_)

    def never(*arguments: Any) -> Any:
        raise short_of_memory(1 << 40, 1000)

    with monkeypatch.context() as patch:
        patch.setattr(module, "explain", never)
        with pytest.raises(NotEnoughMemory):
            engine.answer(replace(request_, head="max"))
    assert done(counts) == (1, 1, 1)
    engine.answer(request_)  # nothing is lost but time: everything was forgotten
    assert done(counts) == (2, 2, 2)


def test_memory_that_runs_out_in_a_method_is_said_in_words(
    request_: ExplainRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(*arguments: Any) -> Any:
        raise MemoryError

    method = replace(module.METHODS["rollout"], explain=greedy)
    monkeypatch.setitem(module.METHODS, "rollout", method)
    with pytest.raises(NotEnoughMemory, match="18 tokens"):
        Engine().answer(request_)


def test_cancelling_leaves_an_engine_that_answers(request_: ExplainRequest) -> None:
    engine, stages = Engine(), list[Stage]()

    def cancel_at_the_second_block(stage: Stage, fraction: float) -> None:
        stages.append(stage)
        if stage == Stage("block", 1, 2):
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.answer(request_, cancel_at_the_second_block)
    assert stages[0] == Stage("opening_photo")
    assert engine.answer(request_).geometry.grid == (3, 5)


def test_a_missing_photo_is_a_photo_error(tmp_path: Path, checkpoint: Path) -> None:
    with pytest.raises(PhotoError):
        Engine().answer(request_for(tmp_path / "none.png", checkpoint))


def test_a_missing_model_is_a_refusal(photo: Path, request_: ExplainRequest) -> None:
    with pytest.raises(VitvizError):
        Engine().answer(replace(request_, model="none.pth"))


def test_the_best_classes_come_first_and_unknown_ones_by_number(request_: ExplainRequest) -> None:
    cell = Engine().answer(request_)
    assert cell.probabilities is not None
    best = top_classes(cell, 3)
    order = np.argsort(-cell.probabilities)
    assert [name for name, _ in best] == [f"class {i}" for i in order[:3]]
    assert [p for _, p in best] == [float(cell.probabilities[i]) for i in order[:3]]
    assert len(top_classes(cell, 100)) == SMALL.classes
    assert top_classes(replace(cell, probabilities=None), 3) == []


def test_an_allowed_large_photo_is_the_same_photo(
    photo: Path, request_: ExplainRequest, counts: Counts
) -> None:
    engine = Engine()
    engine.answer(request_)
    engine.answer(replace(request_, photo=PhotoRef(str(photo), allow_large=True)))
    assert done(counts) == (1, 1, 1)


ABOUT = View("relevance", target=3)


@pytest.mark.parametrize("method", ["relevance", "gradient-rollout", "attention-grad-cam"])
def test_every_class_has_its_map_and_none_means_the_most_probable(
    photo: Path, checkpoint: Path, counts: Counts, method: str
) -> None:
    engine, request = Engine(), request_for(photo, checkpoint, replace(ABOUT, method=method))
    cells = [engine.answer(replace(request, target=target)) for target in (3, 4, None, 99)]
    assert cells[0].probabilities is not None
    best = int(cells[0].probabilities.argmax())
    assert [cell.target for cell in cells] == [3, 4, best, best]
    assert counts.forwards == 1
    assert counts.explanations == len({3, 4, best})
    assert (cells[0].explanation.values != cells[1].explanation.values).any()
    assert cells[2].explanation is cells[3].explanation


def test_a_map_about_no_class(request_: ExplainRequest) -> None:
    assert Engine().answer(request_).target is None


def test_what_is_remembered_keeps_no_network(photo: Path, checkpoint: Path) -> None:
    """Traces are kept longer than models; their gradients count as theirs."""
    engine, request = Engine(), request_for(photo, checkpoint, ABOUT)
    before = engine.answer(replace(request, method="rollout", target=None))
    held = engine._traces.held
    engine.answer(request)
    ((trace, _),) = engine._traces._values.values()
    assert trace.network is None
    assert list(trace.known) == [Aim(3)]
    tokens, numbers = before.layout.tokens, SMALL.depth * SMALL.width
    assert engine._traces.held - held == 2 * 4 * tokens * numbers


def test_what_is_known_of_closed_photos_is_forgotten(
    tmp_path: Path, photo: Path, checkpoint: Path
) -> None:
    engine = Engine()
    other, copy = save_photo(tmp_path / "other.png", 5), tmp_path / "copy.png"
    copy.write_bytes(photo.read_bytes())
    asked = [request_for(path, checkpoint, ABOUT) for path in (photo, other, copy)]
    for request in asked:
        engine.answer(request)
    assert (len(engine._traces._values), len(engine._explanations._values)) == (2, 2)
    both = engine._traces.held, engine._explanations.held
    paths = [request.photo.path for request in asked]
    engine.keep({paths[1], paths[2]}, {asked[1].photo})
    assert (engine._traces.held, engine._explanations.held) == both, "a copy of it is still open"
    engine.keep({paths[1]}, {asked[1].photo})
    assert len(engine._traces._values) == len(engine._explanations._values) == 1
    assert engine.answer(asked[1]).photo_sha256 == next(iter(engine._traces._values))[0]
    engine.keep((), ())
    assert engine._traces.held == engine._explanations.held == 0


def test_a_model_without_classes_refuses_a_method_about_one(tmp_path: Path, photo: Path) -> None:
    config = replace(SMALL, classes=0)
    path = tmp_path / "headless.safetensors"
    save_file(dict(random_network(config).state_dict()), path)
    path.with_suffix(".json").write_text(to_json(replace(CARD, config=config)), encoding="utf-8")
    engine = Engine()
    with pytest.raises(VitvizError, match="the model has no classes") as caught:
        engine.answer(request_for(photo, path, ABOUT))
    assert caught.value.hint
    assert engine.answer(request_for(photo, path, View("rollout"))).probabilities is None


def test_outlier_patches_come_with_every_map_of_a_network_with_states(
    photo: Path, checkpoint: Path
) -> None:
    """As the states themselves say, layer by layer."""
    engine = Engine()
    request = request_for(photo, checkpoint)
    cell = engine.answer(request)
    prefix = len(cell.layout.prefix)
    assert cell.explanation.outliers
    for layer, patches in cell.explanation.outliers.items():
        states = engine.answer(
            StatesRequest(
                request.photo,
                request.background,
                request.model,
                request.input,
                layer=layer,
                device="cpu",
            )
        ).values
        norms = np.linalg.norm(states, axis=1)
        assert patches.tolist() == outlying(norms, prefix).tolist()
    about_them = engine.answer(request_for(photo, checkpoint, View("outliers")))
    assert about_them.explanation.outliers == {}, "their own map is about nothing else"

"""Which epochs are seen side by side, and what becomes of the panes as more are done."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vitviz.errors import Cancelled, VitvizError
from vitviz.session.panes import remove_pane
from vitviz.session.state import MOST_PANES, PhotoRef, Session, View
from vitviz.training.finetune.choices import CHOICES, find_run, keep_choices
from vitviz.training.finetune.class_photos import class_photos
from vitviz.training.finetune.epochs import (
    MOST_PHOTOS,
    Epoch,
    best_of,
    epochs_of,
    followed,
    is_side_by_side,
    models_for,
    models_shown,
    photos_shown,
    side_by_side,
)
from vitviz.training.recipes import FinetuneOptions, Variety

SESSION = Session(photos=(PhotoRef("a.png"), PhotoRef("b.png")), selected=1, model="before",
                  view=View(method="relevance", layer=3, target=7))  # fmt: skip


def epochs(count: int, best: int = -1) -> list[Epoch]:
    """Epoch 0 and so many more."""
    return [
        Epoch(n, 0.9 if n == best else 0.5, 1.0, snapshot=Path(f"{n}")) for n in range(count + 1)
    ]


def test_the_best_has_the_best_accuracy_then_the_least_loss_then_is_first() -> None:
    some = [Epoch(0, 0.5, 1.0), Epoch(1, 0.8, 0.9), Epoch(2, 0.8, 0.7), Epoch(3, 0.8, 0.7)]
    assert best_of(some).number == 2


def test_few_epochs_are_all_shown_but_the_one_that_is_the_model_before() -> None:
    assert models_shown("before", []) == ("before",)
    assert models_shown("before", epochs(3)) == ("before", "1", "2", "3")
    unknown = [*epochs(1), Epoch(2, 0.6, 1.0)]
    assert models_shown("before", unknown) == ("before", "1"), "one that was not kept"


@pytest.mark.parametrize("count", range(1, 40))
def test_many_epochs_are_shown_evenly(count: int) -> None:
    for best in range(1, count + 1):
        _, *shown = map(int, models_shown("0", epochs(count, best)))
        assert len(shown) == min(count, MOST_PANES - 1)
        assert shown == sorted(set(shown))
        assert (shown[0], shown[-1]) == (1, count)
        assert best in shown
        even = [1 + round(i * (count - 1) / max(1, len(shown) - 1)) for i in range(len(shown))]
        assert sum(a != b for a, b in zip(shown, even, strict=True)) <= 1, "the best, at most"


def test_side_by_side_and_followed() -> None:
    first = side_by_side(SESSION, ("before", "1", "2"))
    assert [pane.model for pane in first.panes] == ["before", "1", "2"]
    assert [pane.view.target for pane in first.panes] == [7, None, None], "other classes"
    assert {pane.photo for pane in first.panes} == {PhotoRef("b.png")}
    assert (first.compare.focus, first.compare.pair, first.tab) == (0, (0, 2), "compare")
    assert is_side_by_side(first, {"before", "1", "2", "3"})
    elsewhere = replace(first, tab="look", view=replace(first.view, layer=1))
    later = followed(elsewhere, ("before", "2", "3"))
    assert [pane.model for pane in later.panes] == ["before", "2", "3"]
    assert [pane.view.layer for pane in later.panes] == [1, 3, 1], "a new one as the current one"
    assert (later.tab, later.compare.pair) == ("look", (0, 2))
    at_two = followed(replace(later, compare=replace(later.compare, pair=(0, 1))), ("before", "3"))
    assert at_two.compare.pair == (0, 1)


def test_the_current_epoch_that_goes_becomes_the_newest() -> None:
    first = side_by_side(replace(SESSION, model="1"), ("before", "1", "2"))
    assert first.compare.focus == 1
    assert followed(first, ("before", "2", "3")).model == "3"


@pytest.mark.parametrize("count", range(1, 12))
def test_several_photos_have_few_models_each(count: int) -> None:
    assert [models_for(photos) for photos in range(MOST_PHOTOS + 1)] == [6, 6, 3, 2]
    for best in range(1, count + 1):
        assert models_shown("0", epochs(count, best), 2) == ("0", str(count))
        _, *shown = map(int, models_shown("0", epochs(count, best), 3))
        assert shown == sorted(set(shown))
        assert shown[-1] == count
        assert best in shown
        if best == count > 1:
            assert shown == [(count + 1) // 2, count]


A, B, C = (PhotoRef(f"{name}.png") for name in "abc")


def test_two_photos_side_by_side_and_followed() -> None:
    session = replace(SESSION, view=replace(SESSION.view, query=(0.2, 0.7)))
    first = side_by_side(session, ("before", "1"), (A, B))
    there = [(pane.photo, pane.model) for pane in first.panes]
    assert there == [(A, "before"), (A, "1"), (B, "before"), (B, "1")]
    assert (first.photo, first.model, first.compare.focus) == (B, "before", 2), "the current one"
    assert first.compare.pair == (2, 3)
    queries = [pane.view.query for pane in first.panes]
    assert queries == ["auto", "auto", (0.2, 0.7), (0.2, 0.7)], "a patch is one of its photo"
    assert photos_shown(first) == (A, B)
    assert is_side_by_side(first, {"before", "1", "2"})
    later = followed(replace(first, view=replace(first.view, layer=1)), ("before", "2", "3"))
    there = [(pane.photo, pane.model) for pane in later.panes]
    assert there == [(photo, model) for photo in (A, B) for model in ("before", "2", "3")]
    assert [pane.view.layer for pane in later.panes] == [3, 1, 1, 1, 1, 1]
    assert (later.compare.focus, later.compare.pair) == (3, (3, 5))


def test_three_photos_stand_in_rows_of_one_model() -> None:
    session = replace(SESSION, photos=(A, B, C), selected=0)
    first = side_by_side(session, ("before", "1"), (B, C, A))
    there = [(pane.photo, pane.model) for pane in first.panes]
    assert there == [(photo, model) for model in ("before", "1") for photo in (B, C, A)]
    assert (first.compare.focus, first.compare.pair) == (2, (2, 5))
    later = followed(first, ("before", "2"))
    there = [(pane.photo, pane.model) for pane in later.panes]
    assert there == [(photo, model) for model in ("before", "2") for photo in (B, C, A)]
    assert later.compare.pair == (2, 5)
    assert not is_side_by_side(remove_pane(first, 5), {"before", "1"}), "one is missing"


def test_what_is_compared_stays_where_its_model_does() -> None:
    first = side_by_side(SESSION, ("before", "1", "2", "3"))
    chosen = replace(first, compare=replace(first.compare, pair=(1, 2)))
    assert followed(chosen, ("before", "2", "4")).compare.pair == (0, 1)
    assert followed(chosen, ("before", "1", "4")).compare.pair == (1, 2)


def test_other_panes_are_left_alone() -> None:
    first = side_by_side(SESSION, ("before", "1"))
    assert not is_side_by_side(SESSION, {"before"})
    assert not is_side_by_side(replace(first, model="other"), {"before", "1"})
    assert not is_side_by_side(replace(first, selected=0), {"before", "1"})


def test_there_must_be_a_photo() -> None:
    with pytest.raises(VitvizError, match="nothing to compare"):
        side_by_side(Session(), ("before", "1"))


def write_run(out: Path, last: str = "") -> None:
    lines = [
        {"step": 0, "measured": {"accuracy": 0.25, "validation loss": 1.5}},
        {"step": 2, "seconds": 1.0, "loss": 3.0}, {"step": 4, "seconds": 2.0, "loss": 2.0},
        {"step": 4, "measured": {"accuracy": 0.5, "validation loss": 1.0}},
    ]  # fmt: skip
    (out / "epochs").mkdir(parents=True)
    (out / "epochs" / "epoch-001.safetensors").touch()
    text = "".join(json.dumps(line) + "\n" for line in lines) + last
    (out / "log.jsonl").write_text(text, encoding="utf-8")


def test_epochs_are_read_from_the_log(tmp_path: Path) -> None:
    assert epochs_of(tmp_path) == []
    write_run(tmp_path / "run", last='{"step": 6, "los')
    snapshot = tmp_path / "run" / "epochs" / "epoch-001.safetensors"
    assert epochs_of(tmp_path / "run") == [
        Epoch(0, 0.25, 1.5),
        Epoch(1, 0.5, 1.0, 2.5, snapshot),
    ]


def test_a_run_is_found_with_its_choices(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = FinetuneOptions("a.pth", tmp_path / "photos", out, epochs=3, seed=5,
                              freeze="all but the head", variety=Variety(mixed=0.0))  # fmt: skip
    assert find_run(out) is None
    write_run(out)
    keep_choices(options)
    found = find_run(out)
    assert found is not None
    assert (found.options, len(found.epochs)) == (options, 2)


@pytest.mark.parametrize("text", ["", "[]", '{"model": 3}', "[" * 5000, "\x00"])
def test_damaged_choices_are_no_run(tmp_path: Path, text: str) -> None:
    write_run(tmp_path / "run")
    (tmp_path / "run" / CHOICES).write_text(text, encoding="utf-8")
    assert find_run(tmp_path / "run") is None


def test_class_folders_are_counted_and_the_count_can_be_dropped(tmp_path: Path) -> None:
    for name in ("a/1.jpg", "a/deeper/2.PNG", "a/notes.txt", "b/3.webp", "b/4.heic", ".git/5.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = class_photos(tmp_path)
    assert found.counts == (("a", 2), ("b", 2))
    assert found.words == "2 classes, 4 photos; fewest: a, 2."
    assert found.problem == ""

    def no() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        class_photos(tmp_path, no)

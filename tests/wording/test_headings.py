"""Headings say what differs and nothing else, whatever differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.samples import save_photo
from vitviz.engine.answers import Cell
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.imaging.preprocess import InputChoice
from vitviz.probing.ablation import Ablation
from vitviz.session.state import Pane, PhotoRef, Session, View
from vitviz.wording.ablation import ablation_line
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map
from vitviz.wording.headings import Table, as_table, headings, in_common, letter


@pytest.fixture
def pane(photo: Path, checkpoint: Path) -> Pane:
    return Pane(PhotoRef(str(photo)), str(checkpoint))


def answered(*panes: Pane) -> list[Cell]:
    """What the engine says to each of them."""
    engine = Engine()
    sessions = [Session((p.photo,), 0, p.model, p.input, p.view) for p in panes if p.photo]
    return [engine.answer(plan(session, "cpu")[0]) for session in sessions]


def with_view(pane: Pane, **changes: object) -> Pane:
    return replace(pane, view=replace(pane.view, **changes))  # type: ignore[arg-type]


def told(*panes: Pane) -> tuple[str, ...]:
    return headings(panes, answered(*panes))


def test_one_pane_says_what_is_looked_at(pane: Pane) -> None:
    assert told(pane) == ("Attention · layer 2 · mean of 3 heads · of CLS",)


def test_layers(pane: Pane) -> None:
    panes = [with_view(pane, layer=layer) for layer in (0, -1)]
    assert told(*panes) == ("layer 1", "layer 2")


def test_a_layer_counted_from_the_end_is_the_same_layer(pane: Pane) -> None:
    panes = [with_view(pane, layer=1), with_view(pane, layer=-1, head=1)]
    assert told(*panes) == ("mean", "head 2")


def test_heads_and_tokens_are_not_told_where_the_method_asks_about_none(pane: Pane) -> None:
    norm = with_view(pane, method="feature-norm", head=1)
    assert told(norm) == ("Feature norm · layer 2",)
    assert told(pane, norm) == ("Attention", "Feature norm")
    assert headings([norm], [None]) == ("Feature norm · last layer",)


def test_rollouts_say_where_they_start_and_end(pane: Pane) -> None:
    rollout = with_view(pane, method="rollout")
    assert told(pane, rollout) == ("Attention · layer 2", "Attention rollout · layers 1 to 2")


def test_settings_that_differ_from_the_method_itself(pane: Pane) -> None:
    rollout = with_view(pane, method="rollout")
    other = with_view(rollout, params=(("discard", 0.5),))
    assert told(rollout, other) == ("discard ratio 0", "discard ratio 0.5")
    assert told(rollout, with_view(rollout, params=(("discard", 0.0),)))[0].startswith(
        "Attention r"
    )


def test_photos_inputs_and_all_at_once(pane: Pane, tmp_path: Path) -> None:
    other = PhotoRef(str(save_photo(tmp_path / "other.png", 2)))
    assert told(pane, replace(pane, photo=other)) == ("photo.png", "other.png")
    whole = replace(pane, input=InputChoice("whole photo", 2))
    assert told(pane, whole) == ("input as trained", "whole photo, 2× finer")
    assert told(pane, with_view(replace(whole, photo=other), head=0)) == (
        "photo.png · input as trained · mean",
        "other.png · whole photo, 2× finer · head 1",
    )


def test_queries_are_told_by_patch_and_compared_by_place(pane: Pane) -> None:
    point = with_view(pane, query=(31.0, 21.0))
    assert told(pane, point) == ("of CLS", "of row 2, column 3")
    # The same point on another grid is another patch, and yet nothing that differs.
    finer = replace(point, input=InputChoice("whole photo", 2))
    assert told(point, finer) == ("input as trained", "whole photo, 2× finer")
    assert told(point, with_view(point, direction="to"))[1] == "to row 2, column 3"


def test_classes_are_told_apart_but_not_from_methods_that_ask_about_none(pane: Pane) -> None:
    first, second = (with_view(pane, method="relevance", target=target) for target in (2, 5))
    assert told(first, second) == ("class 2", "class 5")
    assert "class 2" not in " ".join(told(pane, first))
    assert "class 2" in in_common([first, pane], answered(first, pane))
    assert told(pane, first, second)[0].startswith("Attention · layer 2")
    assert all("class " in words for words in told(pane, first, second)[1:])


def test_panes_without_answers_are_told_by_what_was_chosen(pane: Pane) -> None:
    panes = [
        pane,
        with_view(pane, layer=3, head=2, query=(1.0, 2.0)),
        replace(pane, model="other-v2.1"),
    ]
    first, second, third = headings(panes, [None] * 3)
    assert first == "small · last layer · mean · of the default query"
    assert second == "small · layer 4 · head 3 · of a patch"
    assert third.startswith("other-v2.1 · ")
    assert headings([Pane(), pane], [None, None])[0].startswith("no photo")


def test_the_common_part_is_the_rest(pane: Pane) -> None:
    panes = [with_view(pane, layer=layer) for layer in (0, 1)]
    words = in_common(panes, answered(*panes))
    assert words == "photo.png · Small · Attention · mean of 3 heads · of CLS"
    assert in_common([], []) == ""
    assert headings([], []) == ()


def test_letters() -> None:
    assert [letter(index) for index in (0, 5)] == ["a", "f"]


def table_of(*panes: Pane) -> Table | None:
    return as_table(panes, answered(*panes))


def test_two_photos_with_the_same_maps_are_a_table(pane: Pane, tmp_path: Path) -> None:
    other = replace(pane, photo=PhotoRef(str(save_photo(tmp_path / "other.png", 9, (40, 50)))))
    rollouts = [with_view(one, method="rollout") for one in (pane, other)]
    found = table_of(pane, rollouts[0], other, rollouts[1])
    columns = ("Attention · layer 2", "Attention rollout · layers 1 to 2")
    assert found == Table(("photo.png", "other.png"), columns)
    assert table_of(pane, other, *rollouts) == Table(columns, found.rows)
    assert table_of(pane, rollouts[0], *reversed((other, rollouts[1]))) is None
    assert table_of(pane, rollouts[0], other) is None


def test_panes_that_differ_in_one_thing_are_no_table(pane: Pane) -> None:
    panes = [with_view(pane, layer=layer, head=head) for layer in (0, 1) for head in (0, 1, 2)]
    assert table_of(*panes) == Table(("layer 1", "layer 2"), ("head 1", "head 2", "head 3"))
    assert table_of(*panes[:3]) is None
    assert table_of(panes[0], panes[1], panes[0], panes[1]) is None
    assert as_table([], []) is None


def test_what_is_taken_from_a_network_tells_panes_apart(pane: Pane) -> None:
    box = (20.0, 16.0, 28.0, 24.0)
    panes = [pane, with_view(pane, ablation=Ablation(((0, 1),), "mean", (box,)))]
    assert told(*panes) == ("whole model", "without 1 head (its mean in its place) and 1 patch")
    assert told(panes[1]) == (
        "Attention · layer 2 · mean of 3 heads · of CLS · "
        "without 1 head (its mean in its place) and 1 patch",
    )
    same = [with_view(p, layer=layer) for p, layer in zip(panes[1:] * 2, (0, 1), strict=True)]
    assert told(*same) == ("layer 1", "layer 2")
    common = in_common(same, answered(*same))
    assert common.endswith("without 1 head (its mean in its place) and 1 patch")


def test_the_chip_says_what_an_ablation_does(pane: Pane) -> None:
    ablation = Ablation(((0, 1), (1, 2)))
    (cell,) = answered(with_view(pane, ablation=ablation))
    change = cell.change
    assert change is not None
    by = f"{change.after - change.before:+.2f}".replace("-", "−")
    assert ablation_line(ablation, cell) == (
        f"Without 2 heads · logit of “class {change.target}” {change.before:.2f} → "
        f"{change.after:.2f} ({by})"
    )
    # Of another ablation than the answer's nothing is said of the class yet.
    assert ablation_line(Ablation(((0, 0),)), cell) == "Without 1 head"
    assert ablation_line(Ablation(), cell) == ""
    assert caption(describe_map(cell, View())).split(" · ")[3] == "without 2 heads"

"""How It Sees: the stations walked with real events, on the bundled models and small ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QWidget

from tests.gui.conftest import Driver
from vitviz.gui.views.how.pieces.picture import PatchPicture
from vitviz.gui.views.how.view import HowView
from vitviz.gui.views.how.words import STOPS

LEFT = Qt.MouseButton.LeftButton


def view_of(ui: Driver) -> HowView:
    return ui.window.views.view("how")


def settled(ui: Driver) -> HowView:
    """The view, once it knows all that it wants."""
    view = view_of(ui)
    ui.until(lambda: ui.is_settled and not view._asked)
    return view


@pytest.fixture
def how(ui: Driver) -> Driver:
    ui.window.preferences = type(ui.window.preferences)(reduce_motion=True)
    ui.do("view.how")
    settled(ui)
    return ui


def point_of(picture: PatchPicture, patch: int) -> QPoint:
    return picture.patch_rect(patch).center().toPoint()


def click_stop(ui: Driver, stop: str) -> None:
    strip = view_of(ui).strip
    at = strip.box(STOPS.index(stop)).center().toPoint()
    ui.qtbot.mouseClick(strip, LEFT, pos=at)
    settled(ui)


def key(ui: Driver, widget: QWidget, *keys: Qt.Key) -> None:
    for one in keys:
        ui.qtbot.keyClick(widget, one)


def test_nothing_to_show(empty: Driver) -> None:
    empty.do("view.how")
    assert "Nothing to show yet" in view_of(empty).message.text()
    assert not view_of(empty).footer.isEnabled()


def test_the_story_is_told_from_start_to_end(how: Driver) -> None:
    """Next, Next, ... and back, with real shapes said at each station; Esc leads up."""
    view, said = view_of(how), []
    assert view.stop == "story"
    assert "12 layers" in view.station("story").words.text()
    for stop in STOPS[1:]:
        how.qtbot.mouseClick(view.next, LEFT)
        settled(how)
        assert view.stop == stop
        said.append(view.station(stop).words.text())
    assert "14 × 14 = 196 patches" in said[0]
    assert "197 × 192 numbers" in said[1]
    assert "3 heads of 64 numbers" in said[2]
    assert "1,000 classes are read from CLS: 192 numbers" in said[3]
    assert not view.next.isEnabled()
    how.qtbot.mouseClick(view.back, LEFT)
    assert view.stop == "blocks"
    how.press("go.query")
    assert view.stop == "story", "Esc"
    before = how.session.view.query
    how.press("go.query")
    assert how.session.view.query == before == "auto"


def test_the_strip_is_walked_with_keys(how: Driver) -> None:
    view = view_of(how)
    view.strip.setFocus()
    key(how, view.strip, Qt.Key.Key_Right, Qt.Key.Key_Right)
    assert view.stop == "place"
    key(how, view.strip, Qt.Key.Key_Left)
    assert view.stop == "cut"
    settled(how)


def test_a_patch_is_its_own_pixels(how: Driver) -> None:
    """Pointing shows a patch and its row of numbers, as the network gets them."""
    click_stop(how, "cut")
    cut = view_of(how).station("cut")
    assert cut.picture.picture.gap > 0, "apart at once, where motion is reduced"
    cut.picture.setFocus()
    key(how, cut.picture, Qt.Key.Key_Up)
    middle = 7 * 14 + 7
    assert cut.picture.pointer == middle - 14
    assert "row 7, column 8" in cut.which.text()
    trace = how.window.service.engine._see(how.cell.request, "auto", lambda *_: None).trace
    row = trace.image[:, 6 * 16 : 7 * 16, 7 * 16 : 8 * 16].reshape(-1)
    (shown,) = [values for _, values in cut.row.rows]
    assert shown.shape == (768,)
    assert (shown == row).all()
    cut.row.setFocus()
    key(how, cut.row, Qt.Key.Key_Right)
    assert "red of the pixel in row 1, column 2" in cut.number.text()
    key(how, cut.picture, Qt.Key.Key_Up, Qt.Key.Key_Return)
    how.settle()
    assert how.cell.query_tokens == (1 + middle - 14,)


def test_what_more_patches_would_cost(how: Driver) -> None:
    click_stop(how, "cut")
    cut, card = view_of(how).station("cut"), how.cell.card
    assert "197 tokens" in cut.cost.text()
    cut.side.setFocus()
    while cut.side_words.text() != "8 px":
        key(how, cut.side, Qt.Key.Key_Left)
    assert "785 tokens" in cut.cost.text()
    times = card.cost_at((448, 448)).flops / card.cost_at((224, 224)).flops
    assert f"{times:.3g} times the work" in cut.cost.text()
    assert cut.picture.picture.geometry.grid == (28, 28)
    assert how.cell.geometry.grid == (14, 14), "only counted"


def test_a_token_is_products_and_a_place(how: Driver) -> None:
    click_stop(how, "place")
    place = view_of(how).station("place")
    rows = dict(place.numbers.rows)
    np.testing.assert_allclose(rows["× filters"] + rows["+ place"], rows["= token"], atol=1e-5)
    place.numbers.setFocus()
    key(how, place.numbers, Qt.Key.Key_Right, Qt.Key.Key_Right)
    assert place.filter.title == "filter 3 of 192"
    assert f"{rows['× filters'][2]:.4g}".replace("-", "−") in place.sum.text()
    assert [name for name, _ in place.joined.rows] == ["CLS"]


def test_without_positions_the_order_says_nothing(how: Driver) -> None:
    click_stop(how, "place")
    place = view_of(how).station("place")
    how.qtbot.mouseClick(place.unplaced, LEFT, pos=QPoint(8, 8))
    view = settled(how)
    assert "changes by" in place.verdict.text()
    blind = [score.words for score in place.changed_scores.scores]
    how.qtbot.mouseClick(place.shuffled, LEFT, pos=QPoint(8, 8))
    settled(how)
    assert [score.words for score in place.changed_scores.scores] == blind
    assert "the order says nothing" in place.verdict.text()
    assert not how.session.view.ablation, "never in other views"
    assert view.stop == "place"


def test_one_token_asks_in_one_block(how: Driver) -> None:
    """The maps are the attention that the window has anyway."""
    click_stop(how, "blocks")
    blocks = view_of(how).station("blocks")
    panel = blocks.attention
    how.qtbot.mouseClick(panel.asks, LEFT, pos=point_of(panel.asks, 30))
    settled(how)
    assert how.cell.query_tokens == (31,)
    assert "row 3, column 3 asks" in panel.title.text()
    how.qtbot.mouseClick(panel._heads[2], LEFT, pos=point_of(panel._heads[2], 5))
    settled(how)
    assert how.session.view.head == 2
    steps = panel._steps.attention
    row = how.cell.explanation.by_layer[panel._steps.layer].values[2]
    np.testing.assert_allclose(steps.weights[2], row, atol=1e-6)
    how.qtbot.mouseClick(panel._group.buttons()[0], LEFT)
    settled(how)
    assert "CLS asks" in panel.title.text()


def test_the_temperature_is_not_the_models(how: Driver) -> None:
    click_stop(how, "blocks")
    panel = view_of(how).station("blocks").attention
    softmax = panel.maps[2]
    own = softmax.picture.pixels.copy()
    assert panel.heat_words.text() == "1: the model's own"
    panel.heat.setFocus()
    key(how, panel.heat, Qt.Key.Key_Left)
    assert "not the model's" in panel.heat_words.text()
    assert softmax.caption == "not the model's"
    assert (softmax.picture.pixels != own).any()
    key(how, panel.heat, Qt.Key.Key_Right)
    assert (softmax.picture.pixels == own).all()


def test_the_race_and_the_layers_share_a_choice(how: Driver) -> None:
    click_stop(how, "blocks")
    blocks = view_of(how).station("blocks")
    race = blocks.depths.race
    assert race.count == 12
    shares = race.lines[0].values
    np.testing.assert_allclose(shares[-1], how.cell.probabilities.max(), rtol=1e-3)
    race.setFocus()
    key(how, race, Qt.Key.Key_Left)
    settled(how)
    assert how.session.view.layer == 10
    at = QPointF(race.middle(3), 40).toPoint()
    how.qtbot.mouseClick(race, LEFT, pos=at)
    settled(how)
    assert how.session.view.layer == 2
    assert blocks.attention._steps.layer == 2
    assert "leads" in blocks.depths.decided.text()


def test_a_guess_is_answered_with_numbers(how: Driver) -> None:
    click_stop(how, "blocks")
    guess = view_of(how).station("blocks").guess
    assert guess.reveal.isHidden()
    how.qtbot.mouseClick(guess.buttons[0], LEFT)
    assert not guess.reveal.isHidden()
    assert "leads" in guess.reveal.text()
    guess.buttons[guess.guess.right].setFocus()
    key(how, guess.buttons[guess.guess.right], Qt.Key.Key_Space)
    assert guess.reveal.text().startswith("Yes.")


def test_erasing_moves_the_bars(how: Driver) -> None:
    click_stop(how, "read")
    read = view_of(how).station("read")
    whole = {score.index: score.share for score in read.scores.scores}
    how.qtbot.mousePress(read.picture, LEFT, pos=point_of(read.picture, 20))
    for patch in (21, 22):
        how.qtbot.mouseMove(read.picture, point_of(read.picture, patch))
    how.qtbot.mouseRelease(read.picture, LEFT, pos=point_of(read.picture, 22))
    settled(how)
    removed = np.flatnonzero(how.session.view.ablation.removed(how.cell.geometry))
    assert removed.tolist() == [20, 21, 22]
    for score in read.scores.scores:
        if score.index in whole:
            assert score.before == whole[score.index]
    assert "was" in read.moved.text()
    shown = read.picture.picture.removed
    assert np.flatnonzero(shown).tolist() == [20, 21, 22]
    read.heads.setFocus()
    key(how, read.heads, Qt.Key.Key_Space)
    settled(how)
    assert how.session.view.ablation.heads == ((0, 0),)
    how.qtbot.mouseClick(read.whole, LEFT)
    settled(how)
    assert not how.session.view.ablation
    assert {s.index: s.share for s in read.scores.scores} == whole


def test_the_score_is_a_sum_of_products(how: Driver) -> None:
    click_stop(how, "read")
    read = view_of(how).station("read")
    rows = dict(read.products.rows)
    np.testing.assert_allclose(rows["read"] * rows["class"], rows["product"], atol=1e-6)
    assert "Why “" in read.why_title.text()
    other = read.others.scores[1]
    at = QPoint(20, int(1.3 * read.others.row_height))
    how.qtbot.mouseClick(read.others, LEFT, pos=at)
    settled(how)
    assert how.session.view.contrast == other.index
    assert f"not “{other.name}”" in read.why_title.text()


@pytest.mark.slow
def test_a_network_of_convolutions(how: Driver) -> None:
    """The same strip with its own steps; every station is shown."""
    how.window.documents.use_model("efficientnet-lite0")
    how.until(lambda: how.is_settled and how.cell.card.id == "efficientnet-lite0")
    view = settled(how)
    for stop in STOPS:
        click_stop(how, stop)
        assert view.stop == stop
    cut = view.station("cut")
    assert "overlap" in cut.words.text()
    assert cut._windows.side == 3
    blocks = view.station("blocks")
    click_stop(how, "blocks")
    assert not blocks.convolution.isHidden()
    assert blocks.attention.isHidden()
    assert blocks.depths.race_row.isHidden()
    assert blocks.depths.reach.own.layers[-1] == 1.0
    assert blocks.depths.reach.other.dots
    panel = blocks.convolution
    assert "1 × 1" in panel.formula.text(), "the last layer"
    blocks.depths.reach.setFocus()
    key(how, blocks.depths.reach, Qt.Key.Key_Left)
    settled(how)
    how.qtbot.mouseClick(panel.place, LEFT, pos=point_of(panel.place, 20))
    settled(how)
    how.qtbot.mouseClick(panel._group.buttons()[1], LEFT)
    settled(how)
    assert panel._group.checkedButton().text() == panel._group.buttons()[1].text()
    assert f"number {panel._group.checkedButton().text()} of" in panel.formula.text()
    guess = blocks.guess.guess
    assert guess.answers[guess.right] == "the middle", "layer 10 of 17 sees 275 of 224 pixels"


def test_small_networks_of_any_kind(how: Driver, checkpoint: Path) -> None:
    """A grid that is not square, three prefix tokens, two layers."""
    how.window.documents.use_model(str(checkpoint))
    how.until(lambda: how.is_settled and how.cell.card.id == "small")
    view = settled(how)
    for stop in STOPS:
        click_stop(how, stop)
    assert "3 × 5 = 15 patches" in view.station("cut").words.text()
    panel = view.station("blocks").attention
    assert [button.text() for button in panel._group.buttons()] == [
        "CLS", "REG1", "REG2",
    ]  # fmt: skip


def do_step(how: Driver, view: HowView) -> None:
    """Does what the tour asks for, on the control that it points at, by mouse or key."""
    step, target = view.tour.step, view.pointer.target
    how.until(lambda: not view.pointer.frame().isEmpty())  # brought into sight
    if step.done.startswith("opened"):
        how.qtbot.mouseClick(target, LEFT)
    elif step.done in ("pointed at a patch", "pointed at a number"):
        target.setFocus()
        key(how, target, Qt.Key.Key_Right)
    elif step.done in ("slid", "changed the temperature", "chose a block"):
        target.setFocus()
        key(how, target, Qt.Key.Key_Left)
    elif step.done == "switched":
        how.qtbot.mouseClick(target, LEFT, pos=QPoint(8, 8))
    elif step.done in ("chose who asks", "erased a patch"):
        how.qtbot.mouseClick(target, LEFT, pos=point_of(target, 11))
    elif step.done == "chose a head":
        how.qtbot.mouseClick(target.tiles[1], LEFT, pos=point_of(target.tiles[1], 3))
    elif step.done == "silenced a head":
        target.setFocus()
        key(how, target, Qt.Key.Key_Space)
    else:
        assert step.done == "chose the other class"
        how.qtbot.mouseClick(target, LEFT, pos=QPoint(20, int(1.3 * target.row_height)))
    settled(how)


SLOW = pytest.mark.slow
MODELS = ("small", pytest.param("vitviz-small-v1", marks=SLOW),
          pytest.param("efficientnet-lite0", marks=SLOW))  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_the_tour_is_done_by_doing(how: Driver, model: str, checkpoint: Path) -> None:
    """From start to end with real events, each on the control that is pointed at."""
    how.window.documents.use_model(str(checkpoint) if model == "small" else model)
    how.until(lambda: how.is_settled and how.cell.card.id == model)
    view = settled(how)
    click_stop(how, "read")
    how.qtbot.mouseClick(view.tour_button, LEFT)
    settled(how)
    assert view.stop == "story"
    assert view.pointer.target is view.next
    done = 0
    while view.tour.step is not None:
        assert view.where.text().startswith(f"{done + 1} of {len(view.tour.steps)}: ")
        before = view.tour.at
        do_step(how, view)
        assert view.tour.at == before + 1, view.tour.steps[before]
        done += 1
    assert done == len(view.tour.steps) >= 11
    assert "the whole way" in view.where.text()
    assert view.pointer.isHidden()
    how.qtbot.mouseClick(view.tour_button, LEFT)
    assert view.tour is None


def test_the_tour_waits_and_can_be_left(how: Driver) -> None:
    """Something else than what is asked counts for nothing; the strip is pointed at elsewhere."""
    view = view_of(how)
    how.do("go.tour")
    settled(how)
    click_stop(how, "blocks")
    assert view.tour.at == 0
    assert view.pointer.target is view.strip
    how.qtbot.mouseClick(view.skip, LEFT)
    assert view.stop == "cut"
    assert view.tour.at == 1
    how.do("go.tour")
    assert view.tour is None
    assert view.skip.isHidden()
    settled(how)

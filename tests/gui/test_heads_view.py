"""The Heads view: the right maps in the right places, drawn without freezing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from pytestqt.qtbot import QtBot

from tests.explanations import explanation_of
from vitviz.gui.views.heads.layout import LEAST_WIDTH, LEFT, TOP, HeadLayout
from vitviz.gui.views.heads.view import HeadsView
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation
from vitviz.maps.style import Style
from vitviz.maps.ticks import number
from vitviz.models.tokens import TokenLayout

GRID = (3, 5)
LAYOUT = TokenLayout(("cls", "dist"), GRID)
GEOMETRY = Geometry((300, 500), (48, 80), (0, 0), (48, 80), 16)


def explained(layers: int = 4, heads: int = 3, *, fused: bool = False) -> Explanation:
    values = np.random.default_rng(0).random((layers, 1 if fused else heads, 17), dtype=np.float32)
    return explanation_of(
        values,
        tuple(range(layers)),
        "mean" if fused else None,
        LAYOUT,
        "attention",
        shares=not fused,
        geometry=GEOMETRY,
    )


@pytest.fixture
def thumbnail() -> np.ndarray:
    return np.full((60, 100, 3), 90, np.uint8)


@pytest.fixture
def view(qtbot: QtBot, thumbnail: np.ndarray) -> HeadsView:
    widget = HeadsView()
    qtbot.addWidget(widget)
    widget.resize(700, 500)
    widget.show_explanation(explained(), thumbnail, GEOMETRY, Style(), 2, 1)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def middle(view: HeadsView, row: int, col: int) -> QPointF:
    return view.matrix.layout_of_tiles.box((row, col)).center()


def wait_drawn(view: HeadsView, qtbot: QtBot, tiles: int) -> None:
    qtbot.waitUntil(lambda: view.matrix.drawn >= tiles and not view.matrix.busy, timeout=20_000)


def test_columns_are_the_mean_and_every_head(view: HeadsView) -> None:
    assert view.matrix.subject is not None
    assert view.matrix.subject.heads == ("mean", 0, 1, 2)
    assert view.matrix.subject.layers == (0, 1, 2, 3)
    assert view.matrix.selected == (2, 1)


def test_all_tiles_in_sight_get_drawn_and_then_it_rests(view: HeadsView, qtbot: QtBot) -> None:
    wait_drawn(view, qtbot, 16)
    assert view.matrix.drawn == 16


def test_a_click_opens(view: HeadsView, qtbot: QtBot) -> None:
    heard: list[tuple[int, object]] = []
    view.opened.connect(lambda layer, head: heard.append((layer, head)))
    for row, col in ((3, 2), (1, 0)):
        qtbot.mouseClick(
            view.matrix.viewport(),
            Qt.MouseButton.LeftButton,
            pos=middle(view, row, col).toPoint(),
        )
    assert heard == [(3, 1), (1, "mean")]


def test_keys_move_and_open(view: HeadsView, qtbot: QtBot) -> None:
    heard: list[tuple[int, object]] = []
    view.opened.connect(lambda layer, head: heard.append((layer, head)))
    assert view.matrix.focused == (2, 1)
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Right):
        qtbot.keyClick(view.matrix, key)
    assert view.matrix.focused == (3, 2)
    qtbot.keyClick(view.matrix, Qt.Key.Key_Home)
    qtbot.keyClick(view.matrix, Qt.Key.Key_Return)
    assert heard == [(3, "mean")]


def test_pointing_tells_the_range_and_what_is_not_shown(view: HeadsView, qtbot: QtBot) -> None:
    qtbot.mouseMove(view.matrix.viewport(), middle(view, 1, 3).toPoint())
    row = explained().values[1, 2].tolist()
    assert view.facts.text() == (
        f"Layer 2, head 3 · attention {number(min(row[2:]))} to {number(max(row[2:]))}"
        f" · {100 * row[0]:.1f} % on CLS, {100 * row[1]:.1f} % on DIST, not shown"
    )


def test_only_a_common_range_has_a_colour_bar(view: HeadsView, thumbnail: np.ndarray) -> None:
    explanation = explained()
    assert view.colour_bar.isHidden()
    for style in (Style(range="shared"), Style(range=(0.0, 2.0))):
        view.show_explanation(explanation, thumbnail, GEOMETRY, style, 0, "mean")
        assert not view.colour_bar.isHidden()
    assert view.colour_bar.bar is not None
    assert view.colour_bar.bar.ends == (0.0, 2.0)
    view.show_explanation(explanation, thumbnail, GEOMETRY, Style(range="zero"), 0, "mean")
    assert view.colour_bar.isHidden()


def test_a_method_that_fuses_heads_has_one_column(view: HeadsView, thumbnail: np.ndarray) -> None:
    view.show_explanation(explained(fused=True), thumbnail, GEOMETRY, Style(), 1, 2)
    assert view.matrix.subject is not None
    assert view.matrix.subject.heads == ("mean",)
    assert view.matrix.selected == (1, "mean")


def test_a_fusion_that_is_no_column_selects_nothing(view: HeadsView, thumbnail: np.ndarray) -> None:
    view.show_explanation(explained(), thumbnail, GEOMETRY, Style(), 1, "max")
    assert view.matrix.selected is None


def test_another_selection_draws_no_tile_again(view: HeadsView, qtbot: QtBot) -> None:
    wait_drawn(view, qtbot, 16)
    subject = view.matrix.subject
    assert subject is not None
    view.show_explanation(subject.explanation, subject.thumbnail, GEOMETRY, Style(), 0, 0)
    assert view.matrix.drawn == 16
    view.show_explanation(
        subject.explanation, subject.thumbnail, GEOMETRY, replace(Style(), opacity=0.3), 0, 0
    )
    assert view.matrix.drawn == 0
    wait_drawn(view, qtbot, 16)


def test_a_large_model_draws_only_what_is_in_sight(
    view: HeadsView, qtbot: QtBot, thumbnail: np.ndarray
) -> None:
    view.show_explanation(explained(32, 16), thumbnail, GEOMETRY, Style(), 31, 15)
    wait_drawn(view, qtbot, 1)
    assert view.matrix.drawn == len(view.matrix.layout_of_tiles.in_sight()) < 32 * 17
    qtbot.keyClick(view.matrix, Qt.Key.Key_End)
    assert view.matrix.horizontalScrollBar().value() > 0
    assert view.matrix.verticalScrollBar().value() > 0


def test_hidden_it_rests(view: HeadsView, thumbnail: np.ndarray) -> None:
    view.show_explanation(explained(32, 16), thumbnail, GEOMETRY, Style(), 0, 0)
    view.grab()
    view.hide()
    assert not view.matrix.busy


def test_nothing_to_show_shows_the_message(view: HeadsView) -> None:
    view.show_explanation(None, None, None, Style(), 0, "mean")
    view.set_message("No map yet", "Open a photo")
    assert view.matrix.subject is None
    assert view.matrix.focused is None
    assert view.facts.text() == ""
    assert not view.grab().isNull()


@pytest.mark.parametrize("shape", [(12, 4), (32, 17), (2, 1)])
@pytest.mark.parametrize("aspect", [0.3, 1.5])
def test_tiles_are_apart_found_and_not_too_small(shape: tuple[int, int], aspect: float) -> None:
    layout = HeadLayout(shape, aspect, QSize(900, 600), (30, 40))
    assert layout.tile_size.width() >= LEAST_WIDTH
    boxes = {place: layout.box(place) for place in layout.in_sight()}
    area = QRectF(layout.left, layout.top, 900 - layout.left, 600 - layout.top)
    for place, box in boxes.items():
        visible = box & area
        assert layout.at(visible.center()) == place
        assert not any(box.intersects(other) for at, other in boxes.items() if at != place)


def test_revealing_brings_a_tile_into_sight() -> None:
    layout = HeadLayout((32, 17), 1.5, QSize(900, 600))
    right, down = layout.to_reveal((31, 16))
    moved = HeadLayout((32, 17), 1.5, QSize(900, 600), (right, down))
    assert QRectF(LEFT, TOP, 900 - LEFT, 600 - TOP).contains(moved.box((31, 16)))
    assert (right, down) == layout.scroll_range or (
        right <= layout.scroll_range[0] and down <= layout.scroll_range[1]
    )


def test_few_heads_of_many_layers_lie_across() -> None:
    layout = HeadLayout((12, 4), 1.5, QSize(2040, 1100))
    assert layout.arrangement == "across"
    assert layout.grid == (4, 12)
    assert layout.content.width() > 0.9 * (2040 - LEFT)
    assert layout.scroll_range == (0, 0)
    first, second, below = (layout.box(place) for place in ((0, 0), (1, 0), (0, 1)))
    assert (second.top(), below.left()) == (first.top(), first.left())
    assert second.left() > first.right()
    assert below.top() > first.bottom()
    assert HeadLayout((12, 13), 1.5, QSize(1400, 900)).arrangement == "down"


def test_layers_of_one_map_each_fill_lines() -> None:
    layout = HeadLayout((12, 1), 1.5, QSize(2040, 1100))
    assert layout.arrangement == "lines"
    rows, cols = layout.grid
    assert rows * cols >= 12
    assert rows > 1
    assert layout.tile_size.width() > 330, "it was 121"
    assert layout.scroll_range == (0, 0)
    assert layout.at(layout.box((11, 0)).center()) == (11, 0)
    assert layout.stepped((0, 0), 1, 0) == (cols, 0)
    assert layout.stepped((11, 0), 5, 5) == (11, 0)
    assert all(layout.box((n, 0)).top() >= layout.above for n in range(12))


def test_keys_go_where_the_tiles_are(qtbot: QtBot, thumbnail: np.ndarray) -> None:
    widget = HeadsView()
    qtbot.addWidget(widget)
    widget.resize(1600, 500)
    widget.show_explanation(explained(9, 1), thumbnail, GEOMETRY, Style(), 0, "mean")
    widget.show()
    qtbot.waitExposed(widget)
    assert widget.matrix.layout_of_tiles.arrangement == "across"
    qtbot.keyClick(widget.matrix, Qt.Key.Key_Right)
    assert widget.matrix.focused == (1, "mean")
    qtbot.keyClick(widget.matrix, Qt.Key.Key_Down)
    assert widget.matrix.focused == (1, 0)

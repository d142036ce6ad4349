"""The Patches view: every token in its place, numbered as the model numbers it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, QSizeF, Qt
from pytestqt.qtbot import QtBot

from vitviz.gui.views.patches.layout import LEAST_SIDE, PatchLayout
from vitviz.gui.views.patches.view import PatchesView
from vitviz.imaging.geometry import Geometry
from vitviz.models.tokens import TokenLayout

GRID = (3, 5)
LAYOUT = TokenLayout(("cls", "dist"), GRID)
GEOMETRY = Geometry((300, 500), (48, 80), (0, 0), (48, 80), 16)
LEFT = Qt.MouseButton.LeftButton


def made_input() -> np.ndarray:
    """Every patch in one colour of its own: (10 * row, 10 * col, 200)."""
    rows, cols = np.mgrid[0:48, 0:80] // 16
    return np.stack([10 * rows, 10 * cols, np.full_like(rows, 200)], axis=-1).astype(np.uint8)


@pytest.fixture
def view(qtbot: QtBot) -> PatchesView:
    widget = PatchesView()
    qtbot.addWidget(widget)
    widget.resize(700, 560)
    widget.show_input(made_input(), GEOMETRY, LAYOUT, (LAYOUT.index(1, 2),))
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def middle(view: PatchesView, token: int) -> QPoint:
    layout = view.sheet.layout_of_tiles
    assert layout is not None
    return layout.box(token).center().toPoint()


def test_every_patch_shows_its_own_pixels(view: PatchesView) -> None:
    picture = view.sheet.viewport().grab().toImage()
    for row in range(GRID[0]):
        for col in range(GRID[1]):
            point = middle(view, LAYOUT.index(row, col))
            assert picture.pixelColor(point).getRgb()[:3] == (10 * row, 10 * col, 200)


def test_without_a_pointer_it_tells_of_the_whole(view: PatchesView) -> None:
    assert view.facts.text() == "80 × 48 pixels in 3 × 5 patches of 16 × 16 · 17 tokens"


def test_pointing_tells_token_place_and_box(view: PatchesView, qtbot: QtBot) -> None:
    qtbot.mouseMove(view.sheet.viewport(), middle(view, LAYOUT.index(2, 4)))
    assert view.facts.text() == "token 16 · row 3, column 5 · photo 400, 200 – 500, 300"
    qtbot.mouseMove(view.sheet.viewport(), middle(view, 1))
    assert view.facts.text().startswith("token 1 · DIST")


def test_a_click_tells_the_patch_and_the_token(view: PatchesView, qtbot: QtBot) -> None:
    patches: list[object] = []
    tokens: list[int] = []
    view.clicked.connect(patches.append)
    view.token_clicked.connect(tokens.append)
    for token in (LAYOUT.index(2, 1), 1):
        qtbot.mouseClick(view.sheet.viewport(), LEFT, pos=middle(view, token))
    qtbot.mouseClick(view.sheet.viewport(), LEFT, pos=QPoint(1, 1))
    assert patches == [(2, 1), None]
    assert tokens == [LAYOUT.index(2, 1), 1]


def test_keys_go_from_token_to_token(view: PatchesView, qtbot: QtBot) -> None:
    chosen: list[object] = []
    view.clicked.connect(chosen.append)
    seen = []
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Up):
        qtbot.keyClick(view.sheet, key)
        seen.append(view.sheet.cursor_token)
    assert seen == [9, 8, 13, 8, 3]
    qtbot.keyClick(view.sheet, Qt.Key.Key_Return)
    assert chosen == [(0, 1)]
    for _ in range(9):
        qtbot.keyClick(view.sheet, Qt.Key.Key_Up)
    assert view.sheet.cursor_token == 0


def test_zooming_keeps_the_middle_and_scrolls(view: PatchesView, qtbot: QtBot) -> None:
    layout = view.sheet.layout_of_tiles
    assert layout is not None
    assert layout.scroll_range == (0, 0)
    for _ in range(4):
        qtbot.keyClick(view.sheet, Qt.Key.Key_Plus)
    larger = view.sheet.layout_of_tiles
    assert larger is not None
    assert larger.side > layout.side
    assert min(larger.scroll_range) > 0
    assert min(larger.scrolled) > 0
    view.sheet.fit()
    assert view.sheet.layout_of_tiles == layout


def test_the_same_input_keeps_the_zoom(view: PatchesView) -> None:
    sheet = view.sheet.sheet
    assert sheet is not None
    view.sheet.zoom_by(2.0)
    zoomed = view.sheet.layout_of_tiles
    view.show_input(sheet.pixels, GEOMETRY, LAYOUT, (0,))
    assert view.sheet.layout_of_tiles == zoomed
    assert view.sheet.query == (0,)


def test_nothing_to_show_shows_the_message(view: PatchesView) -> None:
    view.show_input(None, None, None)
    view.set_message("No photo yet", "Open one")
    assert view.facts.text() == ""
    assert not view.grab().isNull()


@pytest.mark.parametrize("grid", [(3, 5), (14, 21), (64, 40)])
@pytest.mark.parametrize("zoom", [1.0, 5.0])
def test_tiles_are_apart_and_found(grid: tuple[int, int], zoom: float) -> None:
    tokens = TokenLayout(("cls", "reg1"), grid)
    layout = PatchLayout(tokens, QSizeF(900, 700), 14.0, 60.0, zoom, (0, 0))
    area = QRectF(0, 0, 900, 700)
    shown = layout.in_sight()
    if zoom == 1.0 and layout.side > LEAST_SIDE:
        assert layout.scroll_range == (0, 0)
        assert len(shown) == grid[0] * grid[1]
    for row, col in shown:
        visible = layout.patch_box(row, col) & area
        if not visible.isEmpty():
            assert layout.at(visible.center()) == tokens.index(row, col)
    first = layout.patch_box(0, 0)
    assert not first.intersects(layout.patch_box(0, 1))
    assert not first.intersects(layout.patch_box(1, 0))
    assert not first.intersects(layout.box(1))

"""What the canvas holds, says and emits; what it draws is checked at single pixels only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFocusEvent, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.explanations import map_of
from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.canvas.colour_bar import ticks_along
from vitviz.gui.canvas.patch_note import note_place
from vitviz.gui.canvas.pyramid import pyramid
from vitviz.imaging.geometry import Box, Geometry
from vitviz.imaging.photo import Photo
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.overlay import composite
from vitviz.maps.style import Style

GRID = (3, 5)
WHOLE = Geometry((300, 500), (48, 80), (0, 0), (48, 80), 16)
CROPPED = Geometry((300, 500), (48, 80), (0, 16), (48, 48), 16)
LEFT = Qt.MouseButton.LeftButton


def made_photo(seed: int = 0, size: tuple[int, int] = (300, 500)) -> Photo:
    small = np.random.default_rng(seed).integers(0, 256, (6, 10, 3), dtype=np.uint8)
    pixels = np.repeat(np.repeat(small, size[0] // 6, axis=0), size[1] // 10, axis=1)
    pixels.flags.writeable = False
    return Photo(pixels, None, f"photo {seed}")


def made_map(grid: tuple[int, int] = GRID) -> HeatMap:
    values = np.random.default_rng(5).random(grid, dtype=np.float32)
    return map_of(values, "attention", (("cls", 0.1), ("dist", 0.2)), 2, "mean")


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    widget = Canvas()
    qtbot.addWidget(widget)
    widget.resize(640, 420)
    widget.set_photo(made_photo())
    widget.show_map(made_map(), WHOLE, (0.0, 1.0), Style())
    widget.show()
    return widget


def middle(canvas: Canvas, geometry: Geometry, row: int, col: int) -> QPoint:
    """Of a patch, on the widget."""
    return canvas.on_widget(geometry.patch_box(row, col)).center().toPoint()


def turn_wheel(canvas: Canvas, at: QPointF, notches: int) -> None:
    event = QWheelEvent(
        at, canvas.mapToGlobal(at), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)


def painted(canvas: Canvas) -> QImage:
    return canvas.grab().toImage()


def test_every_patch_is_found_under_its_own_middle(canvas: Canvas) -> None:
    for row in range(GRID[0]):
        for col in range(GRID[1]):
            point = middle(canvas, WHOLE, row, col)
            assert canvas.patch_under(point.x(), point.y()) == (row, col)


def test_pointing_tells_patch_value_rank_and_box(canvas: Canvas, qtbot: QtBot) -> None:
    with qtbot.waitSignal(canvas.hovered) as heard:
        qtbot.mouseMove(canvas, middle(canvas, WHOLE, 1, 3))
    assert heard.args == [(1, 3)]
    values = made_map().values
    rank = int((values > values[1, 3]).sum()) + 1
    assert canvas.note is not None
    first, second, third = canvas.note.text.split("\n")
    assert first == "row 2, column 4"
    assert second.split() == ["attention", f"{values[1, 3]:.3f}", "rank", str(rank), "of", "15"]
    assert third == "photo 300, 100 – 400, 200"


def test_pointing_is_told_once_a_patch(canvas: Canvas) -> None:
    heard: list[object] = []
    canvas.hovered.connect(heard.append)
    point = middle(canvas, WHOLE, 1, 3)
    for shift in range(4):
        canvas.pointed(point.x() + shift, point.y())
    canvas.pointed(1, 1)
    assert heard == [(1, 3), None]


def test_clicking_a_patch_and_beside_the_photo(canvas: Canvas, qtbot: QtBot) -> None:
    heard: list[object] = []
    canvas.clicked.connect(heard.append)
    qtbot.mouseClick(canvas, LEFT, pos=middle(canvas, WHOLE, 2, 0))
    qtbot.mouseClick(canvas, LEFT, pos=QPoint(3, 3))
    assert heard == [(2, 0), None]


def test_what_the_model_did_not_see_is_called_so(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.show_map(made_map((3, 3)), CROPPED, (0.0, 1.0), Style())
    point = canvas.viewport.to_widget(30, 150)
    qtbot.mouseMove(canvas, QPointF(*point).toPoint())
    assert canvas.cursor_patch is None
    assert canvas.note is not None
    assert canvas.note.title == "not seen by the model"
    heard: list[object] = []
    canvas.clicked.connect(heard.append)
    qtbot.mouseClick(canvas, LEFT, pos=QPointF(*point).toPoint())
    assert heard == [None]


def test_dragging_moves_and_does_not_click(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.zoom_to(canvas.zoom * 4)
    heard: list[object] = []
    canvas.clicked.connect(heard.append)
    before = canvas.viewport
    qtbot.mousePress(canvas, LEFT, pos=QPoint(300, 200))
    qtbot.mouseMove(canvas, QPoint(340, 180))
    assert canvas.dragging
    qtbot.mouseRelease(canvas, LEFT, pos=QPoint(340, 180))
    assert (canvas.viewport.left, canvas.viewport.top) == (before.left + 40, before.top - 20)
    assert heard == []


def test_the_middle_button_and_space_move_at_once(canvas: Canvas, qtbot: QtBot) -> None:
    qtbot.mousePress(canvas, Qt.MouseButton.MiddleButton, pos=QPoint(300, 200))
    assert canvas.dragging
    qtbot.mouseRelease(canvas, Qt.MouseButton.MiddleButton, pos=QPoint(300, 200))
    qtbot.keyPress(canvas, Qt.Key.Key_Space)
    assert canvas.cursor().shape() == Qt.CursorShape.OpenHandCursor
    qtbot.mousePress(canvas, LEFT, pos=QPoint(300, 200))
    assert canvas.dragging
    qtbot.mouseRelease(canvas, LEFT, pos=QPoint(300, 200))
    qtbot.keyRelease(canvas, Qt.Key.Key_Space)
    assert not canvas.dragging
    assert canvas.cursor().shape() == Qt.CursorShape.ArrowCursor


def test_the_wheel_zooms_around_the_pointer(canvas: Canvas) -> None:
    zooms: list[float] = []
    canvas.zoom_changed.connect(zooms.append)
    at = QPointF(middle(canvas, WHOLE, 1, 2))
    photo = canvas.viewport.to_photo(at.x(), at.y())
    turn_wheel(canvas, at, 3)
    assert canvas.viewport.to_widget(*photo) == pytest.approx((at.x(), at.y()))
    assert zooms[-1] == canvas.zoom
    assert not canvas.is_fitted


@pytest.mark.parametrize("back", [Canvas.fit, None])
def test_fitting_again(canvas: Canvas, qtbot: QtBot, back: Callable[[Canvas], None] | None) -> None:
    fitted = canvas.viewport
    canvas.zoom_in()
    canvas.zoom_in()
    assert canvas.viewport != fitted
    if back is None:
        qtbot.mouseDClick(canvas, LEFT, pos=QPoint(300, 200))
    else:
        back(canvas)
    assert canvas.viewport == fitted


def test_actual_size_is_one_device_pixel_a_photo_pixel(canvas: Canvas) -> None:
    canvas.actual_size()
    assert canvas.zoom == 1.0
    canvas.zoom_in()
    canvas.zoom_out()
    assert canvas.zoom == pytest.approx(1.0)


def test_a_fitted_photo_stays_fitted_when_resized(canvas: Canvas) -> None:
    canvas.resize(900, 600)
    box = canvas.on_widget(WHOLE.seen)
    assert QRectF(canvas.rect()).contains(box)
    assert box.width() > 640


def test_arrows_move_and_enter_chooses(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.set_query(((1, 1),))
    clicked: list[object] = []
    canvas.clicked.connect(clicked.append)
    places = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Up):
        qtbot.keyClick(canvas, key)
        places.append(canvas.cursor_patch)
    assert places == [(1, 1), (1, 2), (0, 2), (0, 2), (0, 2)]
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert clicked == [(0, 2)]


def test_the_keyboard_brings_its_patch_into_sight(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.zoom_to(8)
    for _ in range(6):
        qtbot.keyClick(canvas, Qt.Key.Key_Down)
    assert canvas.cursor_patch == (2, 2)
    assert canvas.on_widget(WHOLE.patch_box(2, 2)).intersects(QRectF(canvas.rect()))


def test_only_the_keyboard_gets_a_focus_ring(canvas: Canvas) -> None:
    canvas.setFocus()
    for reason, ring in (
        (Qt.FocusReason.TabFocusReason, True),
        (Qt.FocusReason.MouseFocusReason, False),
    ):
        canvas.focusInEvent(QFocusEvent(QFocusEvent.Type.FocusIn, reason))
        assert canvas.shows_focus == (ring and canvas.hasFocus())


def test_another_photo_starts_fresh(canvas: Canvas) -> None:
    canvas.set_query(((1, 1),))
    canvas.pointed(*canvas.viewport.to_widget(250, 150))
    canvas.zoom_in()
    canvas.set_message("Oh", "no")
    canvas.set_photo(made_photo(1, (600, 300)), pyramid(made_photo(1, (600, 300)).pixels))
    assert canvas.heat_map is None
    assert canvas.query == ()
    assert canvas.cursor_patch is None
    assert canvas.is_fitted
    assert canvas.message == ("", "")
    assert canvas.note is None


def test_the_same_photo_keeps_the_view(canvas: Canvas) -> None:
    photo = made_photo()
    canvas.set_photo(photo)
    canvas.zoom_in()
    view = canvas.viewport
    canvas.set_photo(photo)
    assert canvas.viewport == view


def test_a_map_of_another_photo_is_not_drawn(canvas: Canvas) -> None:
    other = Geometry((200, 100), (48, 80), (0, 0), (48, 80), 16)
    canvas.show_map(made_map(), other, (0.0, 1.0), Style())
    assert canvas.patch_under(*canvas.viewport.to_widget(250, 150)) is None
    painted(canvas)


def test_a_smaller_grid_takes_the_cursor_away(canvas: Canvas) -> None:
    point = middle(canvas, WHOLE, 2, 4)
    canvas.pointed(point.x(), point.y())
    canvas.show_map(made_map((3, 3)), CROPPED, (0.0, 1.0), Style())
    assert canvas.cursor_patch is None


def test_the_screen_shows_what_is_exported(canvas: Canvas) -> None:
    """At actual size, away from marks, every pixel is ``composite``'s, but for rounding."""
    style = Style(grid=False)
    canvas.show_map(made_map(), WHOLE, (0.0, 1.0), style)
    canvas.actual_size()
    picture = painted(canvas)
    expected = composite(made_photo().pixels, made_map().values, WHOLE, style, 0.0, 1.0)
    left, top = canvas.viewport.left, canvas.viewport.top
    canvas.move_by(round(left) - left, round(top) - top)
    picture = painted(canvas)
    left, top = round(canvas.viewport.left), round(canvas.viewport.top)
    checked = 0
    for x in range(8, 420, 13):
        for y in range(5, 295, 11):
            if not (0 <= left + x < 500 and 0 <= top + y < 420):
                continue
            seen = picture.pixelColor(left + x, top + y).getRgb()[:3]
            assert seen == pytest.approx(tuple(int(c) for c in expected[y, x]), abs=4)
            checked += 1
    assert checked > 300


@pytest.mark.parametrize("style", [Style(), Style(smooth=False, fade=False, grid=False)])
@pytest.mark.parametrize("geometry", [WHOLE, CROPPED])
def test_it_paints_in_every_state(canvas: Canvas, geometry: Geometry, style: Style) -> None:
    canvas.show_map(made_map(geometry.grid), geometry, (0.0, 1.0), style)
    canvas.set_query(((1, 1),))
    canvas.set_busy("Running")
    for zoom in (canvas.zoom, 0.1, 30.0):
        canvas.zoom_to(zoom)
        canvas.pointed(300, 200)
        assert not painted(canvas).isNull()
    canvas.set_message("No", "A reason")
    painted(canvas)
    canvas.set_photo(None)
    assert not painted(canvas).isNull()


def test_a_map_with_nothing_finite_or_nothing_to_tell_apart(canvas: Canvas) -> None:
    for value in (np.nan, 0.25):
        flat = map_of(np.full(GRID, value, np.float32), "attention", (), 0, 1)
        canvas.show_map(flat, WHOLE, (0.25, 0.25), Style())
        painted(canvas)
    assert canvas.colour_bar is not None
    assert ticks_along(canvas.colour_bar, 300).labels == ("0.25",)


@pytest.mark.parametrize("x", [0.0, 130.0, 560.0])
@pytest.mark.parametrize("y", [0.0, 200.0, 380.0])
def test_a_note_is_never_cut_and_never_on_its_patch(x: float, y: float) -> None:
    area, patch = QRectF(0, 0, 600, 400), QRectF(x, y, 40, 20)
    place = note_place(QSizeF(180, 60), patch, area)
    assert area.contains(place)
    assert not place.intersects(patch)


def test_the_photo_stays_where_it_is_from_layer_to_layer(canvas: Canvas) -> None:
    """Ends whose numbers are long and short, with and without a power of ten."""
    canvas.resize(420, 420)  # the bar beside the photo decides how large that is
    ends = [(0.0, 1.0), (0.0023, 0.1031), (1.1e-6, 7.3e-5), (0.0, 37.5), (0.0397, 0.0402)]
    places = []
    for low, high in ends:
        canvas.show_map(made_map(), WHOLE, (low, high), Style(scaling="log"))
        canvas.show_map(made_map(), WHOLE, (low, high), Style())
        places.append(canvas.on_widget(Box(0, 0, 500, 300)))
    assert len(set(map(repr, places))) == 1

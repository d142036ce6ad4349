"""The layers as a filmstrip of live maps, and the heads as chips below it.

The filmstrip is the slider, the overview and the animation in one.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import cast

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QIcon,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vitviz.engine.answers import Cell
from vitviz.gui.canvas.map_tile import tile_image
from vitviz.gui.scene import PaneDrop, Scene
from vitviz.gui.threads.service import Preview
from vitviz.gui.widgets.drops import drag, drop_data
from vitviz.gui.widgets.form import MARGIN
from vitviz.gui.widgets.text import PlainLabel
from vitviz.maps.heat_map import Fusion, Head
from vitviz.maps.ranges import look
from vitviz.maps.style import Style
from vitviz.methods import METHODS
from vitviz.session.state import View
from vitviz.wording.names import capitalised, head_name, layer_name

PLAY_MS = 450
"""Between layers while playing, in milliseconds: slow enough to see each."""

DRAG_FROM = 8
"""Widget pixels beyond the strip from which a held layer is dragged away."""

FUSIONS: tuple[Fusion, ...] = ("mean", "max", "min")


class Filmstrip(QWidget):
    """One small map a layer; the chosen one is framed, and can be dragged to a pane of Compare.

    Signals:
        layer_chosen(int): The user chose this layer, from 0.
    """

    layer_chosen = Signal(int)

    GAP = 8
    EDGE = 4  # room for the frame of the chosen tile
    LEAST = 32  # narrower tiles rather stand in two lines, or scroll
    MOST_LINES = 3
    WIDEST = 170
    LOW = 52
    USUAL = 12  # layers, as long as nobody knows

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Layers")
        self.setMouseTracking(True)
        self.setMinimumHeight(self.LOW)
        self._cell: Cell | None = None
        self._view = View()
        self._style = Style()
        self._preview: Preview | None = None
        self._tiles: dict[int, QImage] = {}
        self._todo: list[int] = []
        self._before: int | None = None  # the layer when the button went down
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._draw_next)

    @property
    def layers(self) -> tuple[int, ...]:
        return self._cell.explanation.layers if self._cell else ()

    @property
    def layer(self) -> int:
        """The chosen layer; -1 without an explanation."""
        return self._cell.explanation.nearest_layer(self._view.layer) if self._cell else -1

    @property
    def complete(self) -> bool:
        """Every tile shows what was chosen last."""
        return bool(self.layers) and not self._todo

    def show_cell(self, cell: Cell | None, view: View, style: Style,
                  preview: Preview | None) -> None:  # fmt: skip
        """Shows an explanation; only what changed is drawn again, after the canvas had its turn."""
        same_maps = (cell, view.head, view.outliers, style, preview) == (
            self._cell, self._view.head, self._view.outliers, self._style, self._preview
        )  # fmt: skip
        self._cell, self._view, self._style, self._preview = cell, view, style, preview
        outline = cell.outline if cell is not None else None
        words = capitalised(layer_name(self.layer, outline))
        self.setAccessibleDescription(f"{words} of {len(self.layers)}")
        if not same_maps:
            self.updateGeometry()
            self._redraw()
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self.update()

    def _redraw(self) -> None:
        chosen = self.layer
        # The chosen layer first, then its neighbours outwards.
        self._todo = sorted(self.layers, key=lambda layer: -abs(layer - chosen))
        self._timer.start()

    def _draw_next(self) -> None:
        if not self._todo or self._cell is None or self._preview is None:
            self._timer.stop()
            return
        layer = self._todo.pop()
        heat_map = self._cell.heat_map(replace(self._view, layer=layer))
        how = look(self._style, heat_map, self._cell.explained(self._view))
        self._tiles[layer] = tile_image(
            self._preview.thumbnail, heat_map, heat_map.geometry, *how,
            self.tile_size(), self.devicePixelRatioF(),
        )  # fmt: skip
        self.update()

    def tile_size(self) -> QSize:
        """Of one map, in widget pixels: as large as there is room, in the photo's own shape."""
        high = max(20, self.height() // self.lines - self._below)
        width = max(self.LEAST, min(round(high * self._ratio), self._widest(self.lines)))
        return QSize(width, round(width / self._ratio))

    @property
    def lines(self) -> int:
        """In how many lines the layers stand: in as few as leave each large enough."""
        for lines in range(1, self.MOST_LINES):
            high = max(20, self.height() // (lines + 1) - self._below)
            gains = round(high * self._ratio) > self._widest(lines)
            if self._widest(lines) >= self.LEAST or not gains:
                return lines
        return self.MOST_LINES

    def _widest(self, lines: int) -> int:
        """Width of a map where so many lines fill the width."""
        each = math.ceil(max(len(self.layers), 1) / lines)
        # Of the place it is in: it is itself as wide as its maps need.
        place = self.parentWidget()
        room = self.width() if place is None else place.width()
        return (room - 2 * self.EDGE + self.GAP) // each - self.GAP

    @property
    def _below(self) -> int:
        """What a line takes beside its maps: the numbers, and room for the frame."""
        return QFontMetrics(self.font()).height() + 2 * self.EDGE + 2

    def height_for(self, width: int) -> int:
        """What it fills at a width, in widget pixels: with one line, or as many as it needs."""
        for lines in range(1, self.MOST_LINES + 1):
            each = math.ceil((len(self.layers) or self.USUAL) / lines)
            wide = (width - 2 * self.EDGE + self.GAP) // each - self.GAP
            if wide >= self.LEAST or lines == self.MOST_LINES:
                break
        high = round(min(max(wide, self.LEAST), self.WIDEST) / self._ratio)
        return lines * (high + self._below)

    @property
    def _ratio(self) -> float:
        """Width over height of the photo, within reason."""
        ratio = self._preview.size[1] / self._preview.size[0] if self._preview else 1.5
        return min(max(ratio, 0.5), 2.2)

    def tile_rect(self, layer: int) -> QRect:
        """Where the map of a layer is drawn."""
        size = self.tile_size()
        each = math.ceil(len(self.layers) / self.lines)
        line, at = divmod(self.layers.index(layer), each)
        return QRect(self.EDGE + at * (size.width() + self.GAP),
                     self.EDGE + line * (size.height() + self._below),
                     size.width(), size.height())  # fmt: skip

    def sizeHint(self) -> QSize:
        return QSize(self.minimumSizeHint().width(), 86)

    def minimumSizeHint(self) -> QSize:
        each = math.ceil(len(self.layers) / self.lines)
        return QSize(2 * self.EDGE + each * (self.LEAST + self.GAP), self.LOW)

    def resizeEvent(self, event: object) -> None:
        self.updateGeometry()
        self._redraw()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        colours = self.palette()
        for layer in self.layers:
            rect, chosen = self.tile_rect(layer), layer == self.layer
            if layer in self._tiles:
                painter.drawImage(rect, self._tiles[layer])
            else:
                painter.fillRect(rect, colours.mid())
            if chosen:
                painter.setPen(QPen(colours.highlight(), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(rect.adjusted(-2, -2, 2, 2), 4, 4)
            text = QRect(rect.left(), rect.bottom() + 4, rect.width(), self._below)
            painter.setPen((colours.text() if chosen else colours.placeholderText()).color())
            top = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
            painter.drawText(text, top, str(layer + 1))
        painter.end()

    def layer_at(self, x: float, y: float) -> int | None:
        """The layer at a point; above and below the strip the nearest line's."""
        y = min(max(y, 0), self.lines * (self.tile_size().height() + self._below) - 1)
        for layer in self.layers:
            rect = self.tile_rect(layer).adjusted(0, -self.EDGE, 0, self._below - self.EDGE)
            if rect.left() <= x <= rect.right() + self.GAP and rect.top() <= y <= rect.bottom():
                return layer
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._before = self.layer
        self._choose_at(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Along the strip the layers are gone through; out of it, the layer is dragged."""
        if not event.buttons() & Qt.MouseButton.LeftButton or self._before is None:
            return
        if -DRAG_FROM <= event.position().y() <= self.height() + DRAG_FROM:
            self._choose_at(event)
        else:
            self._drag_away(self._before)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """A notch is a layer."""
        turned = event.angleDelta().y() or event.angleDelta().x()
        if turned and self.layers:
            at = self.layers.index(self.layer) + (1 if turned < 0 else -1)
            self.layer_chosen.emit(self.layers[min(max(at, 0), len(self.layers) - 1)])
        event.accept()

    def _drag_away(self, before: int) -> None:
        dragged, self._before = self.layer, None
        tile = self._tiles.get(dragged)
        if before != dragged:  # dragging a layer away is not choosing it
            self.layer_chosen.emit(before)
        if dragged >= 0:
            picture = QPixmap.fromImage(tile) if tile is not None else QPixmap()
            drag(self, drop_data(PaneDrop(layer=dragged)), picture)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        ends = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: -1}
        if not self.layers:
            super().keyPressEvent(event)
        elif event.key() in steps:
            at = self.layers.index(self.layer) + steps[Qt.Key(event.key())]
            self.layer_chosen.emit(self.layers[min(max(at, 0), len(self.layers) - 1)])
        elif event.key() in ends:
            self.layer_chosen.emit(self.layers[ends[Qt.Key(event.key())]])
        else:
            super().keyPressEvent(event)

    def _choose_at(self, event: QMouseEvent) -> None:
        layer = self.layer_at(event.position().x(), event.position().y())
        if layer is not None and layer != self.layer:
            self.layer_chosen.emit(layer)


class LayersPanel(QWidget):
    """The filmstrip with its play button, and the heads.

    Signals:
        layer_chosen(int): From 0.
        head_chosen(object): A head from 0, or a fusion.
        playing_changed(bool): The animation runs, or not.
        filling_changed(int): It fills another height than before, in widget pixels.
    """

    layer_chosen = Signal(int)
    head_chosen = Signal(object)
    playing_changed = Signal(bool)
    filling_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.filmstrip = Filmstrip()
        self.filmstrip.layer_chosen.connect(self.layer_chosen)
        self.play = QToolButton()
        self.play.setCheckable(True)
        self.play.setAccessibleName("Play layers")
        self.play.setToolTip("Play the layers one after another (P)")
        self.play.toggled.connect(self._play_toggled)
        self._play_icon = self._pause_icon = QIcon()
        self.ticker = QTimer(self)
        self.ticker.setInterval(PLAY_MS)
        self.ticker.timeout.connect(self._next)
        self._chips: dict[Head, QToolButton] = {}
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self._chip_clicked)
        self._filling = 0
        self._arrange()

    def _arrange(self) -> None:
        self._strip = scroll_area(self.filmstrip)
        player = QWidget()
        player.setObjectName("player")
        top = QHBoxLayout(player)
        top.setContentsMargins(0, 0, 0, 0)
        top.addWidget(self.play)
        top.addWidget(self._strip, 1)
        chips = QWidget()
        chips.setObjectName("chips")
        chips.installEventFilter(self)
        self._row = QHBoxLayout(chips)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(5)
        self._row.addStretch(1)
        self._chip_area = scroll_area(chips)
        self._chip_area.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._fit_chips()
        self._chip_area.horizontalScrollBar().rangeChanged.connect(self._fit_chips)
        label = PlainLabel("Heads")
        label.setProperty("quiet", True)
        label.setFixedHeight(QFontMetrics(self.font()).height() + 16)
        bottom = QHBoxLayout()
        bottom.addWidget(label, 0, Qt.AlignmentFlag.AlignTop)
        bottom.addWidget(self._chip_area, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, 6, MARGIN, 6)
        layout.setSpacing(3)
        layout.addWidget(player, 1)
        layout.addLayout(bottom)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The wheel over the heads: a notch is a head."""
        if event.type() != QEvent.Type.Wheel or watched is not self._row.parentWidget():
            return bool(super().eventFilter(watched, event))
        turned = cast("QWheelEvent", event).angleDelta()
        heads, way = self.heads, turned.y() or turned.x()
        at = next((i for i, head in enumerate(heads) if self._chips[head].isChecked()), 0)
        to = min(max(at + (1 if way < 0 else -1), 0), len(heads) - 1)
        if way and heads and to != at:
            self.head_chosen.emit(heads[to])
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fill()

    @property
    def filling(self) -> int:
        """The height that the maps and the chips fill at this width, in widget pixels."""
        strip = self.filmstrip.height_for(self._strip.viewport().width())
        return strip + self._chip_area.height() + 15

    def _fill(self) -> None:
        """Takes no more than it fills: the rest is the photo's."""
        if (filling := self.filling) != self._filling:
            self._filling = filling
            self.setMaximumHeight(filling)
            self.filling_changed.emit(filling)

    def _fit_chips(self) -> None:
        """As high as the chips, and their scroll bar where they need one."""
        bar = self._chip_area.horizontalScrollBar()
        room = bar.sizeHint().height() + 2 if bar.maximum() > 0 else 0
        self._chip_area.setFixedHeight(QFontMetrics(self.font()).height() + 16 + room)
        self._fill()

    def show_scene(self, scene: Scene) -> None:
        """Shows the layers and heads of the answer."""
        cell, view = scene.cell, scene.session.view
        self.filmstrip.show_cell(cell, view, scene.session.style, scene.preview)
        self.play.setEnabled(len(self.filmstrip.layers) > 1)
        if self.playing and not scene.playing:
            self.set_playing(False)
        self._fill()
        heads = cell.outline.heads if cell else 0
        names: list[Head] = [*FUSIONS, *range(heads)]
        if list(self._chips) != names:
            self._build_chips(names)
        has_heads = METHODS[view.method].has_heads
        self._chip_area.setEnabled(has_heads)
        head: Head = view.head if has_heads else "mean"
        chosen = head if head in self._chips else None
        if isinstance(head, int) and chosen is None and heads:
            chosen = heads - 1
        if chosen is not None:
            self._chips[chosen].setChecked(True)
            self._chip_area.ensureWidgetVisible(self._chips[chosen])
        if cell is not None:
            self._strip.ensureVisible(self.filmstrip.tile_rect(self.filmstrip.layer).center().x(),
                                      0, self.filmstrip.tile_size().width())  # fmt: skip

    @property
    def playing(self) -> bool:
        """The animation runs."""
        return self.play.isChecked()

    def set_playing(self, playing: bool) -> None:
        """Starts the animation, where there is something to play, or stops it."""
        self.play.setChecked(playing and self.play.isEnabled())
        self.playing_changed.emit(self.playing)

    @property
    def chips(self) -> list[QToolButton]:
        """One button for each of ``heads``."""
        return list(self._chips.values())

    @property
    def heads(self) -> list[Head]:
        """The chips, in order."""
        return list(self._chips)

    def set_icons(self, play: QIcon, pause: QIcon) -> None:
        """The play button's icons in the theme's colours."""
        self._play_icon, self._pause_icon = play, pause
        self.play.setIcon(pause if self.play.isChecked() else play)

    def _build_chips(self, names: list[Head]) -> None:
        for chip in self._chips.values():
            self._group.removeButton(chip)
            self._row.removeWidget(chip)
            chip.deleteLater()
        self._chips = {}
        for index, name in enumerate(names):
            chip = QToolButton()
            chip.setCheckable(True)
            chip.setText(name if isinstance(name, str) else str(name + 1))
            chip.setAccessibleName(f"{name} of all heads" if isinstance(name, str)
                                   else capitalised(head_name(name)))  # fmt: skip
            self._group.addButton(chip, index)
            self._row.insertWidget(index, chip)
            self._chips[name] = chip

    def _chip_clicked(self, index: int) -> None:
        self.head_chosen.emit(self.heads[index])

    def _play_toggled(self, playing: bool) -> None:
        self.play.setIcon(self._pause_icon if playing else self._play_icon)
        if playing:
            self.ticker.start()
        else:
            self.ticker.stop()
        self.playing_changed.emit(playing)

    def _next(self) -> None:
        layers = self.filmstrip.layers
        if layers:
            at = layers.index(self.filmstrip.layer)
            self.layer_chosen.emit(layers[(at + 1) % len(layers)])


def scroll_area(widget: QWidget) -> QScrollArea:
    """A frameless area that scrolls sideways only."""
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area

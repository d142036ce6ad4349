"""Pan and zoom with every device: the part of the canvas that knows nothing of maps."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QGestureEvent,
    QPinchGesture,
    QWidget,
)

from vitviz.gui.canvas.pictures import Screen, on_widget
from vitviz.gui.canvas.viewport import Area, Viewport, bounded, fitted, showing, visible_part
from vitviz.imaging.geometry import Box

STEP = 1.25
"""Zoom of one notch of the wheel, and of one key press."""

NOTCH = 120.0
"""Eighths of a degree in one notch of a mouse wheel. Source: Qt's QWheelEvent::angleDelta."""

BY_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)

MARGIN = 26.0
"""Widget pixels around a fitted photo; room for row and column numbers."""


class PhotoView(QWidget):
    """A widget with a photo's coordinates that can be moved and zoomed.

    Dragging with the left button beyond the system's drag distance, with the middle button, or
    with the left one while Space is held, moves the photo. The wheel and pinching zoom around the
    pointer. A double click fits the photo.

    Signals:
        zoom_changed(float): Device pixels per photo pixel; 1.0 is actual size.
        sight_changed(): Somebody moved, zoomed or fitted the photo; not where it only followed
            another (``look_like``) or was fitted to another size.
    """

    zoom_changed = Signal(float)
    sight_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.grabGesture(Qt.GestureType.PinchGesture)
        self._viewport = Viewport()
        self._photo_size: tuple[int, int] | None = None
        self._margins = (0.0, 0.0, 0.0)
        self._area = Area(0, 0, 1, 1)
        self._is_fitted = True
        self._press: QPointF | None = None
        self._last = QPointF()
        self._dragging = False
        self._space = False
        self._focus_by_keyboard = False

    # What is in sight

    @property
    def viewport(self) -> Viewport:
        """Where the photo lies on the widget."""
        return self._viewport

    @property
    def zoom(self) -> float:
        """Device pixels per photo pixel; 1.0 is actual size."""
        return self._viewport.scale * self.devicePixelRatioF()

    @property
    def photo_size(self) -> tuple[int, int] | None:
        """Height and width of the photo; None where there is none."""
        return self._photo_size

    @property
    def is_fitted(self) -> bool:
        """Whether the photo is kept fitted when the widget is resized."""
        return self._is_fitted

    @property
    def screen_pixels(self) -> Screen:
        """The pixels it is drawn on."""
        return Screen(self.size(), self.devicePixelRatioF())

    @property
    def dragging(self) -> bool:
        """Whether the photo is being moved just now."""
        return self._dragging

    def set_photo_size(self, size: tuple[int, int] | None) -> None:
        """Height and width of another photo, which is then fitted; None: there is none."""
        self._photo_size = size
        self._fit()

    def set_margins(self, *, left: float = 0.0, right: float = 0.0, bottom: float = 0.0) -> None:
        """Keeps some widget pixels free beside a fitted photo."""
        margins = (left, right, bottom)
        if any(abs(new - old) > 0.5 for new, old in zip(margins, self._margins, strict=True)):
            self._margins = margins
            self._keep_in_middle()

    def fit(self) -> None:
        """Shows the whole photo, as large as it goes, and keeps it so when resized."""
        self._fit()
        self.sight_changed.emit()

    def _fit(self) -> None:
        self._is_fitted = True
        if self._photo_size is not None:
            self._look(fitted(self._photo_size, self._fit_area()))
        self.update()

    def actual_size(self) -> None:
        """One photo pixel on one device pixel, around the middle of the widget."""
        self.zoom_to(1.0)

    def zoom_in(self) -> None:
        """One step closer."""
        self.zoom_to(self.zoom * STEP)

    def zoom_out(self) -> None:
        """One step away."""
        self.zoom_to(self.zoom / STEP)

    def zoom_to(self, zoom: float, around: QPointF | None = None) -> None:
        """Another zoom, with one point of the widget staying where it is.

        Args:
            zoom: Device pixels per photo pixel.
            around: The point; the middle where it is missing.
        """
        if self._photo_size is None:
            return
        point = around if around is not None else QRectF(self.rect()).center()
        fit = fitted(self._photo_size, self._fit_area()).scale
        scale = bounded(zoom / self.devicePixelRatioF(), fit)
        self._is_fitted = False
        self._look(self._viewport.scaled(scale, point.x(), point.y()))
        self.sight_changed.emit()

    def look_like(self, other: PhotoView) -> None:
        """Shows the same part of the photo as another view; of another photo, the same part in
        relative terms.
        """
        if self._photo_size is None or other._photo_size is None:
            return
        if other.is_fitted:
            if not self._is_fitted:
                self._fit()
            return
        self._is_fitted = False
        area, other_area = self._fit_area(), other._fit_area()
        if (self._photo_size, area) == (other._photo_size, other_area):
            self._look(other.viewport)  # exactly, so that both can show one picture
        else:
            wanted = visible_part(other.viewport, other._photo_size, other_area)
            self._look(showing(wanted, self._photo_size, area))

    def move_by(self, dx: float, dy: float) -> None:
        """Moves the photo by some widget pixels."""
        self._is_fitted = False
        self._look(self._viewport.moved(dx, dy))
        self.sight_changed.emit()

    def reveal(self, box: QRectF) -> None:
        """Moves the photo as little as needed to bring a box of the widget into sight."""
        room = QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        dx = max(room.left() - box.left(), 0.0) or min(room.right() - box.right(), 0.0)
        dy = max(room.top() - box.top(), 0.0) or min(room.bottom() - box.bottom(), 0.0)
        if (dx or dy) and not self._is_fitted:
            self.move_by(dx, dy)

    def on_widget(self, box: Box) -> QRectF:
        """Where a box of the photo lies on the widget."""
        return on_widget(self._viewport, box)

    def _keep_in_middle(self) -> None:
        """After the room for the photo changed: fits it again, or keeps its zoom and the point
        that is in the middle.
        """
        before, self._area = self._area, self._fit_area()
        if self._is_fitted:
            self._fit()
        else:
            right = self._area.left + self._area.width / 2 - before.left - before.width / 2
            down = self._area.top + self._area.height / 2 - before.top - before.height / 2
            self._look(self._viewport.moved(right, down))

    def _fit_area(self) -> Area:
        margin = min(MARGIN, self.width() / 12, self.height() / 12)
        left, right, bottom = self._margins
        return Area(
            margin + left,
            margin,
            max(self.width() - 2 * margin - left - right, 1.0),
            max(self.height() - margin - max(margin, bottom), 1.0),
        )

    def _look(self, viewport: Viewport) -> None:
        if self._photo_size is not None and not self._is_fitted:
            viewport = viewport.kept_in(
                self._photo_size, Area(0, 0, float(self.width()), float(self.height()))
            )
        old = self._viewport
        if viewport == old:
            return
        self._viewport = viewport
        if viewport.scale != old.scale:
            self.zoom_changed.emit(self.zoom)
        self.update()

    # Qt's events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._keep_in_middle()

    def event(self, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.NativeGesture:
            return self._native_gesture(cast(QNativeGestureEvent, event))
        if kind == QEvent.Type.Gesture:
            return self._gesture(cast(QGestureEvent, event))
        if kind == QEvent.Type.DevicePixelRatioChange and self._is_fitted:
            self._fit()
        return bool(super().event(event))

    def _native_gesture(self, event: QNativeGestureEvent) -> bool:
        if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
            return False
        self.zoom_to(self.zoom * (1 + event.value()), event.position())
        return True

    def _gesture(self, event: QGestureEvent) -> bool:
        pinch = event.gesture(Qt.GestureType.PinchGesture)
        if not isinstance(pinch, QPinchGesture):
            return False
        centre = QPointF(self.mapFromGlobal(pinch.centerPoint().toPoint()))
        self.zoom_to(self.zoom * pinch.scaleFactor(), centre)
        event.accept(pinch)
        return True

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        if turned and self._photo_size is not None:
            self.zoom_to(self.zoom * STEP ** (turned / NOTCH), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._press = self._last = event.position()
            moves_at_once = self._space or event.button() == Qt.MouseButton.MiddleButton
            self._set_dragging(moves_at_once and self._photo_size is not None)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None or self._photo_size is None:
            return
        way = event.position() - self._press
        if not self._dragging and way.manhattanLength() >= QApplication.startDragDistance():
            self._set_dragging(True)
        if self._dragging:
            step = event.position() - self._last
            self._last = event.position()
            self.move_by(step.x(), step.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, moved = self._press is not None, self._dragging
        self._press = None
        self._set_dragging(False)
        if pressed and not moved and event.button() == Qt.MouseButton.LeftButton:
            self.pressed_and_released(event.position().x(), event.position().y())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._space = True
                self._show_pointer()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self._show_pointer()
        else:
            super().keyReleaseEvent(event)

    @property
    def shows_focus(self) -> bool:
        """Whether to draw a focus ring: the focus came by the keyboard."""
        return self.hasFocus() and self._focus_by_keyboard

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._focus_by_keyboard = event.reason() in BY_KEYBOARD
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._space = False
        self._show_pointer()
        super().focusOutEvent(event)

    def pressed_and_released(self, x: float, y: float) -> None:
        """Called for a click that was not a drag, with the widget's point."""

    def _set_dragging(self, dragging: bool) -> None:
        self._dragging = dragging
        self._show_pointer()
        self.update()

    def _show_pointer(self) -> None:
        if self._dragging:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.unsetCursor()

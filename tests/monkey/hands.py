"""What the monkey can do to widgets: keys, mouse, drops, and answers to dialogs."""

from __future__ import annotations

import random
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDesktopServices,
    QDrag,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QWheelEvent,
)  # fmt: skip
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QColorDialog,
    QDialog,
    QFileDialog,
    QMenu,
    QMessageBox,
    QWidget,
)  # fmt: skip

from tests.monkey.files import Files

KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Return,
    Qt.Key.Key_Space, Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape, Qt.Key.Key_Delete,
    Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Period,
    Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_0, Qt.Key.Key_7, Qt.Key.Key_A, Qt.Key.Key_G,
)  # fmt: skip
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
LEFT, RIGHT, NO_BUTTON = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton(0)
COPY = Qt.DropAction.CopyAction
Type = QEvent.Type


def called(widget: QWidget) -> str:
    """A widget's kind and name."""
    name = widget.objectName() or widget.accessibleName()
    text = widget.text() if isinstance(widget, QAbstractButton) else ""
    return f"{type(widget).__name__} {name or text}".strip()


def inside(top: QWidget) -> list[QWidget]:
    """The visible widgets of a window, itself first."""
    return [top, *(w for w in top.findChildren(QWidget) if w.isVisible() and w.window() is top)]


def windows() -> list[QWidget]:
    """What is open, the main window and dialogs that do not block it."""
    tops = [w for w in QApplication.topLevelWidgets() if w.isVisible() and w.parent() is None]
    tops += [w for top in tops for w in top.findChildren(QDialog) if w.isVisible()]
    return tops


def some_widget(top: QWidget, rng: random.Random) -> QWidget:
    """A widget of a window, each kind as often as any other: most are labels."""
    found = inside(top)
    kind = rng.choice(sorted({type(widget).__name__ for widget in found}))
    return rng.choice([widget for widget in found if type(widget).__name__ == kind])


def point(widget: QWidget, rng: random.Random) -> QPoint:
    """Somewhere on a widget, now and then just outside."""
    return QPoint(
        round(rng.uniform(-0.05, 1.05) * widget.width()),
        round(rng.uniform(-0.05, 1.05) * widget.height()),
    )


def send_mouse(
    widget: QWidget, kind: Type, at: QPoint, button: Qt.MouseButton, held: Qt.MouseButton,
    modifiers: Qt.KeyboardModifier,
) -> None:  # fmt: skip
    event = QMouseEvent(kind, QPointF(at), QPointF(widget.mapToGlobal(at)), button, held, modifiers)
    QApplication.sendEvent(widget, event)


def key(top: QWidget, rng: random.Random) -> str:
    """A key on the widget that has the focus, or that gets it for this."""
    widget = QApplication.focusWidget() or top
    focusable = [w for w in inside(top) if w.focusPolicy() != Qt.FocusPolicy.NoFocus]
    if focusable and rng.random() < 0.6:
        widget = rng.choice(focusable)
        widget.setFocus()
    which, modifiers = rng.choice(KEYS), rng.choice((NONE, NONE, NONE, SHIFT))
    text = chr(which).lower() if 32 <= which < 127 else ""
    for kind in (Type.KeyPress, Type.KeyRelease):
        QApplication.sendEvent(widget, QKeyEvent(kind, which, modifiers, text))
    return f"key {which.name} on {called(widget)}"


def mouse(widget: QWidget, rng: random.Random) -> str:
    """A gesture: move, click, double click, drag, wheel or a context menu."""
    gesture = rng.choice(("move", "click", "click", "click", "double", "drag", "wheel", "menu"))
    at, modifiers = point(widget, rng), rng.choice((NONE, NONE, NONE, SHIFT))
    if gesture == "wheel":
        QApplication.sendEvent(widget, QWheelEvent(
            QPointF(at), QPointF(widget.mapToGlobal(at)), QPoint(),
            QPoint(0, rng.choice((-120, 120))), NO_BUTTON, modifiers,
            Qt.ScrollPhase.NoScrollPhase, False,
        ))  # fmt: skip
    elif gesture == "menu":
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, widget.mapToGlobal(at))
        QApplication.sendEvent(widget, event)
    elif gesture == "move":
        send_mouse(widget, Type.MouseMove, at, NO_BUTTON, NO_BUTTON, modifiers)
    else:
        _press(widget, gesture, at, point(widget, rng), modifiers)
    return f"{gesture} on {called(widget)} at {at.x()}, {at.y()}"


def _press(
    widget: QWidget, gesture: str, at: QPoint, to: QPoint, modifiers: Qt.KeyboardModifier
) -> None:
    send_mouse(widget, Type.MouseButtonPress, at, LEFT, LEFT, modifiers)
    if gesture == "drag":
        for step in (at + QPoint(20, 0), (at + to) / 2, to):
            send_mouse(widget, Type.MouseMove, step, NO_BUTTON, LEFT, modifiers)
        at = to
    send_mouse(widget, Type.MouseButtonRelease, at, LEFT, NO_BUTTON, modifiers)
    if gesture == "double":
        send_mouse(widget, Type.MouseButtonDblClick, at, LEFT, LEFT, modifiers)
        send_mouse(widget, Type.MouseButtonRelease, at, LEFT, NO_BUTTON, modifiers)


def drop(data: QMimeData, rng: random.Random) -> str:
    """Lets something fall on a widget that takes drops."""
    takers = [w for top in windows() for w in inside(top) if w.acceptDrops() and w.isEnabled()]
    if not takers:
        return "drop on nothing"
    target, modifiers = rng.choice(takers), rng.choice((NONE, NONE, SHIFT))
    at = target.rect().center()
    enter = QDragEnterEvent(at, COPY, data, LEFT, modifiers)
    enter.ignore()
    QApplication.sendEvent(target, enter)
    if enter.isAccepted():
        move = QDragMoveEvent(at, COPY, data, LEFT, modifiers)
        QApplication.sendEvent(target, move)
        QApplication.sendEvent(target, QDropEvent(QPointF(at), COPY, data, LEFT, modifiers))
    return f"drop on {called(target)}"


def drop_files(files: Files, rng: random.Random) -> str:
    paths = [files.some(rng) for _ in range(rng.choice((1, 1, 2, 3)))]
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return f"{drop(data, rng)} of {', '.join(path.name for path in paths)}"


def resize(window: QWidget, rng: random.Random) -> str:
    size = rng.randint(760, 1700), rng.randint(520, 1100)
    window.resize(*size)
    return f"resize to {size[0]} x {size[1]}"


def buttons_of(top: QWidget) -> list[QAbstractButton]:
    """Those that can be pressed."""
    return [w for w in inside(top) if isinstance(w, QAbstractButton) and w.isEnabled()]


def press_button(top: QWidget, rng: random.Random) -> str:
    buttons = buttons_of(top)
    if not buttons:
        return "no button to press"
    button = rng.choice(buttons)
    words = f"press {called(button)} in {called(top)}"  # it may be gone afterwards
    button.click()
    return words


def answer(top: QWidget, rng: random.Random) -> str:
    """One step in a dialog or menu that blocks the window: it ends sooner or later."""
    if isinstance(top, QMenu):
        actions = [a for a in top.actions() if a.isEnabled() and not a.isSeparator()]
        leave = not actions or rng.random() < 0.4
        chosen = None if leave else rng.choice(actions)
        top.close()
        if chosen is None or chosen.objectName() == "file.quit" or chosen.menu():
            return "menu closed"
        chosen.trigger()
        return f"menu: {chosen.text()}"
    buttons = buttons_of(top)
    how = rng.choice(("button", "button", "key", "mouse", "mouse", "close"))
    if how == "button" and buttons:
        return press_button(top, rng)
    if how == "key":
        return key(top, rng)
    if how == "mouse":
        return mouse(some_widget(top, rng), rng)
    if isinstance(top, QMessageBox) and buttons:  # one without Cancel does not close
        buttons[-1].click()
    top.close()
    return f"close {called(top)}"


def replace_native(files: Files, rng: random.Random) -> None:
    """Has functions answer in place of what runs an event loop that nobody could answer.

    Args:
        files: Whose paths the file dialogs give, or none.
        rng: Chooses.
    """

    def chosen(parent: object, title: str, *_: object) -> str:
        kind = "model" if "checkpoint" in title else "session" if "session" in title else "photo"
        return str(files.some(rng, kind)) if rng.random() < 0.7 else ""

    def saved(parent: object, title: str, suggested: str = "", *_: object) -> tuple[str, str]:
        name = Path(suggested).name or "something"
        folder = rng.choice((files.out, files.out, files.folder / "nowhere"))
        return str(folder / name) if rng.random() < 0.7 else "", ""

    def folder(*_: object) -> str:
        return str(files.some(rng, "folder")) if rng.random() < 0.7 else ""

    def several(*args: object) -> tuple[list[str], str]:
        return list(filter(None, (chosen(*args), chosen(*args)))), ""  # type: ignore[arg-type]

    def dragged(journey: QDrag, *_: object) -> Qt.DropAction:
        drop(journey.mimeData(), rng)
        return COPY

    QFileDialog.getOpenFileName = staticmethod(lambda *args: (chosen(*args), ""))
    QFileDialog.getOpenFileNames = staticmethod(several)
    QFileDialog.getSaveFileName = staticmethod(saved)
    QFileDialog.getExistingDirectory = staticmethod(folder)
    QColorDialog.getColor = staticmethod(
        lambda *_: (
            QColor(*(rng.randrange(256) for _ in range(3))) if rng.random() < 0.7 else QColor()
        )
    )
    QDrag.exec = dragged
    QDesktopServices.openUrl = staticmethod(lambda _: True)

"""The Compare view: up to six maps side by side, their difference, or one wiped over another."""

from __future__ import annotations

import math
from statistics import fmean

from PySide6.QtCore import QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QPalette,
)
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.canvas.still_layer import StillLayer
from vitviz.gui.scene import PaneState, Scene
from vitviz.gui.views.compare.invite import Invite
from vitviz.gui.views.compare.links import Links
from vitviz.gui.views.compare.maps import WIDGETS, CompareMaps
from vitviz.gui.views.compare.overlay import DropHint
from vitviz.gui.views.compare.pane import ComparePane
from vitviz.gui.views.compare.tile_grid import TileGrid
from vitviz.gui.views.compare.tools import CompareTools
from vitviz.gui.views.compare.wipe import Wipe
from vitviz.gui.views.compare.words import (
    agreement_words,
    difference_words,
    message_of,
    predicted_words,
    state_words,
    work_words,
)
from vitviz.gui.views.view import ViewWidget
from vitviz.gui.widgets import drops
from vitviz.gui.widgets.elided import ElidedLine
from vitviz.session.panes import pair_of
from vitviz.session.state import MOST_PANES, Arrangement
from vitviz.wording.headings import headings, in_common, letter
from vitviz.wording.trust import short_line

STEPS: dict[Qt.Key, tuple[int, int]] = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}

BAR_SLACK = 32.0
"""The room for colour bars shrinks only by more than this many widget pixels."""

LEAVE_MS = 120
"""How long a drag may be over nothing before the hint goes: on its way from pane to pane."""


class CompareView(ViewWidget):
    """Panes side by side.

    Signals:
        focused(int): This pane is to be the current one.
        removed(int): This pane is to go.
        moved(int, int): This pane is to go to that place.
        add_requested(): One more pane.
        split_requested(): Several, along something.
        dropped(object, int): A ``PaneDrop`` on this pane; the number of panes stands for a new one.
        query_chosen(int, object): A patch of the current pane was clicked: its centre on the photo.
        hovered(int, object): The patch (row, col) under the pointer in this pane, or None.
        linked_chosen(bool): Zoom, pan, cursor and query are to go together, or not.
        shared_chosen(bool): One range of colours, or not.
        arrangement_chosen(str): "panes", "difference" or "wipe".
        pair_chosen(int, int): The two panes to compare.
        retry_requested(int): What failed in this pane is to be tried again.
    """

    focused = Signal(int)
    removed = Signal(int)
    moved = Signal(int, int)
    add_requested = Signal()
    split_requested = Signal()
    dropped = Signal(object, int)
    query_chosen = Signal(int, object)
    hovered = Signal(int, object)
    linked_chosen = Signal(bool)
    shared_chosen = Signal(bool)
    arrangement_chosen = Signal(str)
    pair_chosen = Signal(int, int)
    retry_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAcceptDrops(True)
        self.tools = CompareTools()
        self.grid = TileGrid()
        self.wipe = Wipe()
        self.caption = ElidedLine(quiet=True)
        self.maps = CompareMaps()
        self.links = Links(self)
        self._still = StillLayer(WIDGETS)
        self._all_panes = [self._pane(index) for index in range(MOST_PANES)]
        self.difference = self._pane(-1)
        self.invite = Invite(self.grid)
        self.invite.hide()
        self._hint = DropHint(self)
        self._leaving = QTimer(self)
        self._leaving.setSingleShot(True)
        self._leaving.setInterval(LEAVE_MS)
        self._count, self._focus, self._pair = 1, 0, (0, 0)
        self._bar_room = 0.0
        self._arrangement: Arrangement = "panes"
        self._arrange()
        self._connect()

    def _pane(self, index: int) -> ComparePane:
        pane = ComparePane(index, self.grid)
        pane.canvas.share_pictures(self._still)
        pane.focused.connect(self._focus_on)
        pane.removed.connect(self.removed)
        pane.query_chosen.connect(self.query_chosen)
        pane.retried.connect(self.retry_requested)
        pane.dropped.connect(self._dropped_on)
        pane.pane_dropped.connect(self._move)
        pane.drag_entered.connect(self._show_hint)
        pane.drag_left.connect(self._hide_soon)
        pane.hide()
        return pane

    def _arrange(self) -> None:
        self.stack = QStackedWidget()
        self.stack.addWidget(self.grid)
        self.stack.addWidget(self.wipe)
        self.caption.setContentsMargins(14, 2, 14, 6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tools)
        layout.addWidget(self.stack, 1)
        layout.addWidget(self.caption)

    def _connect(self) -> None:
        tools = self.tools
        for mine, theirs in (
            (self.add_requested, tools.add_requested),
            (self.split_requested, tools.split_requested),
            (self.add_requested, self.invite.add_requested),
            (self.split_requested, self.invite.split_requested),
            (self.linked_chosen, tools.linked_chosen),
            (self.shared_chosen, tools.shared_chosen),
            (self.arrangement_chosen, tools.arrangement_chosen),
            (self.pair_chosen, tools.pair_chosen),
        ):
            theirs.connect(mine)
        self.links.pointed.connect(self._pointed)
        self.wipe.query_chosen.connect(self._wipe_clicked)
        self.wipe.pointed.connect(self._wipe_pointed)
        self._leaving.timeout.connect(self._hint.hide)

    # What is shown

    @property
    def panes(self) -> tuple[ComparePane, ...]:
        """The panes there are, in order."""
        return tuple(self._all_panes[: self._count])

    @property
    def canvas(self) -> Canvas:
        """That of the current pane; of a wipe, the first one."""
        if self._arrangement == "wipe":
            return self.wipe.first
        return self._all_panes[self._focus].canvas

    def on_turned_to(self) -> None:
        self.canvas.setFocus()

    def show_scene(self, scene: Scene) -> None:
        """Shows the panes, each as far as it has got."""
        states, session = scene.panes, scene.session
        compare = session.compare
        leader = self._leader(states)
        had_keys = any(pane.canvas.hasFocus() for pane in self.panes)
        turned = compare.focus != self._focus
        self._count, self._focus, self._pair = len(states), compare.focus, pair_of(session)
        self._arrangement = compare.arrangement if self._count > 1 else "panes"
        self.maps.set_states(states, session.style, compare.shared)
        self.tools.show_compare(compare, self._count, self._pair)
        panes, cells = [s.pane for s in states], [s.cell for s in states]
        words = headings(panes, cells)
        common = in_common(panes, cells) if self._count > 1 else ""
        self.caption.show_texts(f"In all: {common}")
        self.caption.setVisible(bool(common))
        self._show_panes(states, words)
        self._show_agreements(states)
        self.show_trust(scene)
        if self._arrangement == "wipe":
            self._show_wipe(states, words)
        else:
            self._show_grid(states)
        if compare.linked:
            self.canvas.look_like(leader)
        self.wipe.links.follow(self.wipe.first)
        self.links.set_linked(compare.linked, self.canvas)
        if had_keys and turned:
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_trust(self, scene: Scene) -> None:
        """A short line in each pane."""
        for pane, state in zip(self.panes, scene.trust, strict=False):
            pane.show_trust(short_line(state.trust) if state.trust is not None else "")

    def _leader(self, states: tuple[PaneState, ...]) -> Canvas:
        """The canvas that others look like: one in sight that keeps its photo, the current one
        first.
        """
        if self._arrangement == "wipe":
            return self.wipe.first
        for pane in (self._all_panes[self._focus], *self.panes):
            stays = pane.index < len(states)
            if stays and states[pane.index].opened is pane.canvas.content.opened is not None:
                return pane.canvas
        return self.canvas

    def _show_panes(self, states: tuple[PaneState, ...], words: tuple[str, ...]) -> None:
        several = self._count > 1
        for pane, state, heading in zip(self.panes, states, words, strict=True):
            index = pane.index
            current = several and index == self._focus
            name = letter(index) if several else ""
            pane.show_frame(name, heading, current=current, removable=several)
            pane.show_map(self.maps.content(index))
            pane.show_state(message_of(state), work_words(state, "Working"),
                            state.error)  # fmt: skip

    def _show_agreements(self, states: tuple[PaneState, ...]) -> None:
        """How each map agrees with one; where models differ, also what each of them predicts."""
        first, _ = self._pair
        cells = [state.cell if state.error is None else None for state in states]
        several_models = len({state.pane.model for state in states}) > 1
        for pane in self.panes:
            words = ""
            if self._count > 1 and pane.index != first:
                found = self.maps.agreement(first, pane.index)
                other = self.maps.other_photos(first, pane.index)
                words = agreement_words(found, letter(first), other_photos=other)
            predicted = predicted_words(cells[pane.index]) if several_models else ""
            pane.show_agreement(" · ".join(filter(None, (predicted, words))))

    def _show_grid(self, states: tuple[PaneState, ...]) -> None:
        tiles: list[QWidget] = list(self.panes)
        if self._arrangement == "difference":
            self._show_difference()
            tiles.append(self.difference)
        sizes = [s.opened.photo.size for s in states if s.opened is not None] or [(2, 3)]
        aspect = math.exp(fmean(math.log(width / height) for height, width in sizes))
        self.stack.setCurrentWidget(self.grid)
        beside = self.invite if self._count == 1 else None
        different = self._arrangement == "difference"
        self.grid.show_tiles(tiles, aspect, beside, stretched=different)
        shown = [*self.panes, *([self.difference] if self.difference in tiles else [])]
        canvases = [pane.canvas for pane in shown]
        self.links.set_canvases(canvases)
        needed = max(canvas.bar_room for canvas in canvases)
        # Not less than a moment ago, or every other layer would move all photos a little.
        if not needed <= self._bar_room <= needed + BAR_SLACK:
            self._bar_room = needed
        for canvas in canvases:
            canvas.keep_free(right=self._bar_room)

    def _show_difference(self) -> None:
        first, second = self._pair
        found = self.maps.difference(first, second)
        tile = self.difference
        tile.show_frame(f"{letter(second)} − {letter(first)}", difference_words(found),
                        current=False, removable=False)  # fmt: skip
        if found is not None:
            tile.show_map(found.content)
        else:
            tile.show_map(self.maps.without_map(first))
        tile.show_state("" if found else "Both maps are needed first", "", None)
        both = agreement_words(self.maps.agreement(first, second), "", other_photos=False)
        tile.show_agreement(f"{letter(first)} and {letter(second)}: {both}" if both else "")

    def _show_wipe(self, states: tuple[PaneState, ...], words: tuple[str, ...]) -> None:
        first, second = self._pair
        self.links.set_canvases(())
        self.stack.setCurrentWidget(self.wipe)
        self.wipe.show_pair(
            (letter(first), letter(second)), (words[first], words[second]),
            (self.maps.content(first), self.maps.content(second)),
        )  # fmt: skip
        other = self.maps.other_photos(first, second)
        found = self.maps.agreement(first, second)
        missing = [f"{letter(i)}: {state_words(states[i])}" for i in self._pair
                   if state_words(states[i])]  # fmt: skip
        agreement = agreement_words(found, letter(first), other_photos=other)
        self.wipe.show_agreement(" · ".join(missing) or agreement)

    # What the user does

    @Slot(int)
    def _focus_on(self, index: int) -> None:
        if index >= 0 and index != self._focus:
            self.focused.emit(index)

    @Slot(object, object)
    def _pointed(self, canvas: object, point: object) -> None:
        for pane in (*self.panes, self.difference):
            pane.show_numbers()
            if pane.canvas is canvas and pane.index >= 0:
                self.hovered.emit(pane.index, pane.canvas.cursor_patch)

    @Slot(int, object)
    def _wipe_pointed(self, which: int, point: object) -> None:
        canvas = self.wipe.second if which else self.wipe.first
        self.hovered.emit(self._pair[which], canvas.cursor_patch)

    @Slot(int, object)
    def _wipe_clicked(self, which: int, point: object) -> None:
        self.query_chosen.emit(self._pair[which], point)

    @Slot(int, int)
    def _move(self, index: int, to: int) -> None:
        if index != to and max(index, to) < self._count:
            self.moved.emit(index, to)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, keys = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
        removing = key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self._count > 1
        if removing and self._arrangement != "wipe":
            self.removed.emit(self._focus)
        elif key in STEPS and keys in (control, control | shift):
            down, right = STEPS[key]
            to = self._focus + right + down * self.grid.shape[1]
            if 0 <= to < self._count:
                (self._move if keys & shift else self._turn_to)(self._focus, to)
        else:
            super().keyPressEvent(event)

    def _turn_to(self, _: int, to: int) -> None:
        self._all_panes[to].canvas.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # Drag and drop

    @Slot(int, object)
    def _dropped_on(self, index: int, drop: object) -> None:
        self.dropped.emit(drop, index)

    @Slot()
    def _show_hint(self) -> None:
        """Where to drop for one more pane, while something is dragged over the view."""
        self._leaving.stop()
        if self._count == MOST_PANES:
            return
        place = self.tools.geometry().adjusted(4, 3, -4, -3)
        free = self.invite.geometry() if self.invite.isVisible() else self.grid.free_box()
        if free is not None and self.grid.isVisible():
            place = QRect(self.grid.mapTo(self, free.topLeft()), free.size())
        self._hint.setGeometry(place)
        self._hint.say("Drop here for one more pane")

    @Slot()
    def _hide_soon(self) -> None:
        self._leaving.start()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        data = event.mimeData()
        if drops.dropped(data) is not None and self._count < MOST_PANES:
            self._show_hint()
            drops.accept(event)
        elif drops.dropped_pane(data) is not None:
            drops.accept(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._hide_soon()

    def dropEvent(self, event: QDropEvent) -> None:
        self._hint.hide()
        drop, pane = drops.dropped(event.mimeData()), drops.dropped_pane(event.mimeData())
        if drop is not None and self._count < MOST_PANES:
            self.dropped.emit(drop, self._count)
        elif pane is not None:
            self._move(pane, self._count - 1)
        drops.accept(event)

"""The commands of the Compare view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QDialog

from vitviz.errors import VitvizError
from vitviz.gui.commands.exports import ExportCommands
from vitviz.gui.dialogs.split import SplitDialog
from vitviz.gui.dialogs.split_values import ranges
from vitviz.gui.scene import PaneDrop
from vitviz.session.panes import (
    add_pane,
    focus_pane,
    move_pane,
    pair_of,
    remove_pane,
    replace_pane,
    with_query,
    without_point,
)
from vitviz.session.split import Along, split
from vitviz.session.state import Arrangement, Pane, Query, Session, with_panes
from vitviz.wording.headings import letter


class PaneCommands(ExportCommands):
    """The commands that every ``Commands`` has and that panes come, go and are arranged by."""

    def _try(self, change: Callable[[], Session]) -> None:
        """Makes a change, or says why not."""
        try:
            self._set(change())
        except VitvizError as error:
            self.window.banner.show_error(error)

    def _compare(self, **choices: object) -> None:
        compare = replace(self.session.compare, **choices)  # type: ignore[arg-type]
        self._set(replace(self.session, compare=compare, tab="compare"))

    # Panes

    @Slot()
    def show_compare(self) -> None:
        self._set(replace(self.session, tab="compare"), "tab")

    @Slot()
    def add_pane(self) -> None:
        self._try(lambda: add_pane(self.session))

    @Slot()
    def remove_pane(self) -> None:
        self.remove_pane_at(self.session.compare.focus)

    @Slot(int)
    def remove_pane_at(self, index: int) -> None:
        self._set(remove_pane(self.session, index))

    @Slot(int)
    def focus_pane(self, index: int) -> None:
        """Makes a pane the current one: nothing that one would undo."""
        if index < len(self.session.panes):
            self.window.store.amend(focus_pane(self.session, index))

    @Slot()
    def next_pane(self) -> None:
        self._step_pane(1)

    @Slot()
    def previous_pane(self) -> None:
        self._step_pane(-1)

    def _step_pane(self, step: int) -> None:
        self.focus_pane((self.session.compare.focus + step) % len(self.session.panes))

    @Slot()
    def first_pane(self) -> None:
        self.focus_pane(0)

    @Slot()
    def second_pane(self) -> None:
        self.focus_pane(1)

    @Slot()
    def third_pane(self) -> None:
        self.focus_pane(2)

    @Slot()
    def fourth_pane(self) -> None:
        self.focus_pane(3)

    @Slot()
    def fifth_pane(self) -> None:
        self.focus_pane(4)

    @Slot()
    def sixth_pane(self) -> None:
        self.focus_pane(5)

    @Slot(int, int)
    def move_pane(self, index: int, to: int) -> None:
        if 0 <= to < len(self.session.panes):
            self._set(move_pane(self.session, index, to))

    @Slot()
    def move_pane_on(self) -> None:
        self.move_pane(self.session.compare.focus, self.session.compare.focus + 1)

    @Slot()
    def move_pane_back(self) -> None:
        self.move_pane(self.session.compare.focus, self.session.compare.focus - 1)

    # Splitting

    @Slot()
    def split(self) -> None:
        self._split("layers")

    @Slot()
    def split_layers(self) -> None:
        self._split("layers")

    @Slot()
    def split_heads(self) -> None:
        self._split("heads")

    @Slot()
    def split_methods(self) -> None:
        self._split("methods")

    @Slot()
    def split_models(self) -> None:
        self._split("models")

    @Slot()
    def split_photos(self) -> None:
        self._split("photos")

    @Slot()
    def split_classes(self) -> None:
        self._split("classes")

    def _split(self, along: Along) -> None:
        window = self.window
        if self.session.photo is None:
            self._try(lambda: add_pane(self.session))  # says what is missing
            return
        session, cell = self.session, window.controller.shown_cell
        known = ranges(session, cell, window.settings.recent("models"))
        dialog = SplitDialog(known, along, window)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            if dialog.along == "layers" and cell is not None:
                # "The last one" by its number, so that it is found among the others.
                layer = cell.heat_map(session.view).layer
                session = replace(session, view=replace(session.view, layer=layer))
            self._try(lambda: split(session, dialog.along, dialog.values))
        dialog.deleteLater()

    # How they are arranged

    @Slot()
    def toggle_linked(self) -> None:
        self._compare(linked=not self.session.compare.linked)

    @Slot(bool)
    def choose_linked(self, linked: bool) -> None:
        self._compare(linked=linked)

    @Slot()
    def toggle_shared(self) -> None:
        self._compare(shared=not self.session.compare.shared)

    @Slot(bool)
    def choose_shared(self, shared: bool) -> None:
        self._compare(shared=shared)

    @Slot(str)
    def choose_arrangement(self, arrangement: Arrangement) -> None:
        """The current pane is one of the two that are set against each other."""
        first, second = pair_of(self.session)
        focus = self.session.compare.focus
        pair = (first, second) if focus in (first, second) else (first, focus)
        self._compare(arrangement=arrangement, pair=pair)

    @Slot()
    def show_panes(self) -> None:
        self.choose_arrangement("panes")

    @Slot()
    def show_difference(self) -> None:
        self.choose_arrangement("difference")

    @Slot()
    def show_wipe(self) -> None:
        self.choose_arrangement("wipe")

    @Slot(int, int)
    def choose_pair(self, first: int, second: int) -> None:
        self._compare(pair=(first, second))

    @Slot()
    def pair_with_next(self) -> None:
        """The current pane and the one after it; the last one and the first."""
        focus, count = self.session.compare.focus, len(self.session.panes)
        if count > 1:
            self.choose_pair(focus, (focus + 1) % count)

    @Slot()
    def swap_pair(self) -> None:
        first, second = pair_of(self.session)
        self.choose_pair(second, first)

    # What happens in a pane

    @Slot(int)
    def retry_pane(self, index: int) -> None:
        self.window.controller.retry(index)

    @Slot(int, object)
    def choose_pane_query(self, index: int, point: Query) -> None:
        """The patch that was clicked; at the same place in all panes where they are linked."""
        session, sizes = self.session, self.window.controller.photo_sizes
        panes = with_query(session.panes, index, point, sizes, session.compare.linked)
        self._set(with_panes(session, panes, session.compare.focus), "query")

    @Slot(int, object)
    def hover_pane(self, index: int, patch: tuple[int, int] | None) -> None:
        """Says what is under the cursor; shows its map, where the map follows the cursor."""
        window, states = self.window, self.window.controller.pane_states
        cell = states[index].cell if index < len(states) else None
        if cell is None or patch is None:
            window.status.show_hovered("")
            window.controller.hover(None)
            return
        window.status.show_hovered(f"{letter(index)}: row {patch[0] + 1}, column {patch[1] + 1}")
        if window.preferences.follow_cursor:
            window.controller.hover(cell.geometry.patch_box(*patch).centre, index)

    @Slot(object, int)
    def drop_on_pane(self, drop: PaneDrop, index: int) -> None:
        """What was dropped on a pane, or beside the last one.

        A checkpoint is its model from then on; other files are opened as ever, and the first
        photo of them is shown in the pane.
        """
        session = self.session
        panes = session.panes
        pane = panes[index] if index < len(panes) else session.pane
        if drop.paths:
            found = self.window.documents.for_pane(session, pane, [Path(p) for p in drop.paths])
            if found is None:
                return
            session, pane = found
        else:
            pane = changed(pane, drop)
        if index < len(panes):
            changed_session = focus_pane(replace_pane(session, index, pane), index)
            self._set(replace(changed_session, tab="compare"))
        else:
            self._try(lambda: add_pane(session, pane, len(panes)))


def changed(pane: Pane, drop: PaneDrop) -> Pane:
    """The pane with what was dropped on it."""
    view = pane.view
    if drop.photo not in (None, pane.photo):
        pane, view = replace(pane, photo=drop.photo), without_point(view)
    if drop.layer is not None:
        view = replace(view, layer=drop.layer)
    if drop.head is not None:
        view = replace(view, head=drop.head)
    return replace(pane, view=view)

"""What each command does: mostly, puts another session into the store."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication

from vitviz.gui.commands.panes import PaneCommands
from vitviz.imaging.preprocess import InputChoice
from vitviz.maps.heat_map import Head
from vitviz.maps.style import Style
from vitviz.methods import METHODS
from vitviz.methods.base import Direction
from vitviz.models.loading import bundled
from vitviz.session.panes import with_frame, without_photos, without_point
from vitviz.session.state import View


class Commands(PaneCommands):
    """The commands of the menus, keys and panels.

    Args:
        window: The window they act on.
    """

    # Photos

    @Slot()
    def open_photos(self) -> None:
        self.window.documents.choose_photos()

    @Slot()
    def open_folder(self) -> None:
        self.window.documents.choose_folder()

    @Slot()
    def open_samples(self) -> None:
        self.window.documents.add_samples()

    @Slot()
    def paste(self) -> None:
        self.window.documents.paste(QGuiApplication.clipboard().mimeData())

    @Slot()
    def close_photo(self) -> None:
        self.close_photo_at(self.session.selected)

    @Slot(int)
    def close_photo_at(self, index: int) -> None:
        session = self.session
        if index < len(session.photos):
            self._set(without_photos(session, (session.photos[index],)))

    @Slot()
    def close_all_photos(self) -> None:
        self._set(without_photos(self.session, self.session.photos))

    @Slot(int)
    def select_photo(self, index: int) -> None:
        if index != self.session.selected and 0 <= index < len(self.session.photos):
            view = without_point(self.session.view)
            self._set(replace(self.session, selected=index, view=view), "photo")

    @Slot()
    def next_photo(self) -> None:
        self.select_photo(self.session.selected + 1)

    @Slot()
    def previous_photo(self) -> None:
        self.select_photo(self.session.selected - 1)

    @Slot()
    def next_frame(self) -> None:
        self._step_frame(1)

    @Slot()
    def previous_frame(self) -> None:
        self._step_frame(-1)

    def _step_frame(self, step: int) -> None:
        session, opened = self.session, self.window.controller.opened
        if session.photo is None or opened is None or opened.photo.frames < 2:
            return
        frame = (session.photo.frame + step) % opened.photo.frames
        self._set(with_frame(session, frame), "frame")

    # Sessions and files

    @Slot()
    def open_session(self) -> None:
        self.window.documents.choose_session()

    @Slot()
    def save_session(self) -> None:
        self.window.documents.save_session()

    @Slot()
    def save_session_as(self) -> None:
        self.window.documents.save_session_as()

    @Slot()
    def close(self) -> None:
        self.window.close()

    # Choices

    @Slot()
    def undo(self) -> None:
        self.window.store.undo()

    @Slot()
    def redo(self) -> None:
        self.window.store.redo()

    @Slot(object, str)
    def choose_view(self, view: View, kind: str) -> None:
        self._set(replace(self.session, view=view), kind)

    @Slot(object, str)
    def choose_style(self, style: Style, kind: str) -> None:
        self._set(replace(self.session, style=style), kind)

    @Slot(object)
    def choose_input(self, choice: InputChoice) -> None:
        self._set(replace(self.session, input=choice))

    @Slot(str)
    def choose_device(self, device: str) -> None:
        self.set_preferences(replace(self.window.preferences, device=device))

    @Slot(int)
    def choose_layer(self, layer: int) -> None:
        view = replace(self.session.view, layer=layer)
        self._set(replace(self.session, view=view), "layer")

    @Slot(object)
    def choose_head(self, head: Head) -> None:
        self._set(replace(self.session, view=replace(self.session.view, head=head)), "head")

    @Slot(object)
    def choose_target(self, target: int | None) -> None:
        """The class that a map is about; None is the most probable one."""
        view = replace(self.session.view, target=target)
        self._set(replace(self.session, view=view), "target")

    @Slot(int, object)
    def open_head(self, layer: int, head: Head) -> None:
        """From the Heads view to the canvas."""
        view = replace(self.session.view, layer=layer, head=head)
        self._set(replace(self.session, view=view, tab="look"))

    @Slot(object)
    def choose_patch(self, patch: tuple[int, int] | None) -> None:
        cell = self.window.controller.shown_cell
        if cell is not None and patch is not None:
            centre = cell.geometry.patch_box(*patch).centre
            view = replace(self.session.view, query=centre)
            self._set(replace(self.session, view=view), "query")

    @Slot(int)
    def choose_token(self, token: int) -> None:
        """A patch, or a token that stands for none."""
        cell = self.window.controller.shown_cell
        if cell is None:
            return
        patch = cell.layout.patch(token)
        if patch is not None:
            self.choose_patch(patch)
        else:
            view = replace(self.session.view, query=cell.layout.prefix[token])
            self._set(replace(self.session, view=view), "query")

    @Slot()
    def query_cls(self) -> None:
        cell = self.window.controller.shown_cell
        prefix = cell.layout.prefix if cell else ()
        first = prefix[0] if prefix else "cls"
        if self.session.tab == "compare":
            self.choose_pane_query(self.session.compare.focus, first)
        else:
            view = replace(self.session.view, query=first)
            self._set(replace(self.session, view=view), "query")

    @Slot()
    def swap_direction(self) -> None:
        view = self.session.view
        if len(METHODS[view.method].directions) > 1:
            direction: Direction = "to" if view.direction == "of" else "of"
            self._set(replace(self.session, view=replace(view, direction=direction)))

    @Slot()
    def next_layer(self) -> None:
        self._step_layer(1)

    @Slot()
    def previous_layer(self) -> None:
        self._step_layer(-1)

    def _step_layer(self, step: int) -> None:
        filmstrip = self.window.panels.layers.filmstrip
        if filmstrip.layers:
            at = filmstrip.layers.index(filmstrip.layer) + step
            self.choose_layer(filmstrip.layers[min(max(at, 0), len(filmstrip.layers) - 1)])

    @Slot()
    def next_head(self) -> None:
        self._step_head(1)

    @Slot()
    def previous_head(self) -> None:
        self._step_head(-1)

    def _step_head(self, step: int) -> None:
        heads = self.window.panels.layers.heads
        head = self.session.view.head
        at = heads.index(head) if head in heads else 0
        self.choose_head(heads[(at + step) % len(heads)])

    @Slot()
    def next_class(self) -> None:
        self.window.panels.predictions.step(1)

    @Slot()
    def previous_class(self) -> None:
        self.window.panels.predictions.step(-1)

    @Slot()
    def find_class(self) -> None:
        self.window.panels.reveal(self.window.panels.predictions)
        self.window.panels.predictions.search.setFocus()

    @Slot()
    def toggle_play(self) -> None:
        layers = self.window.panels.layers
        layers.set_playing(not layers.playing)

    # Views

    @Slot(str)
    def choose_tab(self, tab: str) -> None:
        self._set(replace(self.session, tab=tab), "tab")  # type: ignore[arg-type]

    @Slot()
    def show_look(self) -> None:
        self.choose_tab("look")

    @Slot()
    def show_heads(self) -> None:
        self.choose_tab("heads")

    @Slot()
    def show_patches(self) -> None:
        self.choose_tab("patches")

    @Slot()
    def zoom_in(self) -> None:
        self.window.shown_canvas.zoom_in()

    @Slot()
    def zoom_out(self) -> None:
        self.window.shown_canvas.zoom_out()

    @Slot()
    def zoom_actual(self) -> None:
        self.window.shown_canvas.actual_size()

    @Slot()
    def zoom_fit(self) -> None:
        self.window.shown_canvas.fit()

    @Slot()
    def toggle_grid(self) -> None:
        style = self.session.style
        self.choose_style(replace(style, grid=not style.grid), "")

    @Slot()
    def toggle_smooth(self) -> None:
        style = self.session.style
        self.choose_style(replace(style, smooth=not style.smooth), "")

    @Slot()
    def toggle_follow(self) -> None:
        follow = not self.window.preferences.follow_cursor
        self.set_preferences(replace(self.window.preferences, follow_cursor=follow))

    @Slot()
    def toggle_full_screen(self) -> None:
        self.window.setWindowState(self.window.windowState() ^ Qt.WindowState.WindowFullScreen)

    @Slot()
    def reset_layout(self) -> None:
        self.window.panels.reset()

    # Models and work

    @Slot()
    def open_model(self) -> None:
        self.window.documents.choose_model()

    @Slot()
    def use_bundled_model(self) -> None:
        self.window.documents.use_model(bundled()[0].id)

    @Slot()
    def cancel(self) -> None:
        window, was_busy = self.window, self.window.service.is_busy
        window.controller.cancel()
        says_so = self.session.tab == "compare"  # in the pane
        if was_busy and not says_so and window.controller.shown_cell is None:
            window.banner.say(
                "Cancelled: this photo has no map yet.",
                (("Compute it", window.controller.retry),),
            )

    # The cursor

    @Slot(object)
    def on_hovered(self, patch: tuple[int, int] | None) -> None:
        """Says what is under the cursor; shows its map where the map follows the cursor."""
        window, cell = self.window, self.window.controller.shown_cell
        if cell is None or patch is None:
            window.status.show_hovered("")
            window.controller.hover(None)
            return
        value = cell.heat_map(self.session.view).values[patch]
        window.status.show_hovered(f"row {patch[0] + 1}, column {patch[1] + 1} · {value:.4g}")
        if window.preferences.follow_cursor:
            window.controller.hover(cell.geometry.patch_box(*patch).centre)

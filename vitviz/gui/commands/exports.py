"""The commands that export values and animations, and that copy what is looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QMimeData, Slot
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox, QWidget

from vitviz.engine.answers import Cell
from vitviz.exporting.animation import Animation, write_animation
from vitviz.exporting.clipboard import Shown, figure_picture, picture, values_text
from vitviz.exporting.map_files import write_map, write_values
from vitviz.figures.spec import Content
from vitviz.gui.commands.dialogs import DialogCommands
from vitviz.gui.dialogs.export_animation import AnimationDialog
from vitviz.gui.dialogs.export_data import DataDialog
from vitviz.gui.documents import MAP_FILTER
from vitviz.gui.threads.jobs import Job
from vitviz.imaging.photo import Photo
from vitviz.progress import Progress
from vitviz.session.state import Session


def ask_target(parent: QWidget, title: str, suggested: str, suffix: str) -> Path | None:
    """Asks where to write a file; None where the user thought better of it.

    Args:
        parent: Of the dialog.
        title: Of the dialog.
        suggested: A name with its suffix.
        suffix: Which the file gets, if its name has another or none.
    """
    kind = f"{suffix.removeprefix('.').upper()} (*{suffix})"
    name, _ = QFileDialog.getSaveFileName(parent, title, suggested, kind)
    if not name:
        return None
    path = Path(name)
    if path.suffix.lower() == suffix:
        return path
    path = path.with_name(path.name + suffix)
    # The dialog has asked about the name that was typed, not about this one.
    question = f"{path.name} already exists. Replace it?"
    yes = QMessageBox.StandardButton.Yes
    if path.exists() and QMessageBox.question(parent, title, question) != yes:
        return None
    return path


class ExportCommands(DialogCommands):
    """The commands that every ``Commands`` has and that export."""

    @Slot()
    def save_map(self) -> None:
        window, cell = self.window, self.window.controller.shown_cell
        opened, session = window.controller.opened, self.session
        if cell is None or opened is None:
            return
        layer = cell.heat_map(session.view).layer + 1
        suggested = f"{Path(cell.request.photo.path).stem}-{cell.request.method}-layer{layer}.png"
        name, kind = QFileDialog.getSaveFileName(window, "Save the map", suggested, MAP_FILTER)
        if not name:
            return
        path = Path(name)
        if not path.suffix:
            path = path.with_name(path.name + (".npy" if ".npy" in kind else ".png"))
        photo, said = opened.photo, window.preferences.disclosure
        self._write(path, lambda _: write_map(path, photo, cell, session, said))

    @Slot()
    def export_figure(self) -> None:
        """Asks how a figure is to be, and writes it; the choices stay in the session."""
        from vitviz.gui.figure.dialog import FigureDialog

        window = self.window
        dialog = FigureDialog(
            self.session, window.service.engine, window.controller.device,
            window.preferences.disclosure, window.settings.remembered("figure", ".pdf"), window,
        )  # fmt: skip
        dialog.exec()
        window.settings.remember("figure", dialog.form.suffix)
        window.store.amend(replace(self.session, figure=dialog.figure))
        if dialog.saved is not None:
            window.status.show_idle(f"Saved {dialog.saved.name}")
        dialog.deleteLater()

    @Slot()
    def export_data(self) -> None:
        window, cell = self.window, self.window.controller.shown_cell
        if cell is None:
            return
        session = self.session
        dialog = DataDialog(cell, session.view, session.style.smooth, window)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            wanted, suffix = dialog.wanted, dialog.suffix
            stem = f"{Path(cell.request.photo.path).stem}-{cell.request.method}"
            path = ask_target(window, "Export data", f"{stem}-values{suffix}", suffix)
            said = window.preferences.disclosure
            if path is not None:
                self._write(path, lambda _: write_values(path, cell, session, wanted, said))
        dialog.deleteLater()

    @Slot()
    def export_animation(self) -> None:
        window, cell = self.window, self.window.controller.shown_cell
        opened = window.controller.opened
        if cell is None or opened is None:
            return
        small = replace(opened.photo, pixels=opened.thumbnail)
        dialog = AnimationDialog(small, cell, self.session, window)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            animation, suffix = dialog.animation, dialog.suffix
            stem = f"{Path(cell.request.photo.path).stem}-{cell.request.method}-{animation.along}"
            path = ask_target(window, "Export animation", f"{stem}{suffix}", suffix)
            if path is not None:
                self._animate(path, opened.photo, cell, animation)
        dialog.deleteLater()

    def _animate(self, path: Path, photo: Photo, cell: Cell, animation: Animation) -> None:
        window, session = self.window, self.session
        answer, said = window.service.engine.answer, window.preferences.disclosure

        def work(progress: Progress) -> None:
            write_animation(path, photo, cell, session, animation, answer, progress, said)

        self._write(path, work)

    def _write(self, path: Path, work: Callable[[Progress], object]) -> None:
        def said(_: object) -> None:
            self.window.status.show_idle(f"Saved {path.name}")

        self.window.jobs.begin(Job(f"Writing {path.name}", work, said))

    @Slot()
    def copy_picture(self) -> None:
        """The map over the photo at its full size, with its colour bar; of Compare, every pane;
        of the other views what they show, as a figure.
        """
        window, session, shown = self.window, self.session, self._looked_at()
        if not shown:
            self.copy_view()
            return
        engine, device = window.service.engine, window.controller.device

        def draw(progress: Progress) -> object:
            if content := _as_figure(session):
                return figure_picture(session, content, engine, device, progress)
            shared = session.tab == "compare" and session.compare.shared
            return picture(shown, session.style, shared)

        window.jobs.begin(Job("Copying the picture", draw, self._copied))

    def _looked_at(self) -> list[Shown]:
        """The current pane, or in the Compare view every pane that has an answer."""
        states = self.window.controller.pane_states
        if self.session.tab != "compare":
            focus = self.session.compare.focus
            states = states[focus : focus + 1]
        return [
            Shown(state.opened.photo, state.cell, state.pane)
            for state in states if state.opened is not None and state.cell is not None
        ]  # fmt: skip

    def _copied(self, pixels: object) -> None:
        import numpy as np

        assert isinstance(pixels, np.ndarray)
        height, width = pixels.shape[:2]
        image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        QGuiApplication.clipboard().setImage(image.copy())
        self.window.status.show_idle(f"Copied a picture of {width} x {height} pixels")

    @Slot()
    def copy_view(self) -> None:
        """The view as it stands in the window."""
        QGuiApplication.clipboard().setPixmap(self.window.views.grab())
        self.window.status.show_idle("Copied the view")

    @Slot()
    def copy_values(self) -> None:
        """The map's values, for spreadsheets."""
        cell = self.window.controller.shown_cell
        if cell is None:
            return
        heat_map, data = cell.heat_map(self.session.view), QMimeData()
        data.setText(values_text(heat_map, "\t"))
        data.setData("text/csv", values_text(heat_map, ",").encode("ascii"))
        QGuiApplication.clipboard().setMimeData(data)
        rows, cols = heat_map.values.shape
        self.window.status.show_idle(f"Copied {rows} x {cols} values")


def _as_figure(session: Session) -> Content | None:
    """What a figure has to draw, because it is more than maps over photos; None where it is not."""
    if session.tab == "compare" and session.compare.arrangement == "difference":
        return "compare"
    contents: dict[str, Content] = {"heads": "heads", "patches": "patches"}
    return contents.get(session.tab)

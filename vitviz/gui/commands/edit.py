"""The Edit menu: undo, the clipboard, preferences."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QDialog

from vitviz.gui.commands.command import App, Menu
from vitviz.gui.commands.rules import has_map
from vitviz.gui.settings import Preferences
from vitviz.gui.theme import Theme
from vitviz.gui.threads.jobs import Job
from vitviz.progress import Progress

MENU = Menu("edit", "&Edit")
command = MENU.command


@command(
    "edit.undo", "&Undo", "Ctrl+Z", when=lambda scene: scene.can_undo,
    says=lambda scene: scene.undo_name,
)  # fmt: skip
def undo(app: App) -> None:
    app.store.undo()


@command(
    "edit.redo", "&Redo", "Ctrl+Shift+Z; Ctrl+Y", when=lambda scene: scene.can_redo,
    says=lambda scene: scene.redo_name,
)  # fmt: skip
def redo(app: App) -> None:
    app.store.redo()


@command("edit.paste", "&Paste Photo", "Ctrl+V", separated=True)
def paste(app: App) -> None:
    app.documents.paste(QGuiApplication.clipboard().mimeData())


@command("edit.copy", "&Copy Picture", "Ctrl+C")
def copy_picture(app: App) -> None:
    """What the view's row in ``VIEWS`` says: maps over photos with their colour bars, or a figure;
    without a map the view as it stands.
    """
    session, kind = app.store.session, app.views.kind
    states = app.controller.pane_states
    if not kind.all_panes:
        states = (states[session.compare.focus],)
    looked_at = [
        (state.pane, state.cell, state.opened.photo)
        for state in states if state.opened is not None and state.cell is not None
    ]  # fmt: skip
    if not looked_at:
        copy_view(app)
        return
    content = kind.copied(session)
    engine, device = app.service.engine, app.controller.device
    shared = kind.all_panes and session.compare.shared

    def draw(progress: Progress) -> object:
        from vitviz.exporting.clipboard import figure_picture, picture
        from vitviz.exporting.figure_files import PaneMap

        if content is not None:
            return figure_picture(session, content, engine, device, progress)
        return picture([PaneMap(*one) for one in looked_at], session.style, shared)

    def copied(made: object) -> None:
        from vitviz.exporting.clipboard import Picture

        assert isinstance(made, Picture)
        height, width = made.pixels.shape[:2]
        image = QImage(made.pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        QGuiApplication.clipboard().setImage(image.copy())
        app.status.show_idle(f"Copied a picture of {width} x {height} pixels", made.missing)

    app.jobs.begin(Job("Copying the picture", draw, copied))


@command("edit.copy_values", "Copy &Values", "Ctrl+Alt+C", when=has_map)
def copy_values(app: App) -> None:
    """The map's values, for spreadsheets."""
    cell = app.controller.shown_cell
    if cell is None:
        return
    from vitviz.exporting.clipboard import values_text

    heat_map, data = cell.heat_map(app.store.session.view), QMimeData()
    data.setText(values_text(heat_map, "\t"))
    data.setData("text/csv", values_text(heat_map, ",").encode("ascii"))
    QGuiApplication.clipboard().setMimeData(data)
    rows, cols = heat_map.values.shape[:2]
    app.status.show_idle(f"Copied {rows} x {cols} values")


@command("edit.copy_table", "Copy Values with &Numbers", when=has_map)
def copy_table(app: App) -> None:
    """The map's values under the numbers of their rows and columns."""
    cell = app.controller.shown_cell
    if cell is not None:
        from vitviz.exporting.clipboard import values_table

        heat_map = cell.heat_map(app.store.session.view)
        QGuiApplication.clipboard().setText(values_table(heat_map, "\t"))
        app.status.show_idle("Copied the values with their rows and columns")


@command("edit.copy_view", "Copy View as S&hown", "Ctrl+Shift+C")
def copy_view(app: App) -> None:
    """The view as it stands in the window."""
    QGuiApplication.clipboard().setPixmap(app.views.grab())
    app.status.show_idle("Copied the view")


@command("edit.preferences", "Pre&ferences…", "Ctrl+,", separated=True)
def show_preferences(app: App) -> None:
    from vitviz.gui.dialogs.preferences import PreferencesDialog

    session = app.store.session
    dialog = PreferencesDialog(app.preferences, session.background, app.devices, app.widget)
    before = app.preferences

    def look(theme: Theme) -> None:
        app.preferences = replace(before, theme=theme)
        app.apply_theme()

    dialog.theme_tried.connect(look)
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    look(before.theme)
    if accepted:
        set_preferences(app, dialog.preferences)
        app.store.set(replace(app.store.session, background=dialog.background))
    dialog.deleteLater()


def set_preferences(app: App, preferences: Preferences) -> None:
    """Keeps the preferences, and acts on what they changed."""
    old, app.preferences = app.preferences, preferences
    app.settings.set_preferences(preferences)
    app.service.photos.max_pixels = preferences.max_pixels
    if preferences.theme != old.theme:
        app.apply_theme()
    if not preferences.follow_cursor:
        app.controller.hover(None)
    app.controller.set_device(preferences.device)
    app.refresh()

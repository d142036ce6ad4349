"""The figure dialog: its preview follows the choices, and it writes what the command line does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Driver
from vitviz.__main__ import main
from vitviz.exporting import figure_files
from vitviz.exporting.provenance import Disclosure
from vitviz.figures.spec import Content, FigureSpec
from vitviz.gui.figure.dialog import FigureDialog
from vitviz.gui.figure.form import NumberList
from vitviz.gui.views.table import VIEWS
from vitviz.session import session_file
from vitviz.session.state import Tab

Open = Callable[..., FigureDialog]


@pytest.fixture
def open_dialog(ui: Driver) -> Iterator[Open]:
    """Opens the dialog on the window's session; it is closed afterwards."""
    made: list[FigureDialog] = []

    def opened(tab: Tab = "look", **figure: object) -> FigureDialog:
        spec = replace(FigureSpec(dpi=60), **figure)  # type: ignore[arg-type]
        session, window = replace(ui.session, tab=tab, figure=spec), ui.window
        (contents,) = (kind.figures for kind in VIEWS if kind.name == tab)
        dialog = FigureDialog(
            session, contents, window.service.engine, "cpu", Disclosure(), ".png", window
        )
        made.append(dialog)
        dialog.show()
        return dialog

    yield opened
    for dialog in made:
        dialog.done(QDialog.DialogCode.Rejected)
        dialog.deleteLater()


def drawn(ui: Driver, dialog: FigureDialog) -> None:
    """Waits for the first preview."""
    ui.until(lambda: not dialog.preview.image.isNull())


def say_file(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))


def test_the_preview_follows_the_choices(ui: Driver, open_dialog: Open) -> None:
    dialog = open_dialog()
    drawn(ui, dialog)
    assert "89 × " in dialog.size_label.text()
    first = dialog.preview.image.copy()
    dialog.form.choices["content"].setCurrentIndex(2)
    assert dialog.figure.content == "heads"
    ui.until(lambda: dialog.preview.image != first)
    dialog.form.preset.setCurrentIndex(2)
    assert (dialog.figure.width_mm, dialog.figure.dpi) == (180, 300)
    ui.until(lambda: "180 × " in dialog.size_label.text())
    assert dialog.form.font_.count() > 3  # the thread has said which fonts there are


def test_it_writes_what_render_writes(
    ui: Driver, open_dialog: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = open_dialog(content="layers", sharing="all", title="Layers")
    drawn(ui, dialog)
    say_file(monkeypatch, tmp_path / "window.png")
    ui.qtbot.mouseClick(dialog.export, Qt.MouseButton.LeftButton)
    ui.until(lambda: dialog.saved is not None)
    assert dialog.isVisible(), "one exports more than one"
    assert dialog.folder.isVisible()
    session_file.save(replace(ui.session, figure=dialog.figure), tmp_path / "s.vitviz")
    arguments = ["render", str(tmp_path / "s.vitviz"), "--out", str(tmp_path / "line.png")]
    assert main([*arguments, "--device", "cpu"]) == 0
    assert (tmp_path / "line.png").read_bytes() == (tmp_path / "window.png").read_bytes()


def test_a_folder_that_is_not_there_is_said_and_the_dialog_stays(
    ui: Driver, open_dialog: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = open_dialog()
    drawn(ui, dialog)
    say_file(monkeypatch, tmp_path / "nowhere" / "figure.png")
    dialog.export.click()
    ui.until(lambda: "could not be written" in dialog.message.text())
    assert dialog.isVisible()
    assert dialog.message.isVisible()
    assert not dialog.is_writing
    (tmp_path / "nowhere").mkdir()
    dialog.export.click()
    ui.until(lambda: dialog.saved == tmp_path / "nowhere" / "figure.png")
    assert dialog.saved.is_file()


def test_writing_can_be_cancelled(
    ui: Driver, open_dialog: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = open_dialog(content="heads")
    drawn(ui, dialog)
    say_file(monkeypatch, tmp_path / "figure.png")
    dialog.export.click()
    assert dialog.is_writing
    assert not dialog.export.isEnabled(), "a double click does not cancel"
    dialog.cancel.click()
    ui.until(lambda: not dialog.is_writing)
    assert dialog.isVisible()
    assert not list(tmp_path.glob("figure*"))
    assert not list(tmp_path.glob(".*"))
    assert "Cancelled" in dialog.message.text()


def test_what_was_cancelled_too_late_is_saved(
    ui: Driver, open_dialog: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog, path = open_dialog(), tmp_path / "figure.png"
    drawn(ui, dialog)
    write, written, go_on = figure_files.write_figure, threading.Event(), threading.Event()

    def slow(*arguments: object) -> None:
        write(*arguments)  # type: ignore[arg-type]
        written.set()
        assert go_on.wait(30)

    monkeypatch.setattr(figure_files, "write_figure", slow)
    say_file(monkeypatch, path)
    dialog.export.click()
    ui.until(written.is_set)
    dialog.cancel.click()
    go_on.set()
    ui.until(lambda: not dialog.is_writing)
    assert dialog.saved == path, "it would be a lie that no file was written"
    assert path.is_file()


def test_words_are_edited_where_they_stand(ui: Driver, open_dialog: Open) -> None:
    dialog = open_dialog(content="layers", layers=(0, 4))
    drawn(ui, dialog)
    preview = dialog.preview
    heading = next(word for word in preview.words if word.by_itself == "layer 5")
    at = preview.place_of(heading).center().toPoint()
    ui.qtbot.mouseClick(preview, Qt.MouseButton.LeftButton, pos=at)
    assert preview.editor.isVisible()
    assert preview.editor.text() == "layer 5"
    preview.editor.setText("(b) the middle")
    ui.qtbot.keyClick(preview.editor, Qt.Key.Key_Return)
    assert dialog.figure.words == (("layer 5", "(b) the middle"),)
    ui.until(lambda: any(word.shown == "(b) the middle" for word in preview.words))
    caption = next(word for word in preview.words if " patches" in word.by_itself)
    preview.edit(caption)
    preview.editor.setText("")
    ui.qtbot.keyClick(preview.editor, Qt.Key.Key_Return)
    ui.until(lambda: all(word.by_itself != caption.by_itself for word in preview.words))
    preview.reworded.emit("layer 5", "layer 5")
    assert "layer 5" not in dict(dialog.figure.words)
    ui.until(dialog.reset_words.isVisible)
    dialog.reset_words.click()
    assert dialog.figure.words == ()
    ui.until(lambda: any(word.by_itself == caption.by_itself for word in preview.words))


def test_a_figure_is_copied_at_its_resolution(ui: Driver, open_dialog: Open) -> None:
    dialog = open_dialog()
    drawn(ui, dialog)
    dialog.copy.click()
    ui.until(lambda: "Copied" in dialog.message.text())
    image = QGuiApplication.clipboard().image()
    assert image.width() == round(89 / 25.4 * 60)
    QGuiApplication.clipboard().clear()


def test_the_size_that_it_is_printed_in(ui: Driver, open_dialog: Open) -> None:
    dialog = open_dialog(width_mm=400)
    drawn(ui, dialog)
    before = dialog.preview.image.width()
    dialog.real_size.setChecked(True)
    ui.until(lambda: dialog.preview.image.width() != before)
    ratio = dialog.devicePixelRatioF()
    expected = 400 / 25.4 * dialog.physicalDpiX() * ratio
    assert abs(dialog.preview.image.width() - expected) <= 2


def test_panes_are_lettered_as_in_the_window(ui: Driver, open_dialog: Open) -> None:
    from vitviz.session.panes import add_pane

    session = replace(add_pane(ui.session), figure=FigureSpec())
    dialog = FigureDialog(
        session, ("compare",), ui.window.service.engine, "cpu", Disclosure(), ".png", ui.window
    )
    assert dialog.figure.letters
    dialog.done(QDialog.DialogCode.Rejected)
    dialog.deleteLater()


def test_what_cannot_be_is_said_in_the_dialog(ui: Driver, open_dialog: Open) -> None:
    dialog = open_dialog(content="layers", layers=(40,))
    ui.until(lambda: "There is no layer 41" in dialog.message.text())
    dialog.form.layers.setText("1, 2")
    ui.until(lambda: not dialog.message.isVisible())
    assert dialog.figure.layers == (0, 1)


def test_the_choices_stay_in_the_session(ui: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(dialog: FigureDialog) -> int:
        dialog.form.boxes["letters"].setChecked(True)
        dialog.form.format.show_value(".svg")
        dialog.done(QDialog.DialogCode.Rejected)
        return 0

    monkeypatch.setattr(FigureDialog, "exec", chosen)
    steps = ui.window.store.undo_steps
    ui.do("file.export_figure")
    assert ui.session.figure.letters
    assert ui.window.store.undo_steps == steps
    assert ui.window.settings.remembered("figure", "") == ".svg"


def test_what_means_nothing_is_hidden(ui: Driver, open_dialog: Open) -> None:
    form = open_dialog().form
    assert not form.layers.isVisible()
    form.choices["content"].setCurrentIndex(1)
    assert form.layers.isVisible()
    assert not form.heads.isVisible()
    form.choices["content"].setCurrentIndex(5)
    assert not form.choices["sharing"].isVisible()
    assert not form.boxes["colour_bar"].isEnabled()


@pytest.mark.parametrize(
    ("text", "values"),
    [("", ()), ("all", ()), ("3, 6", (2, 5)), ("2-4", (1, 2, 3)), ("9–10,12", (8, 9, 11)),
     ("mean, 1", ("mean", 0)), ("0", None), ("x", None), ("-3", None)],
)  # fmt: skip
def test_lists_of_numbers(qtbot: QtBot, text: str, values: tuple[int | str, ...] | None) -> None:
    line = NumberList("Heads", fusions=True)
    qtbot.addWidget(line)
    line.setText(text)
    assert line.values == values


def test_a_figure_begins_with_what_is_looked_at(open_dialog: Open) -> None:
    cases: tuple[tuple[Tab, Content, Content], ...] = (
        ("look", "map", "map"), ("look", "layers", "layers"), ("look", "heads", "map"),
        ("compare", "heads", "compare"), ("patches", "map", "patches"),
    )  # fmt: skip
    for tab, before, content in cases:
        assert open_dialog(tab, content=before).figure.content == content, (tab, before)


def test_each_content_of_a_figure_is_that_of_a_view() -> None:
    contents = {content for kind in VIEWS for content in kind.figures}
    assert contents == set(get_args(Content))

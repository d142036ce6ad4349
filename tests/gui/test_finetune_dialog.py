"""The fine-tuning dialog on a window that runs for real; most runs are pretended."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from vitviz.errors import VitvizError
from vitviz.gui.commands import go
from vitviz.gui.finetune.dialog import FinetuneDialog
from vitviz.progress import Progress, Stage
from vitviz.training.recipes import FinetuneOptions, OtherRun

from .conftest import Driver, threads_left
from .finetune_runs import (
    BUNDLED,
    LEFT,
    Pretended,
    begin,
    models,
    numbers,
    open_dialog,
    pause,
)


def test_what_the_folder_holds(ui: Driver, classes: Path, tmp_path: Path) -> None:
    dialog = open_dialog(ui, classes)
    form = dialog.form
    assert form.about.text() == "2 classes, 12 photos; fewest: cats, 6."
    assert form.out.path == tmp_path / "animals-model"
    assert form.model.value == ui.session.model
    assert dialog.start.isEnabled()
    for photo in (classes / "dogs").iterdir():
        if photo.stem != "0":
            photo.unlink()
    form.folder.line.setText(str(classes / "dogs"))
    ui.until(lambda: "has no folders" in form.about.text())
    form.folder.line.setText(str(classes))
    ui.until(lambda: form.about.text().startswith("The class dogs has one photo: it takes two"))
    assert not dialog.start.isEnabled()
    form.folder.line.setText(str(tmp_path / "nowhere"))
    ui.until(lambda: form.about.text().startswith("There is no folder"))
    (classes / "owls").mkdir()
    drop(dialog, classes)
    ui.until(lambda: "(and 1 more classes)" in form.about.text())
    form.folder.line.clear()
    assert form.options is None


def drop(dialog: FinetuneDialog, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, keys = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(QPoint(5, 5)), action, data, LEFT, keys)
    dialog.dropEvent(event)
    assert event.isAccepted()
    assert dialog.form.folder.path == path


def test_the_choices_reach_the_recipe(ui: Driver, classes: Path, pretended: Pretended) -> None:
    dialog = open_dialog(ui, classes)
    form, usual = dialog.form, FinetuneOptions("", Path(), Path())
    assert form.options == replace(
        usual, model=ui.session.model, folder=classes, out=classes.with_name("animals-model")
    )
    assert not form.rest.isVisible()
    form.more.click()
    assert form.rest.isVisible()
    form.freeze.setCurrentIndex(1)
    form.layer_decay.setValue(0.65)
    form.mixed.setValue(0.25)
    form.seed.setValue(7)
    assert form.options.variety == replace(usual.variety, mixed=0.25)
    form.augmentation.setChecked(False)
    assert not form.mixed.isEnabled()
    assert (form.options.variety.least_area, form.options.variety.jitter) == (1.0, 0.0)
    pretended.go_to(99)
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ui.until(lambda: dialog.state == "done")
    begun = pretended.begun[0]
    assert (begun.freeze, begun.layer_decay, begun.seed) == ("all but the head", 0.65, 7)
    assert begun.variety == form.options.variety
    assert all(field.toolTip() for field in (form.rate, form.smoothing, form.patience, form.seed))


def test_progress_and_chart(ui: Driver, classes: Path, pretended: Pretended) -> None:
    dialog = begin(ui, classes)
    assert dialog.start.text() == "Pause"
    assert not dialog.form.isEnabled()
    pretended.go_to(3)
    ui.until(lambda: numbers(dialog) == [0, 1, 2, 3])
    ui.until(lambda: dialog.words.text().startswith("Epoch 4 of 10 · step 13 of 40 · "))
    assert dialog.bar.value() == 300
    epoch = dialog.chart.epochs[3]
    assert (epoch.accuracy, epoch.loss, epoch.training_loss) == (0.89, 0.25, 0.5)
    assert "best is epoch 2: accuracy 0.900" in dialog.chart.accessibleDescription()
    line = ui.window.finetuning.line
    assert line.isVisible()
    ui.qtbot.mouseClick(dialog.close_, LEFT)
    assert dialog.isHidden()
    pretended.go_to(10)
    ui.until(lambda: dialog.state == "done")
    assert not line.isVisible()
    ui.qtbot.mouseClick(line.title, LEFT)
    assert dialog.isVisible(), "the status bar leads back"
    assert dialog.words.text() == (
        "Done. Epoch 2 of 10 was the best: 90.0 % of the held-out photos right "
        "(always the commonest class: 50.0 %)."
    )
    ui.qtbot.mouseClick(dialog.use, LEFT)
    ui.settle()
    assert ui.session.model == str(classes.with_name("animals-model") / "animals-model.safetensors")
    assert ui.session.tab == "look"
    assert ui.cell.request.model == ui.session.model


def test_pause_resume_and_another_day(ui: Driver, classes: Path, pretended: Pretended) -> None:
    dialog = begin(ui, classes)
    pretended.go_to(2)
    ui.until(lambda: numbers(dialog) == [0, 1, 2])
    pause(ui, dialog)
    assert dialog.words.text().startswith("Paused.")
    assert dialog.start.text() == "Resume"
    ui.qtbot.mouseClick(dialog.use, LEFT)
    assert ui.session.model.endswith("epoch-002.safetensors"), "the best so far can be used"
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ui.until(lambda: numbers(dialog) == [0, 1, 2] and len(pretended.begun) == 2)
    assert pretended.begun[1] == pretended.begun[0], "or it would not be gone on with"
    pause(ui, dialog)
    ui.qtbot.mouseClick(dialog.new, LEFT)
    assert dialog.form.out.path == classes.with_name("animals-model-2")
    assert numbers(dialog) == []
    assert dialog.form.isEnabled()
    # As after another start of the program: only the folder knows.
    dialog.form.epochs.setValue(99)
    dialog.form.folder.line.clear()
    dialog.form.out.line.setText(str(classes.with_name("animals-model")))
    ui.until(lambda: dialog.state == "paused")
    assert numbers(dialog) == [0, 1, 2]
    assert dialog.form.epochs.value() == 10
    assert "2 of at most 10 epochs done" in dialog.words.text()
    pretended.go_to(10)
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ui.until(lambda: dialog.state == "done")
    assert numbers(dialog) == list(range(11))
    assert pretended.begun[2] == pretended.begun[0]


def test_errors_say_what_to_do(ui: Driver, classes: Path, pretended: Pretended) -> None:
    pretended.error = VitvizError(
        "log.jsonl could not be written: disk full.",
        "Make room and resume: it goes on from the last checkpoint.",
    )
    pretended.go_to(1)
    dialog = begin(ui, classes)
    ui.until(lambda: dialog.banner.isVisible())
    assert dialog.banner.text.text().endswith(pretended.error.hint)
    assert numbers(dialog) == [0, 1], "nothing of what there is is lost"
    assert dialog.start.text() == "Resume"
    assert dialog.start.isEnabled()
    assert dialog.form.isEnabled()
    assert ui.window.banner.isHidden()
    dialog.show_failure(
        OtherRun("The run was begun with other choices: rate was 1.", "Choose the same ones.")
    )
    assert dialog.banner.text.text().endswith("rate was 1. Choose the same ones.")
    ui.qtbot.mouseClick(dialog.banner.buttons[0], LEFT)
    assert dialog.form.out.path == classes.with_name("animals-model-2")
    assert dialog.start.text() == "Start"
    assert dialog.banner.isHidden()


def test_the_window_goes_first(
    ui: Driver, classes: Path, pretended: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    answer = ui.window.service.engine.answer

    def slow(request: object, progress: Progress) -> object:
        progress(Stage("block", 2, 6), 0.5)
        begun.set()
        assert go_on.wait(30)
        return answer(request, progress)  # type: ignore[arg-type]

    dialog = begin(ui, classes)
    ui.until(lambda: numbers(dialog) == [0])
    monkeypatch.setattr(ui.window.service.engine, "answer", slow)
    go.next_photo(ui.window)
    ui.until(begun.is_set)
    ui.until(lambda: not ui.window.finetuning.service.is_going)
    go_on.set()
    ui.settle()
    assert ui.window.finetuning.service.is_going
    pretended.go_to(10)
    ui.until(lambda: dialog.state == "done")


def test_closing_the_window_pauses_it(ui: Driver, classes: Path, pretended: Pretended) -> None:
    dialog = begin(ui, classes)
    pretended.go_to(1)
    ui.until(lambda: numbers(dialog) == [0, 1])
    ui.window.close()
    ui.window.close()
    assert dialog.isHidden()
    assert threads_left() == []


@pytest.mark.slow
def test_a_real_fine_tuning(ui: Driver, classes: Path) -> None:
    dialog = open_dialog(ui, classes)
    dialog.form.epochs.setValue(2)
    dialog.form.augmentation.setChecked(False)
    ui.qtbot.mouseClick(dialog.start, LEFT)
    dialog.follow.setChecked(True)
    ui.qtbot.waitUntil(lambda: dialog.state != "running", timeout=300_000)
    assert dialog.state == "done", dialog.banner.text.text()
    assert numbers(dialog) == [0, 1, 2]
    assert models(ui) == [BUNDLED.id, "001", "002"]
    ui.until(lambda: all(state.cell for state in ui.window.controller.pane_states))
    titles = [state.cell.card.title for state in ui.window.controller.pane_states]
    assert titles == [BUNDLED.title, "epoch 1 of animals-model", "epoch 2 of animals-model"]
    ui.qtbot.mouseClick(dialog.use, LEFT)
    ui.settle()
    assert ui.cell.card.names == ("cats", "dogs")
    assert ui.cell.card.title == f"animals-model, from {BUNDLED.title}"

"""The fine-tuning dialog on a window that runs for real; most runs are pretended."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QDialog

from vitviz.errors import VitvizError
from vitviz.gui.dialogs.finetune import FinetuneDialog
from vitviz.gui.dialogs.ticks import TickDialog
from vitviz.gui.theme import RESOURCES
from vitviz.models.loading import bundled
from vitviz.training import recipes
from vitviz.training.recipes import FinetuneOptions, Report

from .conftest import Driver, draw

LEFT = Qt.MouseButton.LeftButton
BUNDLED = bundled()[0]
STEPS_AN_EPOCH = 4


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Two classes, six photos each."""
    folder = tmp_path / "animals"
    for label, name in enumerate(("cats", "dogs")):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            draw(folder / name / f"{number}.png", 40, 28, seed=10 * label + number)
    return folder


class Pretended:
    """A fine-tuning that does as it is told, its snapshots copies of the bundled model.

    Attributes:
        until: The epoch that it may go on to.
        begun: The options of each run.
        error: Raised at the end of epoch 1.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[FinetuneOptions] = []
        self.error: Exception | None = None
        self._until = 0
        self._may = threading.Condition()
        monkeypatch.setattr(recipes, "finetune", self)

    def go_to(self, epoch: int) -> None:
        with self._may:
            self._until = epoch
            self._may.notify_all()

    def __call__(
        self,
        options: FinetuneOptions,
        progress: Callable[[str, float], None],
        report: Callable[[Report], None],
    ) -> Path:
        self.begun.append(options)
        progress("opening photo 1 of 12", 0.0)
        log = options.out / "log.jsonl"
        done = log.read_text(encoding="utf-8").count("measured") if log.exists() else 0
        steps = options.epochs * STEPS_AN_EPOCH
        for epoch in range(done, options.epochs + 1):
            for step in range(STEPS_AN_EPOCH * (epoch - 1), STEPS_AN_EPOCH * epoch):
                self._wait(epoch, lambda s=step: progress(f"step {s + 1} of {steps}", s / steps))
            self._measure(options, epoch, report)
            if self.error is not None and epoch == 1:
                raise self.error
        return options.out / f"{options.out.name}.safetensors"

    def _wait(self, epoch: int, check: Callable[[], None]) -> None:
        check()  # which may wait itself, so never with the lock
        while True:
            with self._may:
                if self._may.wait_for(lambda: epoch <= self._until, timeout=0.02):
                    return
            check()

    def _measure(
        self, options: FinetuneOptions, epoch: int, report: Callable[[Report], None]
    ) -> None:
        snapshot = options.out / "epochs" / f"epoch-{epoch:03}.safetensors"
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        weights = next((RESOURCES / "models").glob("*.safetensors"))
        for path in (snapshot, options.out / f"{options.out.name}.safetensors"):
            if not path.exists():
                shutil.copyfile(weights, path)
        # The best is epoch 2, whatever comes after.
        accuracy = 0.5 + 0.2 * min(epoch, 2) - 0.01 * max(0, epoch - 2)
        measured = {"accuracy": accuracy, "validation loss": 1 / (1 + epoch)}
        step = STEPS_AN_EPOCH * epoch
        lines = ({"step": step, "seconds": 1.0, "loss": 2 / (1 + epoch)},
                 {"step": step, "measured": measured})  # fmt: skip
        with (options.out / "log.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines[0 if epoch else 1 :])
        if epoch:
            report(Report(step, 40, 1.0, epoch, losses=(("loss", 2 / (1 + epoch)),)))
        report(Report(step, 40, 1.0, epoch, measured=tuple(measured.items()), snapshot=snapshot))


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    return Pretended(monkeypatch)


def open_dialog(ui: Driver, folder: Path | None) -> FinetuneDialog:
    ui.do("model.finetune")
    dialog = ui.window.finetuning.dialog
    assert dialog is not None
    assert dialog.isVisible()
    assert not dialog.isModal(), "the window can be used meanwhile"
    if folder is not None:
        dialog.form.folder.line.setText(str(folder))
        ui.until(lambda: dialog.form.is_ready)
    return dialog


def begin(ui: Driver, folder: Path, epochs: int = 10) -> FinetuneDialog:
    dialog = open_dialog(ui, folder)
    dialog.form.epochs.setValue(epochs)
    ui.qtbot.mouseClick(dialog.start, LEFT)
    assert dialog.state == "running"
    return dialog


def numbers(dialog: FinetuneDialog) -> list[int]:
    return [epoch.number for epoch in dialog.chart.epochs]


def pause(ui: Driver, dialog: FinetuneDialog) -> None:
    ui.qtbot.mouseClick(dialog.start, LEFT)
    ui.until(lambda: dialog.state == "paused")


def models(ui: Driver) -> list[str]:
    """Of the panes: epochs by their numbers, others by their ids."""
    return [Path(pane.model).stem.removeprefix("epoch-") for pane in ui.session.panes]


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
        "Make room; the same command goes on from the last checkpoint.",
    )
    pretended.go_to(1)
    dialog = begin(ui, classes)
    ui.until(lambda: dialog.banner.isVisible())
    assert dialog.banner.text.text().endswith("Make room; Resume goes on from the last checkpoint.")
    assert numbers(dialog) == [0, 1], "nothing of what there is is lost"
    assert dialog.start.text() == "Resume"
    assert dialog.start.isEnabled()
    assert dialog.form.isEnabled()
    assert ui.window.banner.isHidden()
    dialog.show_failure(
        VitvizError("The run was begun with other choices: rate was 1.",
                    "Give the same ones to go on with it, or another --out to begin anew.")
    )  # fmt: skip
    assert "--out" not in dialog.banner.text.text()
    ui.qtbot.mouseClick(dialog.banner.buttons[0], LEFT)
    assert dialog.form.out.path == classes.with_name("animals-model-2")
    assert dialog.start.text() == "Start"
    assert dialog.banner.isHidden()


def test_the_window_goes_first(
    ui: Driver, classes: Path, pretended: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    answer = ui.window.service.engine.answer

    def slow(request: object, progress: Callable[[str, float], None]) -> object:
        progress("thinking", 0.5)
        begun.set()
        assert go_on.wait(30)
        return answer(request, progress)  # type: ignore[arg-type]

    dialog = begin(ui, classes)
    ui.until(lambda: numbers(dialog) == [0])
    monkeypatch.setattr(ui.window.service.engine, "answer", slow)
    ui.window.commands.next_photo()
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
    assert dialog.isHidden()
    assert not ui.window.finetuning.service._thread.is_alive()


def test_epochs_side_by_side(ui: Driver, classes: Path, pretended: Pretended) -> None:
    steps = ui.window.store.undo_steps
    dialog = begin(ui, classes)
    ui.until(lambda: numbers(dialog) == [0])
    assert not dialog.compare.isEnabled(), "there is nothing to compare yet"
    dialog.follow.setChecked(True)
    assert ui.session.tab == "look"
    pretended.go_to(2)
    ui.until(lambda: numbers(dialog) == [0, 1, 2])
    assert ui.session.tab == "compare"
    assert models(ui) == [BUNDLED.id, "001", "002"]
    ui.window.commands.focus_pane(1)
    ui.window.commands.choose_layer(1)
    pretended.go_to(9)
    ui.until(lambda: numbers(dialog) == list(range(10)))
    assert models(ui) == [BUNDLED.id, "001", "002", "005", "007", "009"]
    assert ui.session.panes[1].view.layer == 1, "what was chosen in a pane stays"
    assert ui.session.compare.pair == (0, 5)
    assert ui.window.store.undo_steps == steps + 2, "one step, and the layer"
    ui.settle()
    states = ui.window.controller.pane_states
    ui.until(lambda: all(state.cell for state in ui.window.controller.pane_states))
    assert len(states) == 6
    ui.window.commands.remove_pane_at(5)
    view = replace(ui.session.view, method="rollout")
    ui.window.store.set(replace(ui.session, view=view, compare=replace(
        ui.session.compare, others=ui.session.compare.others[:1], focus=0)))  # fmt: skip
    ui.do("compare.remove")
    pretended.go_to(10)
    ui.until(lambda: dialog.state == "done")
    assert not dialog.follow.isChecked(), "other panes were wanted"
    ui.qtbot.mouseClick(dialog.compare, LEFT)
    assert models(ui) == [BUNDLED.id, "001", "002", "005", "008", "010"]
    ui.do("edit.undo")
    assert len(ui.session.panes) == 1


def test_chosen_photos_are_followed(
    ui: Driver, classes: Path, pretended: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = begin(ui, classes)
    pretended.go_to(2)
    ui.until(lambda: numbers(dialog) == [0, 1, 2])
    asked: list[tuple[list[object], str]] = []

    def tick_all(question: QDialog) -> QDialog.DialogCode:
        assert isinstance(question, TickDialog)
        asked.append((question.values, question.count.text()))
        for row in range(question.list.count()):
            if question.list.item(row).checkState() == Qt.CheckState.Unchecked:
                question.list.turn(question.list.item(row))
        assert question.accept_button.isEnabled()
        return QDialog.DialogCode.Accepted

    monkeypatch.setattr(QDialog, "exec", tick_all)
    first, second = ui.session.photos[:2]
    ui.window.commands.close_photo_at(2)
    assert dialog.photos.text() == "Current Photo…"
    ui.qtbot.mouseClick(dialog.photos, LEFT)
    assert asked == [([first], "1 photo")]
    assert dialog.photos.text() == "2 Photos…"
    assert len(ui.session.panes) == 1, "nothing was compared yet"
    dialog.follow.setChecked(True)
    assert models(ui) == [BUNDLED.id, "001", "002"] * 2
    assert [pane.photo for pane in ui.session.panes] == [first] * 3 + [second] * 3
    pretended.go_to(9)
    ui.until(lambda: numbers(dialog) == list(range(10)))
    assert models(ui) == [BUNDLED.id, "002", "009"] * 2
    ui.window.commands.close_photo_at(0)
    ui.qtbot.mouseClick(dialog.compare, LEFT)
    assert models(ui) == [BUNDLED.id, "001", "002", "005", "007", "009"], "one photo is left"
    assert {pane.photo for pane in ui.session.panes} == {second}
    pretended.go_to(10)
    ui.until(lambda: dialog.state == "done")


def test_a_photo_is_needed_to_compare(empty: Driver, classes: Path, pretended: Pretended) -> None:
    empty.window.store.amend(replace(empty.session, model=BUNDLED.id))
    pretended.go_to(2)
    dialog = begin(empty, classes, epochs=2)
    empty.until(lambda: dialog.state == "done")
    empty.qtbot.mouseClick(dialog.compare, LEFT)
    assert "Open a photo first" in dialog.banner.text.text()


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

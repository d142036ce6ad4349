"""Fine-tunings that are pretended, for tests of the window."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from vitviz.bundled import resource
from vitviz.gui.finetune.dialog import FinetuneDialog
from vitviz.models.loading import bundled
from vitviz.progress import Progress, Stage
from vitviz.training import runs
from vitviz.training.recipes import FinetuneOptions, Report

if TYPE_CHECKING:  # conftest has this module's run as a fixture
    from .conftest import Driver

LEFT = Qt.MouseButton.LeftButton
BUNDLED = bundled()[0]
STEPS_AN_EPOCH = 4


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
        monkeypatch.setattr(runs, "finetune", self)

    def go_to(self, epoch: int) -> None:
        with self._may:
            self._until = epoch
            self._may.notify_all()

    def __call__(
        self,
        options: FinetuneOptions,
        progress: Progress,
        report: Callable[[Report], None],
    ) -> Path:
        self.begun.append(options)
        progress(Stage("opening_photos", 0, 12), 0.0)
        log = options.out / "log.jsonl"
        done = log.read_text(encoding="utf-8").count("measured") if log.exists() else 0
        steps = options.epochs * STEPS_AN_EPOCH
        for epoch in range(done, options.epochs + 1):
            for step in range(STEPS_AN_EPOCH * (epoch - 1), STEPS_AN_EPOCH * epoch):
                self._wait(epoch, lambda s=step: progress(Stage("step", s, steps), s / steps))
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
        weights = next(resource("models").glob("*.safetensors"))
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

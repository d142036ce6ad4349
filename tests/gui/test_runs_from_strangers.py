"""A run of a stranger's, whose choices name what is on another computer; divided class folders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from vitviz.training.finetune.choices import CHOICES

from .conftest import Driver
from .finetune_runs import Pretended, begin, numbers, open_dialog, pause


def test_a_run_that_names_another_computer_is_asked_about(
    ui: Driver, classes: Path, pretended: Pretended, tmp_path: Path
) -> None:
    dialog = begin(ui, classes)
    pretended.go_to(2)
    ui.until(lambda: numbers(dialog) == [0, 1, 2])
    pause(ui, dialog)
    theirs = tmp_path / "theirs"
    shutil.copytree(classes.with_name("animals-model"), theirs)
    choices = json.loads((theirs / CHOICES).read_text(encoding="utf-8"))
    choices["folder"] = "//evil.example/share/animals"
    (theirs / CHOICES).write_text(json.dumps(choices), encoding="utf-8")
    dialog.new.click()
    counted: list[Path] = []
    dialog.count_requested.connect(counted.append)
    dialog.form.out.line.setText(str(theirs))
    ui.until(lambda: dialog.banner.isVisible())
    assert "//evil.example/share/animals" in dialog.banner.text.text()
    assert dialog.state == "ready"
    assert dialog.form.folder.path == classes
    dialog.banner.buttons[1].click()
    assert counted == []
    dialog.form.out.line.setText(str(tmp_path / "another"))
    dialog.form.out.line.setText(str(theirs))
    ui.until(lambda: dialog.banner.isVisible())
    dialog.banner.buttons[0].click()
    assert dialog.state == "paused"
    assert dialog.form.folder.path == Path(choices["folder"])


def test_divided_folders_are_understood(ui: Driver, classes: Path, tmp_path: Path) -> None:
    root = tmp_path / "divided"
    for part in ("train", "val"):
        shutil.copytree(classes, root / part)
    dialog = open_dialog(ui, root)
    words = dialog.form.about.text()
    assert words.startswith("2 classes, 12 photos; fewest: cats, 6. 12 more to measure on.")
    assert "train" in words
    assert "val" in words
    assert dialog.start.isEnabled()

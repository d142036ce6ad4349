"""Where a fine-tuning is, in numbers and in words."""

from __future__ import annotations

from vitviz.progress import Stage
from vitviz.training.finetune.progress import TrainingProgress


def test_a_step_of_an_epoch() -> None:
    progress = TrainingProgress(Stage("step", 40, 400), 20, 125.0)
    assert (progress.epoch, progress.fraction) == (2, 0.1)
    assert progress.words == "Epoch 3 of 20 · step 41 of 400 · 2 min 5 s left at most"


def test_the_last_step_is_of_the_last_epoch() -> None:
    progress = TrainingProgress(Stage("step", 1399, 1400), 20)
    assert progress.epoch == 19
    assert progress.words == "Epoch 20 of 20 · step 1,400 of 1,400"


def test_before_the_first_step_nothing_is_done() -> None:
    progress = TrainingProgress(Stage("opening_photos", 1, 9), 20)
    assert progress.fraction == 0
    assert progress.words == "Opening photo 2 of 9"

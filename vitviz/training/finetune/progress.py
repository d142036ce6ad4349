"""Where a fine-tuning is."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.progress import Stage
from vitviz.wording.numbers import duration
from vitviz.wording.stages import stage_words


@dataclass(frozen=True)
class TrainingProgress:
    """Where a fine-tuning is.

    Args:
        stage: What it gets ready, or the step that is being done.
        epochs: In all.
        remaining_s: An estimate; None where there is none yet.
    """

    stage: Stage
    epochs: int = 1
    remaining_s: float | None = None

    @property
    def epoch(self) -> int:
        """That is being done, from 0."""
        return self.stage.number * self.epochs // self.stage.of if self.is_training else 0

    @property
    def is_training(self) -> bool:
        """Whether it has got ready."""
        return self.stage.kind == "step"

    @property
    def fraction(self) -> float:
        """Of the steps, 0..1."""
        return self.stage.number / self.stage.of if self.is_training else 0.0

    @property
    def words(self) -> str:
        """ "Epoch 3 of 20 · step 41 of 400 · 2 min 5 s left at most"."""
        words = stage_words(self.stage)
        if not self.is_training:
            return f"{words[0].upper()}{words[1:]}"
        left = "" if self.remaining_s is None else f" · {duration(self.remaining_s)} left at most"
        return f"Epoch {self.epoch + 1} of {self.epochs} · {words}{left}"

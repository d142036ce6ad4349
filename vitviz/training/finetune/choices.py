"""The choices of a fine-tuning, kept in its folder: the window resumes it another day."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from vitviz.errors import VitvizError
from vitviz.paths import absolute, is_file
from vitviz.reading import parse, typed
from vitviz.training.finetune.epochs import Epoch, epochs_of
from vitviz.training.recipes import FinetuneOptions, Variety
from vitviz.writing import write_whole

CHOICES = "choices.json"

LARGEST = 1 << 16
"""Bytes of such a file."""


@dataclass(frozen=True)
class RunChoices:
    """What the window can choose of a fine-tuning; fields as those of ``FinetuneOptions``."""

    model: str
    folder: str
    held_out: float
    epochs: int
    patience: int
    batch: int
    rate: float
    layer_decay: float
    decay: float
    smoothing: float
    stochastic_depth: float
    head_only: bool
    variety: Variety
    seed: int

    @classmethod
    def of(cls, options: FinetuneOptions) -> RunChoices:
        """Those of a run."""
        names = cls.__dataclass_fields__.keys() - {"folder", "head_only"}
        return cls(
            folder=str(absolute(options.folder)),
            head_only=options.freeze == "all but the head",
            **{name: getattr(options, name) for name in names},
        )

    def options(self, out: Path) -> FinetuneOptions:
        """As a run takes them."""
        chosen = {name: getattr(self, name) for name in self.__dataclass_fields__}
        head_only = chosen.pop("head_only")
        return FinetuneOptions(
            **{**chosen, "folder": Path(self.folder)}, out=out,
            freeze="all but the head" if head_only else "nothing",
        )  # fmt: skip


@dataclass(frozen=True)
class SavedRun:
    """A run that is there.

    Args:
        options: That it was begun with.
        epochs: That are done.
    """

    options: FinetuneOptions
    epochs: tuple[Epoch, ...]


def keep_choices(options: FinetuneOptions) -> None:
    """Writes the choices of a run into its folder, which is there.

    Raises:
        VitvizError: They cannot be written.
    """
    text = json.dumps(asdict(RunChoices.of(options)), indent=1)
    write_whole(options.out / CHOICES, f"{text}\n".encode(), durable=True)


def find_run(out: Path) -> SavedRun | None:
    """The run that the window began in a folder; None where there is none, or it is damaged.

    Loads torch where there is one.
    """
    path = out / CHOICES
    try:
        if not is_file(path) or path.stat().st_size > LARGEST:
            return None
        choices = typed(RunChoices, parse(path.read_text(encoding="utf-8"), LARGEST))
        epochs = tuple(epochs_of(out))
    except (OSError, ValueError, KeyError, TypeError, VitvizError):
        return None
    return SavedRun(choices.options(out), epochs) if epochs else None

"""The choices of a distillation and of a fine-tuning.

Importing this does not load torch: the command line and the window do it to ask for options.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from vitviz.errors import VitvizError

SIDES = (96, 128, 160, 128, 96, 160, 128, 224)
"""Of the inputs of a distillation, in pixels, one after another from step to step.

Small inputs cost a fifth of what full ones do; the full ones between keep the positions right.
"""


BOOST = 4.0
"""Learning rate at the start of a distillation, as a multiple of its later one."""


class OtherRun(VitvizError):
    """The folder holds a run that was begun with other choices."""


@dataclass(frozen=True)
class Variety:
    """How much a photo is varied each time it is shown.

    Args:
        least_area: Of a random crop, as a part of the photo, 0..1.
        most_aspect: Of a random crop, width by height or the reverse, at least 1.
        jitter: Most relative change of brightness, contrast and saturation, 0..1.
        mixed: Part of the batches whose photos are blended or pasted into one another, 0..1.
        mosaic: Part of the photos made of four, 0..1.
    """

    least_area: float = 0.25
    most_aspect: float = 4 / 3
    jitter: float = 0.3
    mixed: float = 0.5
    mosaic: float = 0.0


class Stages(NamedTuple):
    """Steps at the beginning, and at the end, that are special; see ``DistilOptions``."""

    embedding: int
    end_to_end: int
    cool_down: int
    full_size: int


@dataclass(frozen=True)
class DistilOptions:
    """What to distil.

    Args:
        teacher: A checkpoint, or a bundled model's id.
        photos: Folders of photos, or zip archives of them; labels are not used.
        out: The run's folder; a run that is there is resumed.
        depth: Blocks of the student; divides the teacher's. 0: as many as that.
        steps: In all; this and the next four may change when a run is resumed.
        embedding: First steps, in which only the embedding learns; they cost next to nothing,
            and everything after rests on it. None: a tenth, at most 300.
        end_to_end: Last steps, in which each block is given what the student made so far, and not
            the teacher's state. None: a fortieth.
        cool_down: Last steps, in which the learning rate falls to 0. None: a third.
        full_size: Last steps, in which inputs have the teacher's own size. None: a sixtieth.
        batch: Photos a step.
        sides: Of the inputs before that, in pixels, in turn from step to step.
        rate: Learning rate of the matrices of the blocks. It begins ``BOOST`` times as high and
            comes down to this until the blocks are put end to end; the cool-down comes on top.
        decay: Weight decay.
        variety: How photos are varied.
        parts: Pieces that a batch is cut into on the CPU, computed side by side.
        seed: Of everything random.
        device: As for ``vitviz.models.loading.choose_device``.
        measured_on: Held-out photos that are measured on now and then.
        measure_every: Steps from one measurement to the next.
        save_every: Steps from one checkpoint to the next.
    """

    teacher: str
    photos: tuple[Path, ...]
    out: Path
    depth: int = 0
    steps: int = 6_000
    embedding: int | None = None
    end_to_end: int | None = None
    cool_down: int | None = None
    full_size: int | None = None
    batch: int = 16
    sides: tuple[int, ...] = SIDES
    rate: float = 5e-4
    decay: float = 0.02
    variety: Variety = Variety(mosaic=0.1)
    parts: int = 2
    seed: int = 0
    device: str = "auto"
    measured_on: int = 192
    measure_every: int = 200
    save_every: int = 100

    @property
    def stages(self) -> Stages:
        """What was chosen, and for what was not what goes with that many steps."""
        steps = self.steps
        usual = Stages(min(300, steps // 10), steps // 40, steps // 3, steps // 60)
        chosen = Stages._fields
        given = {name: getattr(self, name) for name in chosen if getattr(self, name) is not None}
        return usual._replace(**given)

    @property
    def end_to_end_from(self) -> int:
        """The first step in which the student is given its own states."""
        return max(self.stages.embedding, self.steps - self.stages.end_to_end)


@dataclass(frozen=True)
class FinetuneOptions:
    """What to fine-tune, and how. The defaults are for a few dozen to a few thousand photos.

    Args:
        model: A checkpoint, or a bundled model's id.
        folder: Of class folders, with photos in them or below them.
        out: The run's folder; a run that is there is resumed.
        validation: Of the same class folders, to measure on; without it a part of each class is
            held out.
        held_out: That part, 0..1.
        epochs: At most.
        patience: Epochs without a better accuracy after which it ends; 0 never ends early.
        batch: Photos a step.
        rate: Peak learning rate of the last layer.
        layer_decay: Learning rate of each block as a multiple of the next one's, 0..1. Source: Bao
            et al., arXiv 2106.08254, and He et al., arXiv 2111.06377 (0.65 to 0.75).
        decay: Weight decay. Source: the same (0.05).
        smoothing: Of labels, 0..1. Source: Szegedy et al., arXiv 1512.00567 (0.1).
        stochastic_depth: Chance of leaving out the last block's branches, the first ones' less,
            0..1. Source: Huang et al., arXiv 1603.09382; 0.1 in DeiT, arXiv 2012.12877.
        freeze: "all but the head" trains a linear classifier on what the model sees.
        variety: How photos are varied. Source: mixup in half of the batches as Touvron et al.,
            arXiv 2012.12877; milder crops than on ImageNet, since few photos show a thing small.
        warm_up: Part of all steps, 0..1.
        parts: Pieces that a batch is cut into on the CPU, computed side by side.
        seed: Of everything random, the held-out photos apart, which go by their content.
        device: As for ``vitviz.models.loading.choose_device``.
        snapshots: Whether the weights of every epoch are kept, to look at.
    """

    model: str
    folder: Path
    out: Path
    validation: Path | None = None
    held_out: float = 0.2
    epochs: int = 20
    patience: int = 5
    batch: int = 16
    rate: float = 1e-3
    layer_decay: float = 0.7
    decay: float = 0.05
    smoothing: float = 0.1
    stochastic_depth: float = 0.1
    freeze: Literal["nothing", "all but the head"] = "nothing"
    variety: Variety = Variety(least_area=0.4, mixed=0.5)
    warm_up: float = 0.1
    parts: int = 2
    seed: int = 0
    device: str = "auto"
    snapshots: bool = True


@dataclass(frozen=True)
class Report:
    """Where a run is, told now and then.

    Args:
        step: Done.
        steps: In all.
        seconds: Of training.
        epoch: Done, in a fine-tuning; 0 is before the first.
        losses: Means since the last report, by name; empty in a report of measurements.
        measured: By name: "accuracy" of a fine-tuning; "first" and "among five" of a distillation.
        snapshot: A checkpoint of the weights that were measured, which opens like any other.
    """

    step: int
    steps: int
    seconds: float
    epoch: int = 0
    losses: tuple[tuple[str, float], ...] = ()
    measured: tuple[tuple[str, float], ...] = ()
    snapshot: Path | None = None


Listener = Callable[[Report], None]
"""Who is told of a run's reports."""


def nobody(report: Report) -> None:
    """Listens to no report."""

"""A distillation from its options to a checkpoint with its card."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from vitviz.errors import VitvizError
from vitviz.models.families import training_of
from vitviz.models.loading import Model, load_model
from vitviz.plurals import count_of
from vitviz.progress import Progress
from vitviz.training.batches import model_inputs
from vitviz.training.distil.objective import Distillation, rates_of
from vitviz.training.loop import Run, Schedule
from vitviz.training.photos import PhotoPool, TrainingPhoto, find_photos, open_photos
from vitviz.training.recipes import BOOST, DistilOptions, Listener
from vitviz.training.result import Result, checkpoint_in, hours, write_refused, write_result

MAY_CHANGE = {
    "out",
    "steps",
    "embedding",
    "end_to_end",
    "cool_down",
    "full_size",
    "device",
    "measured_on",
    "measure_every",
    "save_every",
}
"""Choices that a run may be resumed under other values."""


def run(options: DistilOptions, progress: Progress, report: Listener) -> Path:
    """See ``vitviz.training.runs.distil``."""
    _check(options)
    teacher = load_model(options.teacher, options.device, progress)
    training = training_of(teacher.card.family)
    options = replace(options, depth=options.depth or teacher.card.outline.depth)
    _check_depth(teacher, options.depth, training.depths(teacher.network))
    _check_sides(teacher, options.sides)
    pool = open_photos(find_photos(options.photos), progress)
    photos, held_out = split(pool)
    measured_on = model_inputs(held_out[: options.measured_on], teacher.card.preprocessing)
    objective = Distillation(
        teacher.network, teacher.card.preprocessing, photos, measured_on, options
    )
    student = training.student(teacher.network, options.depth, options.seed)
    together = options.end_to_end_from
    pace = Schedule(
        options.steps, options.rate, cool_down=options.stages.cool_down, parts=options.parts,
        boost=BOOST, boosted=together, kept_at=(together,),
        measure_every=options.measure_every, save_every=options.save_every,
    )  # fmt: skip
    rates = rates_of(training.roles(student), options.decay)
    student_run = Run(options.out, student, rates, objective, pace, facts(options, teacher, photos))
    write_refused(options.out, pool.refused)
    student_run.go(progress, report)
    result = Result(
        network=student_run.averaged(),
        origin=teacher.card,
        classes=teacher.card.classes,
        class_names=teacher.card.names,
        title=f"distilled from {teacher.card.title}",
        trained_by=_how(options, teacher, student_run.step, student_run.seconds),
        trained_on=f"{count_of(len(photos), 'photo')} of {_names(options.photos)}, without labels",
        measured=_measured(student_run.history, len(measured_on)),
    )
    return write_result(checkpoint_in(options.out), result)


def _check(options: DistilOptions) -> None:
    least = {
        "steps": options.steps, "batch": options.batch, "parts": options.parts,
        "measured_on": options.measured_on, "measure_every": options.measure_every,
        "save_every": options.save_every,
    }  # fmt: skip
    wrong = [name for name, value in least.items() if value < 1]
    stages = options.stages._asdict()
    wrong += [name for name, value in stages.items() if not 0 <= value <= options.steps]
    if wrong:
        name = wrong[0].replace("_", " ")
        raise VitvizError(f"The {name} of this run makes no sense.", "Give another number.")


def _check_depth(teacher: Model, depth: int, fit: Sequence[int]) -> None:
    outline = teacher.card.outline
    if depth not in fit:
        raise VitvizError(
            f"A student of {depth} blocks cannot learn block by block from {outline.depth}.",
            f"Give one of {', '.join(map(str, fit))}.",
        )
    if not outline.classes:
        raise VitvizError(
            f"{teacher.card.title} has no classes to teach.", "Choose a teacher with a classifier."
        )


def _check_sides(teacher: Model, sides: Sequence[int]) -> None:
    patch = teacher.card.preprocessing.patch
    wrong = [side for side in sides if side < 1 or side % patch]
    if wrong or not sides:
        raise VitvizError(
            f"Inputs of {wrong[0] if wrong else 0} pixels cannot be cut into patches of {patch}.",
            f"Give sides that are multiples of {patch}.",
        )


def split(pool: PhotoPool) -> tuple[list[TrainingPhoto], list[TrainingPhoto]]:
    """The photos to train on, and those held out in the order of their hashes.

    Whole photos by their content: no crop of a held-out photo, and no copy, is trained on.

    Raises:
        VitvizError: There are too few for both.
    """
    training = [photo for photo in pool.photos if not photo.held_out]
    held_out = sorted((p for p in pool.photos if p.held_out), key=lambda photo: photo.sha256)
    if not training or not held_out:
        raise VitvizError(
            f"Too few photos ({len(pool.photos)}): about one in ten is held out to measure on.",
            "Give at least a few dozen.",
        )
    return training, held_out


def facts(
    options: DistilOptions, teacher: Model, photos: Sequence[TrainingPhoto]
) -> dict[str, object]:
    """What a run must have been begun with to be resumed."""
    chosen = {name: value for name, value in asdict(options).items() if name not in MAY_CHANGE}
    digest = hashlib.sha256("".join(photo.sha256 for photo in photos).encode()).hexdigest()
    return {**chosen, "teacher": teacher.card.sha256, "photos": digest}


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths)


def _how(options: DistilOptions, teacher: Model, steps: int, seconds: float) -> str:
    return (
        f"vitviz train distil: from random weights, distilled from {teacher.card.title} "
        f"({teacher.card.licence or 'licence unknown'}) without labels; "
        f"{count_of(options.depth, 'block')}, "
        f"{options.stages.embedding:,} steps of the embedding, then block by block, from step "
        f"{options.end_to_end_from:,} to {steps:,} end to end, "
        f"with {count_of(options.batch, 'photo')} each; "
        f"{hours(seconds)}"
    )


def _measured(history: Sequence[dict[str, float]], count: int) -> tuple[tuple[str, str], ...]:
    last = history[-1]
    return (
        (f"agreement with the teacher's first class, {count} held-out photos",
            f"{last['first']:.3f}"),
        ("teacher's first class among its first five, the same", f"{last['among five']:.3f}"),
    )  # fmt: skip

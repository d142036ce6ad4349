"""A fine-tuning from its options to a checkpoint with its card."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from pathlib import Path

from vitviz.errors import VitvizError
from vitviz.models.families import training_of
from vitviz.models.loading import Model, load_model
from vitviz.models.network import Network
from vitviz.paths import resolved
from vitviz.plurals import count_of
from vitviz.progress import Progress
from vitviz.training.finetune.classes import LabelledPhotos, labelled_photos
from vitviz.training.finetune.divided import parts_of
from vitviz.training.finetune.objective import Finetuning, rates_of
from vitviz.training.loop import Run, Schedule
from vitviz.training.recipes import FinetuneOptions, Listener
from vitviz.training.result import Result, checkpoint_in, write_refused, write_result

MAY_CHANGE = {"out", "folder", "validation", "device", "snapshots"}
"""Choices that a run may be resumed under other values."""

SNAPSHOTS = "epochs"
"""The folder, in the run's, of the weights of every epoch."""


def run(options: FinetuneOptions, progress: Progress, report: Listener) -> Path:
    """See ``vitviz.training.runs.finetune``."""
    _check(options)
    parts = parts_of(options.folder, options.validation)
    photos = labelled_photos(parts.training, parts.validation, options.held_out, progress)
    model = load_model(options.model, options.device, progress)
    training = training_of(model.card.family)
    network = training.classifier(model.network, len(photos.names))
    writer = _Writer(options, model, photos)
    objective = Finetuning(network, training, model.card.preprocessing, photos, options, writer)
    epoch = objective.steps_an_epoch
    steps = options.epochs * epoch
    warm_up = round(options.warm_up * steps)
    pace = Schedule(
        steps, options.rate, warm_up=warm_up, cool_down=steps - warm_up, average=0.0,
        parts=options.parts, log_every=min(epoch, 10), save_every=epoch, measure_every=epoch,
        steps_an_epoch=epoch,
    )  # fmt: skip
    rates = rates_of(training.roles(network), len(network.blocks), options)
    tuning = Run(options.out, network, rates, objective, pace, facts(options, model, photos))
    write_refused(options.out, photos.refused)
    tuning.go(progress, report)
    return checkpoint_in(options.out)


def _check(options: FinetuneOptions) -> None:
    if min(options.epochs, options.batch, options.parts) < 1 or options.patience < 0:
        raise VitvizError(
            "A fine-tuning needs at least one epoch, one photo a step and one part.",
            "Give another number.",
        )
    inside = resolved(options.out)
    if resolved(options.folder) in (inside, *inside.parents):
        raise VitvizError(
            f"{options.out} lies in {options.folder}, where it would be taken for a class.",
            "Choose another folder for the run.",
        )


def facts(options: FinetuneOptions, model: Model, photos: LabelledPhotos) -> dict[str, object]:
    """What a run must have been begun with to be resumed."""
    chosen = {name: value for name, value in asdict(options).items() if name not in MAY_CHANGE}
    lines = [
        f"{part} {one.label} {one.photo.sha256}"
        for part, some in (("training", photos.training), ("validation", photos.validation))
        for one in some
    ]
    digest = hashlib.sha256(
        "\n".join((*photos.names, *lines)).encode("utf-8", "surrogateescape")
    ).hexdigest()
    return {**chosen, "model": model.card.sha256, "photos": digest}


class _Writer:
    """Writes the weights of an epoch, and the result whenever an epoch is the best so far."""

    def __init__(self, options: FinetuneOptions, model: Model, photos: LabelledPhotos) -> None:
        self._options, self._model, self._photos = options, model, photos

    def __call__(
        self, network: Network, history: list[dict[str, float]], best: bool, /
    ) -> Path | None:
        result = self._result(network, history)
        if best:
            write_result(checkpoint_in(self._options.out), result)
        if not self._options.snapshots:
            return None
        folder = self._options.out / SNAPSHOTS
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise VitvizError(f"The folder {folder} cannot be made: {error}.") from error
        epoch = len(history) - 1
        named = replace(result, title=f"epoch {epoch} of {resolved(self._options.out).name}")
        return write_result(folder / f"epoch-{epoch:03}.safetensors", named)

    def _result(self, network: Network, history: list[dict[str, float]]) -> Result:
        options, photos, card = self._options, self._photos, self._model.card
        measured, epoch = history[-1], len(history) - 1
        how = "only its head" if options.freeze == "all but the head" else "all of it"
        return Result(
            network=network,
            origin=card,
            classes="",
            class_names=photos.names,
            title=f"{resolved(options.out).name}, from {card.title}",
            trained_by=f"vitviz train finetune: {card.title}, {how}, after epoch {epoch} of at "
            f"most {options.epochs} (rate {options.rate:g}, layer decay {options.layer_decay:g}, "
            f"{count_of(options.batch, 'photo')} a step)",
            trained_on=f"{count_of(len(photos.training), 'photo')} of "
            f"{resolved(options.folder).name} in {count_of(len(photos.names), 'class', 'classes')}",
            measured=(
                (f"accuracy on {count_of(len(photos.validation), 'photo')} it was not trained on, "
                 "by which the epoch was chosen", f"{measured['accuracy']:.3f}"),
                ("accuracy of always the commonest class", f"{_commonest(photos):.3f}"),
            ),
        )  # fmt: skip


def _commonest(photos: LabelledPhotos) -> float:
    labels = [one.label for one in photos.validation]
    return max(map(labels.count, set(labels))) / len(labels)

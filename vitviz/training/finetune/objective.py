"""What a classifier is to learn from labelled photos.

Each choice has its source with the option it belongs to (``training.recipes``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.network import Network
from vitviz.models.training import Role, Training
from vitviz.shapes import Float, Int
from vitviz.training.batches import (
    device_of,
    generator,
    jittered,
    mixed,
    model_inputs,
    normalised,
    random_crops,
)
from vitviz.training.finetune.classes import LabelledPhotos
from vitviz.training.optimiser import Rates
from vitviz.training.recipes import FinetuneOptions

ORDER, VARIETY, DEPTH = 1, 2, 3
"""Uses of random numbers, each its own stream."""


class Examples(NamedTuple):
    """A part of a batch.

    Args:
        images: Normalised.
        targets: The wanted probability of each class.
        kept: For each layer's two branches and each image, what the branch is multiplied with.
    """

    images: Float[Tensor, "part 3 height width"]
    targets: Float[Tensor, "part classes"]
    kept: Float[Tensor, "layers 2 part"]


def smoothed(
    labels: Int[Tensor, " batch"], classes: int, smoothing: float
) -> Float[Tensor, "batch classes"]:
    """Targets that give a part of the probability to all classes alike.

    Source: Szegedy et al., arXiv 1512.00567, section 7.
    """
    return F.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes


def cross_entropy(
    logits: Float[Tensor, "batch classes"], targets: Float[Tensor, "batch classes"]
) -> Float[Tensor, ""]:
    """In nats, a mean over the batch; targets are probabilities."""
    return -(targets * logits.log_softmax(dim=-1)).sum(dim=-1).mean()


def keep_rates(depth: int, rate: float) -> Float[Tensor, " depth"]:
    """The chance that each layer's branches are kept: 1 for the first, ``1 - rate`` for the last.

    Source: Huang et al., arXiv 1603.09382, section 3 (linear decay).
    """
    return 1 - rate * torch.arange(depth) / max(1, depth - 1)


class Finetuning:
    """The objective of a fine-tuning.

    Args:
        network: To be trained.
        training: How networks of its family are trained.
        preprocessing: The network's.
        photos: Labelled.
        options: How.
        keep: Writes the weights that were just measured, with their card.
    """

    def __init__(
        self,
        network: Network,
        training: Training,
        preprocessing: Preprocessing,
        photos: LabelledPhotos,
        options: FinetuneOptions,
        keep: WeightsWriter,
    ) -> None:
        self._preprocessing, self._options, self._keep = preprocessing, options, keep
        self._training = [one.photo for one in photos.training]
        self._labels = torch.tensor([one.label for one in photos.training])
        self._classes = len(photos.names)
        self._keep_rates = keep_rates(len(network.blocks), options.stochastic_depth)
        self._device = device_of(network)
        self._forward = training.forward
        self._validation = [one.photo for one in photos.validation]
        self._wanted = torch.tensor([one.label for one in photos.validation])

    @property
    def batch_size(self) -> int:
        """Photos a step: never more than there are."""
        return min(self._options.batch, len(self._training))

    @property
    def steps_an_epoch(self) -> int:
        """Steps in which about every photo is shown once; what is left over comes next time."""
        return max(1, len(self._training) // self.batch_size)

    def batch(self, step: int) -> list[Examples]:
        """Photos of this step, varied, with their targets."""
        options, variety = self._options, self._options.variety
        epoch, place = divmod(step, self.steps_an_epoch)
        order = generator(options.seed, epoch, ORDER).permutation(len(self._training))
        drawn = order[place * self.batch_size : (place + 1) * self.batch_size]
        random = generator(options.seed, step, VARIETY)
        photos = [self._training[index] for index in drawn]
        images = random_crops(photos, self._preprocessing.input_size, variety, random)
        images = jittered(images, variety.jitter, random)
        targets = smoothed(self._labels[drawn], self._classes, options.smoothing)
        if random.random() < variety.mixed:
            images, mix = mixed(images, random)
            targets = mix.own * targets + (1 - mix.own) * targets[mix.partner]
        images = normalised(images, self._preprocessing)
        kept = self._kept(step, len(images))
        parts = options.parts
        return [
            Examples(*(tensor.to(self._device) for tensor in part))
            for part in zip(
                images.chunk(parts), targets.chunk(parts), kept.chunk(parts, dim=2), strict=True
            )
        ]

    def _kept(self, step: int, count: int) -> Float[Tensor, "layers 2 count"]:
        rates = self._keep_rates.view(-1, 1, 1)
        random = generator(self._options.seed, step, DEPTH).random((len(rates), 2, count))
        return (torch.from_numpy(random) < rates).float() / rates

    def losses(self, network: Network, part: Examples, step: int) -> dict[str, Tensor]:  # noqa: ARG002
        """The cross entropy."""
        logits = self._forward(network, part.images, part.kept)
        return {"loss": cross_entropy(logits, part.targets)}

    @torch.no_grad()
    def measure(self, network: Network) -> dict[str, float]:
        """Accuracy and loss on the validation photos, not varied."""
        right, loss, count = 0, 0.0, len(self._validation)
        for first in range(0, count, 16):
            some = slice(first, first + 16)
            wanted = self._wanted[some].to(self._device)
            images = model_inputs(self._validation[some], self._preprocessing).to(self._device)
            logits = network(images)
            right += int((logits.argmax(dim=1) == wanted).sum())
            loss += float(F.cross_entropy(logits, wanted, reduction="sum"))
        return {"accuracy": right / count, "validation loss": loss / count}

    def keep(self, network: Network, history: list[dict[str, float]]) -> Path | None:
        """Writes a snapshot of the epoch, and the result if it is the best so far."""
        return self._keep(network, history, is_best(history))

    def enough(self, history: list[dict[str, float]]) -> bool:
        """Whether no epoch of the last few was better than the best before them.

        Source: Prechelt, "Early Stopping - But When?", 1998 (the criterion "UP", by accuracy).
        """
        patience = self._options.patience
        return 0 < patience < len(history) and not any(
            is_best(history[: len(history) - back]) for back in range(patience)
        )


@runtime_checkable
class WeightsWriter(Protocol):
    """Writes weights that were measured; returns where they are to be seen."""

    def __call__(
        self, network: Network, history: list[dict[str, float]], best: bool, /
    ) -> Path | None:
        """The last of ``history`` is theirs."""


def is_best(history: list[dict[str, float]]) -> bool:
    """Whether the last measurement is better than all before it, in accuracy and then in loss."""
    *before, last = ((epoch["accuracy"], -epoch["validation loss"]) for epoch in history)
    return all(last > other for other in before)


def rates_of(roles: Mapping[str, Role], depth: int, options: FinetuneOptions) -> dict[str, Rates]:
    """The learning rate of each parameter falls from the head down; what is frozen has none.

    Source: Clark et al., arXiv 2003.10555 (layer-wise decay); only matrices decay.

    Args:
        roles: What each parameter is.
        depth: How many layers the network has.
        options: How much it falls, and what is frozen.
    """
    rates = {}
    for name, role in roles.items():
        if options.freeze == "all but the head" and not role.head:
            continue
        scale = options.layer_decay ** (depth - role.layer)
        rates[name] = Rates(scale, options.decay if role.kind == "matrix" else 0.0)
    return rates

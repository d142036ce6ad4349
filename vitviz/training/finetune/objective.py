"""What a classifier is to learn from labelled photos.

Each choice has its source with the option it belongs to (``training.recipes``).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.vit.network import Block, VisionTransformer
from vitviz.shapes import Float, Int
from vitviz.training.batches import as_wanted, generator, jittered, mixed, normalised
from vitviz.training.batches import random_crops as crops
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
        kept: For each block's two branches and each image, what the branch is multiplied with.
    """

    images: Float[Tensor, "part 3 height width"]
    targets: Float[Tensor, "part classes"]
    kept: Float[Tensor, "blocks 2 part"]


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
    """The chance that each block's branches are kept: 1 for the first, ``1 - rate`` for the last.

    Source: Huang et al., arXiv 1603.09382, section 3 (linear decay).
    """
    return 1 - rate * torch.arange(depth) / max(1, depth - 1)


def dropped_forward(
    network: VisionTransformer,
    images: Float[Tensor, "batch 3 height width"],
    kept: Float[Tensor, "blocks 2 batch"],
) -> Float[Tensor, "batch classes"]:
    """A forward in which each branch of each block is multiplied with a number for each image.

    Args:
        network: The network.
        images: Normalised.
        kept: 0 where a branch is left out, and one by the chance of that not happening elsewhere.
    """
    z = network.embed(images)
    for block, (attention, mlp) in zip(network.blocks, kept[..., None, None], strict=True):
        assert isinstance(block, Block)
        z = z + attention * block.ls1(block.attn(block.norm1(z), F.scaled_dot_product_attention))
        z = z + mlp * block.ls2(block.mlp(block.norm2(z)))
    return network.classify(z)


class Finetuning:
    """The objective of a fine-tuning.

    Args:
        network: To be trained.
        preprocessing: Its.
        photos: Labelled.
        options: How.
        keep: Writes the weights that were just measured, with their card.
    """

    def __init__(
        self,
        network: VisionTransformer,
        preprocessing: Preprocessing,
        photos: LabelledPhotos,
        options: FinetuneOptions,
        keep: Keep,
    ) -> None:
        self._preprocessing, self._options, self._keep = preprocessing, options, keep
        self._training = [one.photo for one in photos.training]
        self._labels = torch.tensor([one.label for one in photos.training])
        self._classes = len(photos.names)
        self._keep_rates = keep_rates(len(network.blocks), options.stochastic_depth)
        self._device = network.pos_embed.device
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
        images = crops(photos, self._preprocessing.input_size, variety, random)
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

    def _kept(self, step: int, count: int) -> Float[Tensor, "blocks 2 count"]:
        rates = self._keep_rates.view(-1, 1, 1)
        random = generator(self._options.seed, step, DEPTH).random((len(rates), 2, count))
        return (torch.from_numpy(random) < rates).float() / rates

    def losses(self, network: VisionTransformer, part: Examples, step: int) -> dict[str, Tensor]:  # noqa: ARG002
        """The cross entropy."""
        logits = dropped_forward(network, part.images, part.kept)
        return {"loss": cross_entropy(logits, part.targets)}

    @torch.no_grad()
    def measure(self, network: VisionTransformer) -> dict[str, float]:
        """Accuracy and loss on the validation photos, not varied."""
        right, loss, count = 0, 0.0, len(self._validation)
        for first in range(0, count, 16):
            some = slice(first, first + 16)
            wanted = self._wanted[some].to(self._device)
            images = as_wanted(self._validation[some], self._preprocessing).to(self._device)
            logits = network(images)
            right += int((logits.argmax(dim=1) == wanted).sum())
            loss += float(F.cross_entropy(logits, wanted, reduction="sum"))
        return {"accuracy": right / count, "validation loss": loss / count}

    def keep(self, network: VisionTransformer, history: list[dict[str, float]]) -> Path | None:
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
class Keep(Protocol):
    """Writes weights that were measured; returns where they are to be seen."""

    def __call__(
        self, network: VisionTransformer, history: list[dict[str, float]], best: bool, /
    ) -> Path | None:
        """The last of ``history`` is theirs."""


def is_best(history: list[dict[str, float]]) -> bool:
    """Whether the last measurement is better than all before it, in accuracy and then in loss."""
    *before, last = ((epoch["accuracy"], -epoch["validation loss"]) for epoch in history)
    return all(last > other for other in before)


def classifier_of(network: VisionTransformer, classes: int) -> VisionTransformer:
    """A network with another head, which begins at zero, and all else as it is.

    Source: Dosovitskiy et al., arXiv 2010.11929, section 3.2 (a zero-initialised head).
    """
    config = replace(network.config, classes=classes)
    result = VisionTransformer(config).to(network.pos_embed.device)
    body = {n: t for n, t in network.state_dict().items() if not n.startswith("head")}
    result.load_state_dict(body, strict=False)
    for head in (result.head, result.head_dist):
        if isinstance(head, nn.Linear):
            nn.init.zeros_(head.weight)
            nn.init.zeros_(head.bias)
    return result


def rates_of(network: VisionTransformer, options: FinetuneOptions) -> dict[str, Rates]:
    """The learning rate of each parameter falls from the head down; what is frozen has none.

    Source: Clark et al., arXiv 2003.10555 (layer-wise decay); no weight decay for biases, norms,
    tokens and positions.
    """
    depth = len(network.blocks)
    rates = {}
    for name, parameter in network.named_parameters():
        is_head = name.startswith("head")
        if options.freeze == "all but the head" and not is_head:
            continue
        scale = options.layer_decay ** (depth + 1 - layer_of(name, depth))
        rates[name] = Rates(scale, options.decay if parameter.ndim in (2, 4) else 0.0)
    return rates


def layer_of(name: str, depth: int) -> int:
    """Where a parameter is: 0 the embedding, then the blocks from 1, ``depth + 1`` the head."""
    if name.startswith("blocks."):
        return int(name.split(".")[1]) + 1
    return depth + 1 if name.startswith(("head", "norm.", "fc_norm.")) else 0

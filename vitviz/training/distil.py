"""A student learns what a teacher does, from photos without labels.

Source: Hinton et al., arXiv 1503.02531 (the teacher's outputs as targets); Beyer et al., arXiv
2106.05237 (the teacher sees exactly the student's crop, mixed photos, long); Sun et al., arXiv
1908.09355, and Jiao et al., arXiv 1909.10351 (states and attention between, block by block).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.vit import VisionTransformer
from vitviz.training.batches import Variety, draw, generator, jittered, mixed
from vitviz.training.loop import Pace
from vitviz.training.optimiser import Rates
from vitviz.training.photos import KeptPhoto

WEIGHTS = {"states": 1.0, "attention": 0.5, "logits": 2.0}
"""Of the terms of the loss, each a mean over blocks."""


@dataclass(frozen=True)
class DistilRecipe:
    """How a student is made.

    Args:
        depth: Its blocks; divides the teacher's.
        apart: Steps in which each block learns by itself, given the teacher's own input.
        batch: Photos a step.
        sides: Of the inputs, in pixels, one after another from step to step.
        last_sides: The same during the cool-down.
        variety: How photos are varied.
        seed: Of everything random.
    """

    depth: int
    apart: int
    batch: int = 32
    sides: tuple[int, ...] = (96, 128, 160, 128, 96, 160, 128, 224)
    last_sides: tuple[int, ...] = (224,)
    variety: Variety = Variety()
    seed: int = 0


class Seen(NamedTuple):
    """What a network did with a batch.

    Args:
        states: The tokens before the first of the blocks that count, and after each of them.
        attention: The logarithm of the attention of each of them.
        logits: Of the classes.
    """

    states: list[Float[Tensor, "batch tokens dim"]]
    attention: list[Float[Tensor, "batch heads tokens tokens"]]
    logits: Float[Tensor, "batch classes"]


class _Watch:
    """Attention written out, so that it can be compared."""

    log: Float[Tensor, "batch heads tokens tokens"]

    def __call__(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        self.log = ((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)).log_softmax(dim=-1)
        return self.log.exp() @ v


def watched(
    network: VisionTransformer,
    images: Float[Tensor, "batch 3 height width"],
    every: int = 1,
    given: Sequence[Float[Tensor, "batch tokens dim"]] | None = None,
) -> Seen:
    """A forward with the states and the attention of every so many blocks.

    Args:
        network: Teacher or student.
        images: Normalised.
        every: Only each such block counts: 2 for the second, the fourth, ...
        given: What each block is given instead of what the one before it made.
    """
    z = network.embed(images)
    states, attention = [z], []
    for number, block in enumerate(network.blocks):
        watch = _Watch()
        z = block(z if given is None else given[number], watch)
        if (number + 1) % every == 0:
            states.append(z)
            attention.append(watch.log)
    return Seen(states, attention, network.classify(z if given is None else given[-1]))


def attention_divergence(
    student: Float[Tensor, "batch heads rows tokens"],
    teacher: Float[Tensor, "batch heads rows tokens"],
) -> Float[Tensor, ""]:
    """Kullback and Leibler's divergence of attention from the teacher's, a mean over rows.

    Args:
        student: Logarithms.
        teacher: Logarithms.
    """
    rows = teacher.shape[:-1].numel()
    return (teacher.exp() * (teacher - student)).sum() / rows


def state_error(
    student: Float[Tensor, "batch tokens dim"],
    teacher: Float[Tensor, "batch tokens dim"],
    spread: Float[Tensor, " dim"],
) -> Float[Tensor, ""]:
    """The mean squared difference, each channel in units of its spread."""
    return ((student - teacher) / spread).square().mean()


def logit_divergence(
    student: Float[Tensor, "batch classes"], teacher: Float[Tensor, "batch classes"]
) -> Float[Tensor, ""]:
    """Kullback and Leibler's divergence of the student's probabilities from the teacher's."""
    return F.kl_div(
        student.log_softmax(dim=-1), teacher.log_softmax(dim=-1),
        reduction="batchmean", log_target=True,
    )  # fmt: skip


class Distillation:
    """The objective of a distillation.

    Args:
        teacher: Frozen.
        preprocessing: The teacher's, and so the student's.
        photos: To train on.
        held_out: To measure on: normalised inputs.
        recipe: How.
        pace: Of the run.
    """

    def __init__(
        self,
        teacher: VisionTransformer,
        preprocessing: Preprocessing,
        photos: Sequence[KeptPhoto],
        held_out: Float[Tensor, "count 3 height width"],
        recipe: DistilRecipe,
        pace: Pace,
    ) -> None:
        self._teacher, self._photos, self._held_out = teacher, photos, held_out
        self._recipe, self._pace = recipe, pace
        self._every = len(teacher.blocks) // recipe.depth
        self._device = teacher.pos_embed.device
        self._mean = torch.tensor(preprocessing.mean).view(3, 1, 1)
        self._std = torch.tensor(preprocessing.std).view(3, 1, 1)
        self._steps_spread, self._spread = self._spreads()

    @torch.no_grad()
    def _spreads(self) -> tuple[list[Tensor], list[Tensor]]:
        """Per channel, of what each of the student's blocks is to add, and of its states."""
        images = torch.cat([part for step in range(2) for part in self.batch(-1 - step)])
        states = watched(self._teacher, images, self._every).states
        added = [states[0], *(b - a for a, b in zip(states, states[1:], strict=False))]

        def spread(tokens: Tensor) -> Tensor:
            return tokens.flatten(0, 1).std(dim=0).clamp(min=1e-3)

        return [spread(step) for step in added], [spread(state) for state in states]

    def batch(self, step: int) -> list[Float[Tensor, "part 3 height width"]]:
        """Photos of this step, varied and normalised."""
        recipe, pace = self._recipe, self._pace
        number = max(step, 0)
        last = number >= pace.steps - pace.cool_down
        sides = recipe.last_sides if last else recipe.sides
        random = generator(recipe.seed, number if step >= 0 else (1 << 40) - step, 0)
        side = sides[number % len(sides)]
        pixels = draw(self._photos, side, recipe.batch, recipe.variety, random)
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
        images = jittered(images, recipe.variety.jitter, random)
        if random.random() < recipe.variety.mixed:
            images, _ = mixed(images, random)
        images = ((images - self._mean) / self._std).to(self._device)
        return list(images.chunk(pace.parts))

    def losses(self, network: nn.Module, part: Tensor, step: int) -> dict[str, Tensor]:
        """How far the student is from the teacher: states, attention, logits."""
        assert isinstance(network, VisionTransformer)
        apart = step < self._recipe.apart
        with torch.no_grad():
            wanted = watched(self._teacher, part, self._every)
        seen = watched(network, part, given=wanted.states if apart else None)
        spreads = self._steps_spread if apart else self._spread
        states = [
            state_error(*three) for three in zip(seen.states, wanted.states, spreads, strict=True)
        ]
        attention = [
            attention_divergence(*two) for two in zip(seen.attention, wanted.attention, strict=True)
        ]
        return {
            "states": WEIGHTS["states"] * torch.stack(states).mean(),
            "attention": WEIGHTS["attention"] * torch.stack(attention).mean(),
            "logits": WEIGHTS["logits"] * (0.1 if apart else 1.0) * logit_divergence(seen.logits, wanted.logits),
        }

    @torch.no_grad()
    def measure(self, network: nn.Module) -> dict[str, float]:
        """Agreement with the teacher on the held-out photos."""
        first = among = 0
        for images in self._held_out.split(16):
            wanted = self._teacher(images).argmax(dim=1, keepdim=True)
            best = network(images).topk(5, dim=1).indices
            first += int((best[:, :1] == wanted).sum())
            among += int((best == wanted).sum())
        count = len(self._held_out)
        return {"first": first / count, "among_five": among / count}


def student_of(teacher: VisionTransformer, depth: int, seed: int) -> VisionTransformer:
    """A network of the teacher's shape but for its depth, with random weights."""
    torch.manual_seed(seed)
    student = VisionTransformer(replace(teacher.config, depth=depth))
    for name, parameter in student.named_parameters():
        if name.endswith(".bias"):
            nn.init.zeros_(parameter)
        elif parameter.ndim == 2:
            nn.init.trunc_normal_(parameter, std=0.02)
    # Smaller inputs see the positions through a blur, and never correct what it hides.
    nn.init.zeros_(student.pos_embed)
    return student.to(teacher.pos_embed.device)


def rates_of(student: VisionTransformer, decay: float) -> dict[str, Rates]:
    """Muon for the matrices of the blocks; no decay for what is not a matrix."""
    return {
        name: Rates(
            decay=decay if parameter.ndim >= 2 and name not in {"pos_embed", "cls_token"} else 0.0,
            orthogonal=parameter.ndim == 2 and name.startswith("blocks."),
        )
        for name, parameter in student.named_parameters()
    }

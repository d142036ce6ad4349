"""What a student is to learn of its teacher, from photos without labels.

Source: Hinton et al., arXiv 1503.02531 (the teacher's outputs as targets); Beyer et al., arXiv
2106.05237 (the teacher is shown exactly the student's crop, mixed photos, for long); Jiao et al.,
arXiv 1909.10351 (states and attention between, block by block).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.network import Network
from vitviz.models.training import Role
from vitviz.shapes import Float
from vitviz.training.batches import device_of, draw, generator, jittered, mixed, normalised
from vitviz.training.optimiser import Rates
from vitviz.training.photos import TrainingPhoto
from vitviz.training.recipes import DistilOptions

STATES, ATTENTION = 1.0, 0.5
"""Weights of terms of the loss that are means over blocks."""

LOGITS = (0.05, 1.0)
"""Weight of the logits' term, until the cool-down and at its end.

Its gradient through all blocks is forty times as long as that of the states, and as good as noise
from batch to batch (a cosine of 0.08, where that of the states is 0.5 to 0.8), until the states
are nearly right.
"""

SPREAD_FROM = 64
"""Photos from which the spread of each channel is taken."""

TOKENS, VECTORS = 80.0, 4.0
"""Learning rates, as multiples of the run's, of tokens and positions, and of biases and norms,
until the blocks are put end to end.

AdamW moves a number by no more than its rate a step, and these have to go far: the CLS token of
DeiT-Tiny has a channel at 12, where a matrix has weights around 0.03.
"""

EMBEDDING_LATER = 0.1
"""The same of all of the embedding after that. It is right by then, and what reaches it through
all blocks is mostly noise."""

BEFORE_THE_FIRST = 1 << 40
"""A number no step reaches, for batches that are not trained on."""


class Observation(NamedTuple):
    """What a network did with a batch.

    Args:
        states: The tokens before the first of the blocks that count, and after each of them.
        attention: The logarithm of the attention of each of them.
        logits: Of the classes.
    """

    states: list[Float[Tensor, "batch tokens dim"]]
    attention: list[Float[Tensor, "batch heads tokens tokens"]]
    logits: Float[Tensor, "batch classes"]


class _Recorder:
    """Attention written out, so that it can be compared."""

    log: Float[Tensor, "batch heads tokens tokens"]

    def __call__(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        self.log = ((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)).log_softmax(dim=-1)
        return self.log.exp() @ v


def observe(
    network: Network,
    images: Float[Tensor, "batch 3 height width"],
    every: int = 1,
    given: Sequence[Float[Tensor, "batch tokens dim"]] | None = None,
) -> Observation:
    """A forward with the states and the attention of every so many blocks.

    Args:
        network: Teacher or student.
        images: Normalised.
        every: Only each such block counts: 2 for the second, the fourth, ...
        given: What each block, and then the head, is given instead of what came before it.
    """
    z = network.embed(images)
    states, attention = [z], []
    for number, block in enumerate(network.blocks):
        recorder = _Recorder()
        z = block(z if given is None else given[number], recorder)
        if (number + 1) % every == 0:
            states.append(z)
            attention.append(recorder.log)
    return Observation(states, attention, network.classify(z if given is None else given[-1]))


def attention_divergence(
    student: Float[Tensor, "batch heads rows tokens"],
    teacher: Float[Tensor, "batch heads rows tokens"],
) -> Float[Tensor, ""]:
    """Kullback and Leibler's divergence of the student's attention from the teacher's.

    Args:
        student: Logarithms.
        teacher: Logarithms.

    Returns:
        In nats, a mean over rows.
    """
    return (teacher.exp() * (teacher - student)).sum() / teacher.shape[:-1].numel()


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
        held_out: To measure on: inputs made as the teacher wants them.
        options: How; the student's depth is a number, not 0.
    """

    def __init__(
        self,
        teacher: Network,
        preprocessing: Preprocessing,
        photos: Sequence[TrainingPhoto],
        held_out: Float[Tensor, "count 3 height width"],
        options: DistilOptions,
    ) -> None:
        self._teacher, self._photos, self._held_out = teacher, photos, held_out
        self._preprocessing, self._options = preprocessing, options
        self._stages = options.stages
        self._device = device_of(teacher)
        self._every = len(teacher.blocks) // options.depth
        self._added_spread, self._state_spread = self._spreads(preprocessing)

    @torch.no_grad()
    def _spreads(self, preprocessing: Preprocessing) -> tuple[list[Tensor], list[Tensor]]:
        """Per channel, of what each of the student's blocks is to add, and of its states."""
        images = self._images(BEFORE_THE_FIRST, preprocessing.input_size, SPREAD_FROM)
        states = observe(self._teacher, images, self._every).states
        added = [states[0], *(b - a for a, b in pairwise(states))]

        def spread(tokens: Tensor) -> Tensor:
            return tokens.flatten(0, 1).std(dim=0).clamp(min=1e-3)

        return [spread(step) for step in added], [spread(state) for state in states]

    def _images(
        self, step: int, size: tuple[int, int], count: int
    ) -> Float[Tensor, "count 3 height width"]:
        variety = self._options.variety
        random = generator(self._options.seed, step, 0)
        images = draw(self._photos, size, count, variety, random)
        images = jittered(images, variety.jitter, random)
        if random.random() < variety.mixed:
            images, _ = mixed(images, random)
        return normalised(images, self._preprocessing).to(self._device)

    def batch(self, step: int) -> list[Float[Tensor, "part 3 height width"]]:
        """Photos of this step, varied and normalised."""
        options = self._options
        side = options.sides[step % len(options.sides)]
        stages = self._stages
        full = step < stages.embedding or step >= options.steps - stages.full_size
        size = self._preprocessing.input_size if full else (side, side)
        return list(self._images(step, size, options.batch).chunk(options.parts))

    def losses(
        self, network: Network, part: Float[Tensor, "part 3 height width"], step: int
    ) -> dict[str, Tensor]:
        """How far the student is from the teacher in states, attention and logits."""
        if step < self._stages.embedding:
            return {"states": self._embedding_error(network, part)}
        apart = step < self._options.end_to_end_from
        with torch.no_grad():
            wanted = observe(self._teacher, part, self._every)
        found = observe(network, part, given=wanted.states if apart else None)
        spreads = self._added_spread if apart else self._state_spread
        states = [
            state_error(*three) for three in zip(found.states, wanted.states, spreads, strict=True)
        ]
        attention = [
            attention_divergence(*two)
            for two in zip(found.attention, wanted.attention, strict=True)
        ]
        weight = self._logits_weight(step)
        return {
            "states": STATES * torch.stack(states).mean(),
            "attention": ATTENTION * torch.stack(attention).mean(),
            "logits": weight * logit_divergence(found.logits, wanted.logits),
        }

    def _logits_weight(self, step: int) -> float:
        """How much the logits weigh: more and more while the learning rate falls."""
        cool_down = self._stages.cool_down
        cooling = step - (self._options.steps - cool_down)
        done = max(0.0, cooling / cool_down) if cool_down else 0.0
        return LOGITS[0] + (LOGITS[1] - LOGITS[0]) * done

    def _embedding_error(
        self, network: Network, part: Float[Tensor, "part 3 height width"]
    ) -> Float[Tensor, ""]:
        with torch.no_grad():
            wanted = self._teacher.embed(part)
        return state_error(network.embed(part), wanted, self._state_spread[0])

    @torch.no_grad()
    def measure(self, network: Network) -> dict[str, float]:
        """How often the student's first class, or one of its first five, is the teacher's first."""
        first = among = 0
        for images in self._held_out.tensor_split(max(1, len(self._held_out) // 16)):
            images = images.to(self._device)
            wanted = self._teacher(images).argmax(dim=1, keepdim=True)
            logits = network(images)
            best = logits.topk(min(5, logits.shape[1]), dim=1).indices
            first += int((best[:, :1] == wanted).sum())
            among += int((best == wanted).sum())
        count = len(self._held_out)
        return {"first": first / count, "among five": among / count}

    def keep(self, network: Network, history: list[dict[str, float]]) -> Path | None:  # noqa: ARG002
        """Nothing: the student is written in the end."""
        return None

    def enough(self, history: list[dict[str, float]]) -> bool:  # noqa: ARG002
        """Never: more is better."""
        return False


def rates_of(roles: Mapping[str, Role], decay: float) -> dict[str, Rates]:
    """Muon for all matrices but the head's, AdamW for all else; only matrices decay.

    Args:
        roles: What each parameter of the student is.
        decay: Weight decay of matrices.
    """
    rates = {}
    for name, role in roles.items():
        later = EMBEDDING_LATER if role.layer < 0 else 1.0
        if role.kind == "matrix":
            rates[name] = Rates(1.0, decay, orthogonal=not role.head, later=later)
        else:
            scale = VECTORS if role.kind == "vector" else TOKENS
            rates[name] = Rates(scale, decay=0.0, later=later)
    return rates

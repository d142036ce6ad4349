"""Test-time registers: a network whose outliers go to a token that is added, without training.

In large networks a few neurons make outlier patches: what they put out is far from zero on those
patches alone. With h a layer's hidden numbers, n one of these register neurons and r a token that
begins as zero and lies nowhere:

    h[r, n] <- the value of h[:, n] that is farthest from zero,   h[i, n] <- 0 of every patch i

The other prefix tokens keep what they have. r takes part in attention, is no patch of any map, and
is not read by the network's head.

Source: Jiang, Dravid, Efros and Gandelsman, "Vision Transformers Don't Need Trained Registers",
NeurIPS 2025, arXiv 2506.08010, section 4; signs and CLS as in their program
(nickjiang2378/test-time-registers, ``activate_on_registers``). Written from the paper: that program
has no licence.

Difference from the source: one added token, which stands before the patches; it has no position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from vitviz.errors import VitvizError
from vitviz.models.anatomy import Filters, Places, Reader
from vitviz.models.cost import Cost
from vitviz.models.network import Attend, Network, Step
from vitviz.models.neurons import changing
from vitviz.models.outline import Outline
from vitviz.probing.ablation import Registers, require_room
from vitviz.shapes import Bool, Float, Int


class Registered(Network):
    """A network with a test-time register, looked at as any other.

    Args:
        network: The one without; it is not changed.
        registers: Which neurons; ones that it does not have are left out.
        input_size: Height and width of its input.
        gone: Patches that are removed, which count for nothing though their tokens may be there
            (``probing.ablated``); None: none.

    Raises:
        VitvizError: It can have none (``require_room``).
    """

    def __init__(
        self,
        network: Network,
        registers: Registers,
        input_size: tuple[int, int],
        gone: Bool[np.ndarray, "rows cols"] | None = None,
    ) -> None:
        super().__init__()
        outline = network.outline(input_size)
        require_room(outline)
        self.whole = network
        self.blocks = network.blocks
        self.registers = registers
        self._about = input_size, gone
        self.place = len(outline.prefix)
        patches = np.zeros(outline.layers[0].grid, bool) if gone is None else gone
        there = np.concatenate([np.ones(self.place + 1, bool), ~patches.flatten()])
        self._there = torch.from_numpy(there)

    def embed(self, image: Float[Tensor, "batch 3 height width"]) -> Tensor:
        z = self.whole.embed(image)
        return torch.cat([z[:, : self.place], torch.zeros_like(z[:, :1]), z[:, self.place :]], 1)

    def steps(
        self, input_size: tuple[int, int], kept: Int[Tensor, " tokens"] | None = None
    ) -> Sequence[Step]:
        if kept is None:
            device = next(self.parameters()).device
            kept = torch.arange(self.outline(input_size).tokens(0).tokens, device=device)
        elif not bool((kept == self.place).any()):
            raise ValueError("the register has to stay")
        # As the whole network counts its tokens; -1 is nowhere.
        own = torch.where(kept > self.place, kept - 1, kept).masked_fill(kept == self.place, -1)
        place = int((kept == self.place).nonzero()[0, 0])
        there = self._there.to(kept.device)[kept]
        found: list[Step] = []
        for layer, step in enumerate(self.whole.steps(input_size, own)):
            neurons = self.registers.of_layer(layer)
            found.append(_moving(step, neurons, place, there) if neurons else step)
        return found

    def keep(self, z: Tensor, tokens: Int[Tensor, " tokens"]) -> Tensor:
        return z[:, tokens]

    def classify(self, z: Tensor) -> Float[Tensor, "batch classes"]:
        return self.whole.classify(self._without(z))

    def readouts(self, z: Tensor) -> Float[Tensor, "readouts batch classes"]:
        return self.whole.readouts(self._without(z))

    def features(self, z: Tensor) -> Float[Tensor, "batch numbers"]:
        return self.whole.features(self._without(z))

    def filters(self, input_size: tuple[int, int]) -> Filters | None:
        return self.whole.filters(input_size)

    def placing(self, input_size: tuple[int, int]) -> Places | None:
        found = self.whole.placing(input_size)
        if found is None or found.added is None:
            return found
        nowhere = torch.zeros_like(found.added[:1])
        added = torch.cat([found.added[: self.place], nowhere, found.added[self.place :]])
        return replace(found, added=added)

    def unplaced(self) -> Network | None:
        other = self.whole.unplaced()
        return None if other is None else Registered(other, self.registers, *self._about)

    def readers(self, z: Tensor) -> tuple[Reader, ...]:
        return self.whole.readers(self._without(z))

    def projection(self, layer: int) -> Float[Tensor, "width heads_times_dim"]:
        return self.whole.projection(layer)

    def outline(self, input_size: tuple[int, int]) -> Outline:
        return self.whole.outline(input_size).with_register()

    def cost(self, input_size: tuple[int, int]) -> Cost:
        return self.whole.cost(input_size)  # one token more is beyond what an estimate can tell

    def as_tokens(self, z: Tensor) -> Float[Tensor, "batch tokens dim"]:
        return self.whole.as_tokens(z)

    def normed(self, z: Tensor) -> Float[Tensor, "batch tokens dim"]:
        return self.whole.normed(z)

    def decode(
        self,
        image: Float[Tensor, "batch 3 height width"],  # noqa: ARG002
        hidden: Bool[Tensor, "rows cols"],  # noqa: ARG002
        normalised: bool | None = None,  # noqa: ARG002
    ) -> Float[Tensor, "batch 3 height width"]:
        raise VitvizError(
            "What a decoder makes of a photo is not known of a model with a test-time register.",
            "Make the model whole again.",
        )

    def _without(self, z: Tensor) -> Tensor:
        """A state without the register."""
        return torch.cat([z[:, : self.place], z[:, self.place + 1 :]], 1)


def moved(
    hidden: Float[Tensor, "batch tokens neurons"],
    neurons: Int[Tensor, " some"],
    place: int,
    there: Bool[Tensor, " tokens"],
) -> Float[Tensor, "batch tokens neurons"]:
    """What neurons put out, with some of them moved.

    Args:
        hidden: What they put out.
        neurons: Which are moved.
        place: Of the token they are moved to; patches come after it.
        there: Which tokens count.
    """
    own = hidden[..., neurons]
    distance = own.abs().masked_fill(~there[:, None], -1)
    farthest = own.gather(1, distance.argmax(1, keepdim=True))
    patches = torch.zeros_like(own[:, place + 1 :])
    return hidden.index_copy(2, neurons, torch.cat([own[:, :place], farthest, patches], 1))


def _moving(
    step: Step, neurons: tuple[int, ...], place: int, there: Bool[Tensor, " tokens"]
) -> Step:
    """A step some of whose neurons are moved."""

    def change(hidden: Tensor) -> Tensor:
        own = [neuron for neuron in neurons if neuron < hidden.shape[-1]]
        which = torch.tensor(own, dtype=torch.long, device=hidden.device)
        return moved(hidden, which, place, there)

    def moving_step(z: Tensor, attend: Attend) -> Tensor:
        with changing(change):
            return step(z, attend)

    return moving_step

"""A convolutional network as a list of its convolutions: all that is known before its weights are.

Where the patches of a layer lie, how much of the input they see, how many numbers are learned and
what running it costs follow from the sizes of the convolutions alone. Importing this does not load
torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from vitviz.models.cost import FLOAT_BYTES, MOST_KEPT_STATES, WORKSPACE_BYTES, Cost
from vitviz.models.outline import Ability, LayerOutline, Outline

GIVES: frozenset[Ability] = frozenset({"states", "gradients", "rerun"})

CLASSES: frozenset[Ability] = frozenset({"classes"})


@dataclass(frozen=True)
class Conv:
    """A convolution, or a pooling.

    Args:
        before: Channels that it is given.
        after: Channels that it puts out.
        kernel: Side of the square that it looks at.
        stride: Steps between two such squares.
        padding: Zeros around its input; None: as many as give a place for each ``stride`` places,
            the odd one at the end, which is TensorFlow's "same".
        groups: Parts that the channels are in, which do not mix.
        learned: Numbers learned beside its weights: of its bias, and of a norm after it.
        pools: It has no weights.
    """

    before: int
    after: int
    kernel: int = 1
    stride: int = 1
    padding: int | None = 0
    groups: int = 1
    learned: int = 0
    pools: bool = False

    @property
    def parameters(self) -> int:
        """How many numbers it has learned."""
        weights = 0 if self.pools else self.before // self.groups * self.after * self.kernel**2
        return weights + self.learned

    def padded(self, size: int) -> tuple[int, int]:
        """Places put before and after so many on one axis."""
        if self.padding is not None:
            return self.padding, self.padding
        return same(size, self.kernel, self.stride)


def same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's "same" padding of one axis: zeros before, and zeros after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


@dataclass(frozen=True)
class Block:
    """One layer: the way through its convolutions, and what lies beside that.

    Args:
        name: For people, unique in the network.
        convs: One after another, from what the layer is given to what it puts out.
        beside: On the way past them, which sees nothing that they do not see.
        learned: Numbers learned by other parts.
        sees_all: A part of it takes the mean over the whole layer, so that every patch of it
            depends on all of the input (a squeeze-and-excitation gate, for instance).
    """

    name: str
    convs: tuple[Conv, ...]
    beside: tuple[Conv, ...] = ()
    learned: int = 0
    sees_all: bool = False

    @property
    def parameters(self) -> int:
        """How many numbers it has learned."""
        return self.learned + sum(conv.parameters for conv in (*self.convs, *self.beside))


@dataclass(frozen=True)
class Plan:
    """A whole network.

    Args:
        stem: Before the first layer.
        blocks: The layers.
        head: Numbers learned after the last one, by what knows no places any more.
        classes: How many it tells apart; 0 where it has no head.
    """

    stem: Block
    blocks: tuple[Block, ...]
    head: int
    classes: int

    @property
    def parameters(self) -> int:
        """How many numbers it has learned."""
        return self.head + sum(block.parameters for block in (self.stem, *self.blocks))


@dataclass(frozen=True)
class Axis:
    """The places of a layer on one axis of the input.

    Args:
        count: How many there are.
        step: Input pixels from one to the next.
        centre: Of what the first one is made from, in input pixels from the edge.
        field: Input pixels that each is made from.
    """

    count: int
    step: int = 1
    centre: float = 0.5
    field: int = 1

    def after(self, conv: Conv) -> Axis:
        """The places that a convolution makes of these; none where they are too few for it.

        Source: Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
        Networks", Distill 2019, equations 2 to 4.
        """
        before, behind = conv.padded(self.count)
        count = max((self.count + before + behind - conv.kernel) // conv.stride + 1, 0)
        centre = self.centre + ((conv.kernel - 1) / 2 - before) * self.step
        field = self.field + (conv.kernel - 1) * self.step
        return Axis(count, self.step * conv.stride, centre, field)


Plane = tuple[Axis, Axis]
"""Rows and columns."""


def _through(convs: tuple[Conv, ...], plane: Plane) -> Plane:
    rows, cols = plane
    for conv in convs:
        rows, cols = rows.after(conv), cols.after(conv)
    return rows, cols


@lru_cache(maxsize=64)  # asked for at every refresh of the window
def outline(plan: Plan, input_size: tuple[int, int]) -> Outline:
    """The network from outside, at an input of this height and width.

    Raises:
        ValueError: The input is too small for it.
    """
    plane = _through(plan.stem.convs, (Axis(input_size[0]), Axis(input_size[1])))
    layers, sees_all = list[LayerOutline](), plan.stem.sees_all
    for block in plan.blocks:
        rows, cols = plane = _through(block.convs, plane)
        if not (rows.count and cols.count):
            raise ValueError(f"an input of {input_size} is too small for this network")
        sees_all |= block.sees_all
        layers.append(LayerOutline(
            block.name, (rows.count, cols.count), rows.step, width=block.convs[-1].after,
            offset=(rows.centre - rows.step / 2, cols.centre - cols.step / 2),
            receptive=math.inf if sees_all else float(rows.field),
        ))  # fmt: skip
    gives = GIVES | CLASSES if plan.classes else GIVES
    sizes = (("width", layers[-1].width), ("patch", layers[-1].patch))
    return Outline(tuple(layers), (), plan.classes, plan.parameters, gives, sizes, "mean")


@lru_cache(maxsize=64)
def cost(plan: Plan, input_size: tuple[int, int]) -> Cost:
    """The cost of tracing one photo, at an input of this height and width."""
    plane = (Axis(input_size[0]), Axis(input_size[1]))
    flops, given, most, longest = 0, 3 * input_size[0] * input_size[1], 0, 0
    states, working = list[int](), list[int]()
    for block in (plan.stem, *plan.blocks):
        made = list[int]()
        for way in (block.convs, block.beside):
            at = plane
            for conv in way:
                at = _through((conv,), at)
                cells = at[0].count * at[1].count
                made.append(cells * conv.after)
                weights = conv.kernel**2 if conv.pools else conv.before // conv.groups
                flops += 2 * made[-1] * weights * (1 if conv.pools else conv.kernel**2)
        plane = _through(block.convs, plane)
        working.append(given + sum(made))
        most = max(most, given + 3 * max(made))  # its input, one number's input and output, a copy
        longest = max(longest, plane[0].count * plane[1].count)
        given = plane[0].count * plane[1].count * block.convs[-1].after
        states.append(given)
    keeps_states = FLOAT_BYTES * sum(states) <= MOST_KEPT_STATES
    peak = most + (sum(states) if keeps_states else 0)
    # Going back, a block's numbers before and after their norm and activation, and gradients.
    backward = (0 if keeps_states else sum(states)) + 4 * max(working)
    return Cost(
        longest, flops, FLOAT_BYTES * peak + WORKSPACE_BYTES,
        FLOAT_BYTES * backward + WORKSPACE_BYTES, keeps_states,
    )  # fmt: skip

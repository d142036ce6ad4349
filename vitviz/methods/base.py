"""What every explanation method takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from vitviz.models.tokens import TokenLayout
from vitviz.progress import Progress
from vitviz.shapes import Float32

if TYPE_CHECKING:  # torch is not loaded for a list of names
    from vitviz.tracing.trace import Trace

Fusion = Literal["mean", "max", "min"]
Head = Fusion | int
"""One head, from 0, or how all of them are fused into one."""

Direction = Literal["of", "to"]
"""Attention *of* the query (its row: where it looks) or *to* it (its column: who looks at it)."""

ParameterValue = float | int | str | bool


@dataclass(frozen=True)
class Parameter:
    """One setting of a method, as the window and the command line offer it.

    Args:
        name: In code and on the command line: "discard".
        title: For people: "Discard ratio".
        default: Also tells its type.
        help: One sentence.
        bounds: Least and greatest value of a number; None as the greatest: the number of layers.
        choices: All allowed values of a string.
    """

    name: str
    title: str
    default: ParameterValue
    help: str = ""
    bounds: tuple[float, float | None] | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is asked of a trace.

    Args:
        query: Index of the query token.
        direction: Attention of it, or to it.
        head: For methods that fuse the heads before anything else (``Method.fuses_first``);
            others give every head and leave the choice to ``Explanation.map``.
        params: By name; what is missing has its default.
        target: Index of the class that a class-specific method asks about; None, or one that the
            model does not have: the most probable.
    """

    query: int = 0
    direction: Direction = "of"
    head: Head = "mean"
    params: Mapping[str, ParameterValue] = field(default_factory=dict)
    target: int | None = None


@dataclass(frozen=True, eq=False)
class HeatMap:
    """One map, unnormalised.

    Args:
        values: One number a patch, in natural units, read-only.
        unit: What the numbers are: "attention", "rollout".
        prefix_share: The part of the row's mass that went to prefix tokens and is not shown, by
            name; empty where the values are not shares of a whole (attention *to* a token, or
            heads fused by max or min after the fact).
        layer: The layer shown (for rollout: the last one included), from 0.
        head: The head or fusion shown.
    """

    values: Float32[np.ndarray, "rows cols"]
    unit: str
    prefix_share: tuple[tuple[str, float], ...]
    layer: int
    head: Head

    def rank(self, row: int, col: int) -> int:
        """How many patches have a greater value, plus one."""
        return int((self.values > self.values[row, col]).sum()) + 1


@dataclass(frozen=True, eq=False)
class Explanation:
    """A method's answer for every layer (and every head, where it keeps them apart).

    Small enough to hand to the window whole (layers x heads x tokens numbers), so that another
    layer or head is a slice, never another computation.

    Args:
        values: Read-only, natural units, prefix tokens included. The heads' axis has length 1
            for methods that fuse heads first.
        layers: Which layer each entry of the first axis is, ascending.
        head: The fusion, for methods that fuse heads first; None where every head is kept.
        layout: Of the tokens' axis.
        unit: What the numbers are.
        shares: Whether a row's values are shares of a whole that sums to one.
        target: Index of the class it is about, for class-specific methods.
    """

    values: Float32[np.ndarray, "layers heads tokens"]
    layers: tuple[int, ...]
    head: Head | None
    layout: TokenLayout
    unit: str
    shares: bool = True
    target: int | None = None

    def nearest_layer(self, layer: int) -> int:
        """The layer it has that is nearest to ``layer``; negative ones count from the last."""
        if layer < 0:
            layer += self.layers[-1] + 1
        return min(self.layers, key=lambda have: abs(have - layer))

    def nearest_head(self, head: Head) -> Head:
        """The head or fusion it has instead of ``head``: its own, or the last one."""
        if self.head is not None:
            return self.head
        return min(head, self.values.shape[1] - 1) if isinstance(head, int) else head

    def tokens(self, layer: int, head: Head) -> Float32[np.ndarray, " tokens"]:
        """One row with its prefix tokens; ``layer`` must be one of ``layers``."""
        by_head = self.values[self.layers.index(layer)]
        head = 0 if self.head is not None else self.nearest_head(head)
        one: Float32[np.ndarray, " tokens"]
        one = by_head[head] if isinstance(head, int) else getattr(by_head, head)(axis=0)
        return one

    def map(self, layer: int, head: Head) -> HeatMap:
        """The map of one layer and one head or fusion; the nearest ones where it lacks these."""
        layer, head = self.nearest_layer(layer), self.nearest_head(head)
        row = self.tokens(layer, head)
        prefix = len(self.layout.prefix)
        values = row[prefix:].reshape(self.layout.grid)
        values.flags.writeable = False
        # The greatest or least share over heads is no longer a share of one whole.
        still_shares = self.shares and (self.head is not None or head not in ("max", "min"))
        mass = [float(value) for value in row[:prefix]]
        prefix_share = tuple(zip(self.layout.prefix, mass, strict=True)) if still_shares else ()
        return HeatMap(values, self.unit, prefix_share, layer, head)


@dataclass(frozen=True)
class Method:
    """An explanation method as a value: what the window lists and the command line names.

    Args:
        name: In code, session files and on the command line: "rollout".
        title: For people: "Attention rollout".
        source: Who published it.
        explain: The method itself.
        parameters: What can be set.
        fuses_first: It fuses heads before anything else, so a head is part of the question.
        directions: Which of "of" and "to" it answers.
        class_specific: It asks about one class, so it needs a model with a head.
    """

    name: str
    title: str
    source: str
    explain: Callable[[Trace, Question, Progress], Explanation]
    parameters: tuple[Parameter, ...] = ()
    fuses_first: bool = False
    directions: tuple[Direction, ...] = ("of",)
    class_specific: bool = False

    def settings(self, params: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
        """Every parameter with its value: the given ones, defaults for the rest.

        Raises:
            KeyError: A name that this method does not have.
        """
        defaults = {p.name: p.default for p in self.parameters}
        if unknown := set(params) - set(defaults):
            raise KeyError(f"{self.name} has no parameter {', '.join(sorted(unknown))}")
        return defaults | dict(params)

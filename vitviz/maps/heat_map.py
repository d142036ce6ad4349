"""Maps as values: a map knows where it lies on the photo and what its numbers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import numpy as np

from vitviz.imaging.geometry import Geometry
from vitviz.maps.outliers import OnOutliers, OutlierChoice, on_outliers
from vitviz.models.tokens import TokenLayout
from vitviz.reading import Within
from vitviz.shapes import Bool, Float32

Fusion = Literal["mean", "max", "min"]
Head = Fusion | Annotated[int, Within(0, 1000)]
"""One head, from 0, or how all of them are fused into one."""

Kind = Literal["share", "amount", "signed", "colours"]

Span = Literal["layer", "through", "network"]
"""Whether the map of a layer is of that layer alone, of all layers from the first up to it, or of
the whole network: then there is but one, under the layer whose patches it has."""


@dataclass(frozen=True)
class Quantity:
    """What the numbers of a map are; range and colours follow from it (``maps.ranges.look``).

    Args:
        unit: For people: "attention", "rollout".
        kind: A "share" of a whole that sums to one; an "amount"; "signed", with zero in the
            middle of its colours; or "colours" themselves, red, green and blue from 0 to 1.
    """

    unit: str
    kind: Kind = "amount"


@dataclass(frozen=True)
class Completeness:
    """What the numbers of a map add up to, for methods that promise it.

    Args:
        whole: What they should add up to.
        name: What that is, for people: "the logit".
        patches: The sum of the map.
        prefix: Of what prefix tokens have, and is not shown.
        biases: What the network adds whatever the photo is.
    """

    whole: float
    name: str
    patches: float
    prefix: float = 0.0
    biases: float = 0.0

    @property
    def error(self) -> float:
        """How far the sum is from the whole."""
        return abs(self.whole - self.patches - self.prefix - self.biases)


@dataclass(frozen=True)
class Components:
    """Which components of features the colours of a map are.

    Args:
        channels: The component that is red, green and blue, from 1; negative where it is flipped.
        shares: The part of the variance that the first, second, third component holds, 0..1.
        photos: Of how many photos they are the components.
    """

    channels: tuple[int, ...]
    shares: tuple[float, ...]
    photos: int


@dataclass(frozen=True, eq=False)
class HeatMap:
    """One map, unnormalised.

    Args:
        values: One number a patch, in natural units, read-only; of colours, three. Not a number on
            patches that were left out.
        geometry: Where its patches lie on the photo.
        quantity: What the numbers are.
        layer: The layer shown (of those "through" layers: the last one included), from 0.
        head: The head or fusion shown.
        prefix_share: The part of the whole that went to prefix tokens and is not shown, by name;
            empty where the values are not shares of a whole.
        completeness: What it adds up to; None of methods that promise nothing.
        outliers: Its outlier patches; None where there are none, or nothing is known of them.
        components: What its colours are, where they are components.
        matches: Rows and columns of the patches that match best, the best first.
    """

    values: Float32[np.ndarray, "rows cols *channels"]
    geometry: Geometry
    quantity: Quantity
    layer: int = 0
    head: Head = "mean"
    prefix_share: tuple[tuple[str, float], ...] = ()
    completeness: Completeness | None = None
    outliers: OnOutliers | None = None
    components: Components | None = None
    matches: tuple[tuple[int, int], ...] = ()

    @property
    def unit(self) -> str:
        return self.quantity.unit

    @property
    def is_coloured(self) -> bool:
        """Its values are colours, three numbers a patch."""
        return self.quantity.kind == "colours"

    def rank(self, row: int, col: int) -> int:
        """How many patches have a greater value, plus one."""
        return int((self.values > self.values[row, col]).sum()) + 1

    @property
    def known(self) -> int:
        """How many patches have a value."""
        return int(np.isfinite(self.values).sum()) // (3 if self.is_coloured else 1)


@dataclass(frozen=True, eq=False)
class LayerMaps:
    """Every head's map of one layer.

    Args:
        values: Read-only, natural units, prefix tokens included. There is one head for methods
            that fuse heads first; where they are colours, red, green and blue stand in its place.
        tokens: Which token is which.
        geometry: Where the patches lie on the photo.
    """

    values: Float32[np.ndarray, "heads tokens"]
    tokens: TokenLayout
    geometry: Geometry

    @property
    def patches(self) -> Float32[np.ndarray, "heads patches"]:
        """The values without those of prefix tokens."""
        return self.values[:, len(self.tokens.prefix) :]


@dataclass(frozen=True, eq=False)
class Explanation:
    """A method's answer for every layer (and every head, where it keeps them apart).

    Small enough to hand to the window whole (layers x heads x tokens numbers), so that another
    layer or head is a slice, never another computation. Layers may differ in their grids and in
    their numbers of heads.

    Args:
        by_layer: The maps of each layer there are maps of, ascending, layers from 0.
        head: The fusion, for methods that fuse heads first; None where every head is kept.
        quantity: What the numbers are.
        span: Of what the map of a layer is.
        target: Index of the class it is about, for class-specific methods.
        contrast: Index of the class that this one is set against; None: none.
        completeness: What the maps of a layer add up to; empty of methods that promise nothing.
        outliers: Which patches are outliers, of the layers for which that is known.
        choice: What is done with them in its maps.
        components: What the colours of a layer are, where they are components.
        matches: The patches of a layer that match best, the best first.
    """

    by_layer: Mapping[int, LayerMaps]
    head: Head | None
    quantity: Quantity
    span: Span = "layer"
    target: int | None = None
    contrast: int | None = None
    completeness: Mapping[int, Completeness] = field(default_factory=dict)
    outliers: Mapping[int, Bool[np.ndarray, " patches"]] = field(default_factory=dict)
    choice: OutlierChoice = "show"
    components: Mapping[int, Components] = field(default_factory=dict)
    matches: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        return self.quantity.unit

    @property
    def layers(self) -> tuple[int, ...]:
        """Which layers there are maps of, ascending."""
        return tuple(self.by_layer)

    @property
    def nbytes(self) -> int:
        """What its numbers take."""
        return sum(maps.values.nbytes for maps in self.by_layer.values())

    @property
    def is_ragged(self) -> bool:
        """Whether its layers differ in their grids or numbers of heads."""
        first, *others = self.by_layer.values()
        return any((o.tokens, len(o.values)) != (first.tokens, len(first.values)) for o in others)

    @property
    def values(self) -> Float32[np.ndarray, "layers heads tokens"]:
        """All layers as one array, read-only.

        Raises:
            ValueError: They differ in their grids or heads, and are no array.
        """
        stacked = np.stack([maps.values for maps in self.by_layer.values()])
        stacked.flags.writeable = False
        return stacked

    def nearest_layer(self, layer: int) -> int:
        """The layer it has that is nearest to ``layer``; negative ones count from the last."""
        if layer < 0:
            layer += self.layers[-1] + 1
        return min(self.by_layer, key=lambda have: abs(have - layer))

    def nearest_head(self, head: Head, layer: int = -1) -> Head:
        """The head or fusion it has instead of ``head``: its own, or a layer's last one."""
        if self.head is not None:
            return self.head
        heads = len(self.by_layer[self.nearest_layer(layer)].values)
        return min(head, heads - 1) if isinstance(head, int) else head

    def tokens(self, layer: int, head: Head) -> Float32[np.ndarray, "tokens ..."]:
        """One row with its prefix tokens; ``layer`` must be one of ``layers``."""
        by_head = self.by_layer[layer].values
        if self.quantity.kind == "colours":
            colours: Float32[np.ndarray, "tokens 3"] = by_head.T
            return colours
        head = 0 if self.head is not None else self.nearest_head(head, layer)
        one: Float32[np.ndarray, " tokens"]
        one = by_head[head] if isinstance(head, int) else getattr(by_head, head)(axis=0)
        return one

    def map(self, layer: int, head: Head) -> HeatMap:
        """The map of one layer and one head or fusion; the nearest ones where it lacks these."""
        layer = self.nearest_layer(layer)
        head, maps = self.nearest_head(head, layer), self.by_layer[layer]
        row = self.tokens(layer, head)
        prefix = maps.tokens.prefix
        values = row[len(prefix) :].reshape(*maps.tokens.grid, *row.shape[1:])
        values.flags.writeable = False
        quantity = self.quantity
        if self.head is None and head in ("max", "min") and quantity.kind == "share":
            # The greatest or least share over heads is no longer a share of one whole.
            quantity = Quantity(quantity.unit)
        shares = zip(prefix, map(float, row), strict=False)
        share = tuple(shares) if quantity.kind == "share" else ()
        complete = self.completeness.get(layer)
        found = HeatMap(
            values, maps.geometry, quantity, layer, head, share, complete,
            components=self.components.get(layer), matches=self.matches.get(layer, ()),
        )  # fmt: skip
        return self._with_outliers(found)

    def _with_outliers(self, whole: HeatMap) -> HeatMap:
        patches = None if whole.is_coloured else self.outliers.get(whole.layer)
        if patches is None or (on := on_outliers(whole.values, patches, self.choice)) is None:
            return whole
        values = whole.values
        if self.choice == "exclude":
            values = np.where(on.patches, np.float32(np.nan), values)
            values.flags.writeable = False
        return replace(whole, values=values, outliers=on)

    def ranged(self) -> list[Float32[np.ndarray, "..."]]:
        """The values of every layer and head that a range shared by all of them is of."""
        arrays = []
        for layer, maps in self.by_layer.items():
            left_out = self.outliers.get(layer) if self.choice == "exclude" else None
            arrays.append(maps.patches if left_out is None else maps.patches[:, ~left_out])
        return arrays


def uniform(
    values: Float32[np.ndarray, "layers heads tokens"],
    layers: Sequence[int],
    tokens: TokenLayout,
    geometry: Geometry,
) -> dict[int, LayerMaps]:
    """The maps of layers that have the same tokens and heads; made read-only.

    Args:
        values: Of each of these layers.
        layers: Ascending, from 0.
        tokens: Of each layer.
        geometry: Where the patches lie on the photo.
    """
    values.flags.writeable = False
    return {
        layer: LayerMaps(of_layer, tokens, geometry)
        for layer, of_layer in zip(layers, values, strict=True)
    }

"""What is told of a network's way to its answer, by station: frozen, and without a tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vitviz.engine.station_requests import (
    BlockRequest,
    EmbeddingRequest,
    LensRequest,
    PartsRequest,
    ReadingsRequest,
    WhatIfRequest,
)
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation
from vitviz.models.tokens import TokenLayout
from vitviz.shapes import Float32, Int, UInt8

if TYPE_CHECKING:  # torch is imported on the worker, never by importing this
    from vitviz.tracing.stations import (
        AttentionSteps,
        ConvolutionSteps,
        Embedding,
        LayerParts,
        Reading,
    )


class PatchRace(NamedTuple):
    """What the head would say of each patch at each depth, were the patch all that it reads.

    Args:
        best: Index of the most probable class.
        best_share: Its probability.
        target_share: The probability of the class that is followed.
    """

    best: Int[np.ndarray, "depths patches"]
    best_share: Float32[np.ndarray, "depths patches"]
    target_share: Float32[np.ndarray, "depths patches"]


@dataclass(frozen=True, eq=False)
class Lens:
    """The answer to a ``LensRequest``: depth 0 is before the first layer, depth n after the n-th.

    Args:
        request: What was asked.
        target: Index of the class that was followed in each patch.
        logits: What the head reads at each depth; the last are the model's answer.
        shares: The same as ``Cell.probabilities`` says them.
        decided: The first depth from which on the first class is always the one that it is in the
            end.
        patches: The same of each patch; None where the classes do not exclude each other.
        tokens: Which token is which.
        geometry: Where the patches lie on the photo.
    """

    request: LensRequest
    target: int
    logits: Float32[np.ndarray, "depths classes"]
    shares: Float32[np.ndarray, "depths classes"]
    decided: int
    patches: PatchRace | None
    tokens: TokenLayout
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class FirstState:
    """The answer to an ``EmbeddingRequest``.

    Args:
        request: What was asked.
        embedding: From pixels to the first state; None where the network does not say how.
        tokens: Which token of the first layer is which.
        geometry: Where that layer's patches lie on the photo.
    """

    request: EmbeddingRequest
    embedding: Embedding | None
    tokens: TokenLayout
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class BlockSteps:
    """The answer to a ``BlockRequest``.

    Args:
        request: What was asked.
        layer: From 0.
        token: Index of the token among the layer's.
        attention: What happens when it asks the others; None where the layer has no attention.
        convolution: What happens in its window; None where the layer convolves nothing.
        tokens: Which token is which.
        geometry: Where the layer's patches lie on the photo.
    """

    request: BlockRequest
    layer: int
    token: int
    attention: AttentionSteps | None
    convolution: ConvolutionSteps | None
    tokens: TokenLayout
    geometry: Geometry


@dataclass(frozen=True, eq=False)
class Parts:
    """The answer to a ``PartsRequest``.

    Args:
        request: What was asked.
        layers: Of each layer.
    """

    request: PartsRequest
    layers: tuple[LayerParts, ...]


@dataclass(frozen=True, eq=False)
class Readings:
    """The answer to a ``ReadingsRequest``.

    Args:
        request: What was asked.
        classes: Indices of the classes.
        readings: Of each head; none where the network does not say.
        logits: Of those classes: the mean over the heads.
        shares: What ``Cell.probabilities`` says of them.
    """

    request: ReadingsRequest
    classes: tuple[int, ...]
    readings: tuple[Reading, ...]
    logits: Float32[np.ndarray, " classes"]
    shares: Float32[np.ndarray, " classes"]


@dataclass(frozen=True, eq=False)
class WhatIf:
    """The answer to a ``WhatIfRequest``.

    Args:
        request: What was asked.
        shares: As ``Cell.probabilities``.
        usual: The same without the intervention.
        input_pixels: What the network was given.
        explanation: Where it looked, as ``method`` tells.
        method: The name of that method.
    """

    request: WhatIfRequest
    shares: Float32[np.ndarray, " classes"] | None
    usual: Float32[np.ndarray, " classes"] | None
    input_pixels: UInt8[np.ndarray, "height width 3"]
    explanation: Explanation
    method: str


StationAnswer = Lens | FirstState | BlockSteps | Parts | Readings | WhatIf
"""What the stations of a network's way to its answer show."""

"""What can be asked of a network's way to its answer: one kind of request for each station."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.engine.requests import Request
from vitviz.session.state import Query


@dataclass(frozen=True)
class LensRequest(Request):
    """What the head would answer at each depth; answered by a ``Lens``.

    Args:
        target: Index of the class that is followed in each patch; None: the most probable one.
        device: As of ``ExplainRequest``.
    """

    target: int | None = None
    device: str = "auto"


@dataclass(frozen=True)
class EmbeddingRequest(Request):
    """How pixels become the first state; answered by a ``FirstState``.

    Args:
        device: As of ``ExplainRequest``.
    """

    device: str = "auto"


@dataclass(frozen=True)
class BlockRequest(Request):
    """What one layer does with one token; answered by ``BlockSteps``.

    Args:
        layer: From 0; negative counts from the last.
        query: Which token; the patch in the middle where it is all of them.
        channel: Of a convolution, which of its numbers; None: the strongest at that place.
        device: As of ``ExplainRequest``.
    """

    layer: int = -1
    query: Query = "auto"
    channel: int | None = None
    device: str = "auto"


@dataclass(frozen=True)
class PartsRequest(Request):
    """How much the parts of each layer write into each token; answered by ``Parts``.

    Args:
        device: As of ``ExplainRequest``.
    """

    device: str = "auto"


@dataclass(frozen=True)
class ReadingsRequest(Request):
    """How the heads of a network come to the scores of some classes; answered by ``Readings``.

    Args:
        classes: Their indices; none: the five most probable ones.
        device: As of ``ExplainRequest``.
    """

    classes: tuple[int, ...] = ()
    device: str = "auto"


@dataclass(frozen=True)
class WhatIfRequest(Request):
    """What would be if patches lay elsewhere, or places did not count; answered by a ``WhatIf``.

    Args:
        unplaced: The network does not know where its tokens lie.
        shuffled: Its patches come in another order.
        seed: Which order.
        device: As of ``ExplainRequest``.
    """

    unplaced: bool = False
    shuffled: bool = False
    seed: int = 0
    device: str = "auto"


StationRequest = (
    LensRequest | EmbeddingRequest | BlockRequest | PartsRequest | ReadingsRequest | WhatIfRequest
)
"""What the stations of a network's way to its answer ask."""

"""What can be asked of the engine: one kind of request for each kind of answer.

Layer, style and tab are in no ``ExplainRequest``: every layer comes with the answer
(``Explanation``), so changing them computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from vitviz.imaging.preprocess import InputChoice
from vitviz.maps.heat_map import Head
from vitviz.maps.outliers import BOUND
from vitviz.methods import METHODS
from vitviz.methods.base import Direction, ParameterValue
from vitviz.probing.ablation import Ablation, Fill
from vitviz.probing.removal import Removal
from vitviz.session.mask import MaskChoice
from vitviz.session.state import PhotoRef, Query


@dataclass(frozen=True)
class Request:
    """One photo, shown to one model: what all requests have in common.

    Args:
        photo: Which photo.
        background: RGB colour behind a transparent one.
        model: Id of a bundled model, or path of a checkpoint.
        input: What the model is given.
        ablation: What is taken from it.
    """

    photo: PhotoRef
    background: tuple[int, int, int]
    model: str
    input: InputChoice
    ablation: Ablation = field(default=Ablation(), kw_only=True)


@dataclass(frozen=True)
class ExplainRequest(Request):
    """Where the model looks; answered by a ``Cell``.

    Args:
        method: Name of an explanation method.
        params: Its settings, sorted by name.
        head: For methods that fuse heads first; None for those that keep them apart.
        query: Whose attention.
        direction: Of the query, or to it.
        target: Index of the class, for class-specific methods; None: the most probable one.
        contrast: Index of the class that it is set against; None: none.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        reference: Other photos that the map refers to (``Method.refers``); none: its own.
    """

    method: str
    params: tuple[tuple[str, ParameterValue], ...]
    head: Head | None
    query: Query
    direction: Direction
    target: int | None = None
    contrast: int | None = None
    device: str = "auto"
    reference: tuple[PhotoRef, ...] = field(default=(), kw_only=True)

    @property
    def asks_elsewhere(self) -> bool:
        """The query lies on another photo."""
        return bool(self.reference) and METHODS[self.method].refers == "photo"


@dataclass(frozen=True)
class PredictRequest(Request):
    """What the model says of the photo, without a map; answered by a ``Prediction``.

    Args:
        device: As of ``ExplainRequest``.
    """

    device: str = "auto"


@dataclass(frozen=True)
class StatesRequest(Request):
    """What one layer puts out for every token; answered by ``States``.

    Args:
        layer: From 0; negative counts from the last.
        device: As of ``ExplainRequest``.
    """

    layer: int = -1
    device: str = "auto"


@dataclass(frozen=True)
class SeriesRequest(Request):
    """A number of each layer and head, as charts show it; answered by ``SeriesValues``.

    Args:
        series: Name of one of ``vitviz.methods.series.SERIES``.
        device: As of ``ExplainRequest``.
    """

    series: str
    device: str = "auto"


@dataclass(frozen=True)
class DecodeRequest(Request):
    """What a decoder makes of a photo of which patches are hidden; answered by ``Reconstruction``.

    Args:
        mask: Which patches.
        query: Whose attention in the encoder, which sees the others; of hidden patches there is
            none, and CLS is asked about in their place.
        normalised: The decoder predicts normalised pixels, which are undone; None: as the
            checkpoint says.
        device: As of ``ExplainRequest``.
    """

    mask: MaskChoice = field(default_factory=MaskChoice)
    query: Query = "auto"
    normalised: bool | None = None
    device: str = "auto"


@dataclass(frozen=True)
class TrustRequest:
    """Whether a map is better than chance; answered by a ``Trust``.

    Args:
        explain: Whose map.
        layer: Of the map; the nearest one that it has.
        head: Of the map.
        removal: How patches are removed; None: the first way that the network allows.
        steps: Of each curve.
        orders: Random orders that it is compared with; an even number.
        seed: Which orders.
    """

    explain: ExplainRequest
    layer: int = -1
    head: Head = "mean"
    removal: Removal | None = None
    steps: int = 6
    orders: int = 100
    seed: int = 0


Test = Literal["class", "weights down", "weights up", "photo"]
"""Of sanity: other classes; weights drawn anew from the last block down, or from the first up; the
photo moved by a pixel, and compressed anew."""


@dataclass(frozen=True)
class SanityRequest:
    """Whether a map changes with what it should change with; answered by a ``Sanity``.

    Args:
        explain: Whose map.
        test: What is changed.
        layer: As of ``TrustRequest``.
        head: As of ``TrustRequest``.
        seed: Of weights drawn anew.
    """

    explain: ExplainRequest
    test: Test
    layer: int = -1
    head: Head = "mean"
    seed: int = 0


@dataclass(frozen=True)
class HeadGridRequest(Request):
    """What each head is worth to a class; answered by a ``HeadGrid``.

    Args:
        target: Index of the class; None: the most probable one.
        fill: What a silenced head puts out.
        device: As of ``ExplainRequest``.
    """

    target: int | None = None
    fill: Fill = "zero"
    device: str = "auto"


@dataclass(frozen=True)
class RankRequest:
    """Maps of several methods on one photo, judged; answered by a ``Ranking``.

    Args:
        explains: Whose maps, their last layers; of one photo, model and input.
        mask: Path of a mask of the photo; "" for none.
        removal: As of ``TrustRequest``.
        steps: As of ``TrustRequest``.
        orders: As of ``TrustRequest``.
        seed: As of ``TrustRequest``.
    """

    explains: tuple[ExplainRequest, ...]
    mask: str = ""
    removal: Removal | None = None
    steps: int = 6
    orders: int = 100
    seed: int = 0


MOST_REGISTER_PHOTOS = 32
"""Over which register neurons are looked for; more change little of what is found first."""


NEURONS = 10
"""That are moved unless somebody says otherwise. Ours: the authors choose a number a model."""


@dataclass(frozen=True)
class RegistersRequest:
    """Which neurons make a model's outlier patches; answered by a ``FoundRegisters``.

    Args:
        photos: Over which photos they are looked for; at least one.
        background: As of ``Request``.
        model: As of ``Request``.
        input: As of ``Request``.
        neurons: How many are wanted.
        bound: From how many MADs above the median norm on a patch is an outlier.
        device: As of ``ExplainRequest``.
    """

    photos: tuple[PhotoRef, ...]
    background: tuple[int, int, int]
    model: str
    input: InputChoice
    neurons: int = NEURONS
    bound: float = BOUND
    device: str = "auto"


AnyRequest = Request | TrustRequest | SanityRequest | RankRequest | RegistersRequest
"""Whatever the engine answers."""

"""What the engine answers: frozen, and without a tensor."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from vitviz.engine.chart_answers import ChartAnswer
from vitviz.engine.requests import (
    DecodeRequest,
    ExplainRequest,
    HeadGridRequest,
    RankRequest,
    RegistersRequest,
    SanityRequest,
    SeriesRequest,
    StatesRequest,
    TrustRequest,
)
from vitviz.engine.station_answers import StationAnswer
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation, HeatMap
from vitviz.maps.outliers import OutlierChoice
from vitviz.methods import METHODS
from vitviz.models.outline import Outline
from vitviz.models.tokens import TokenLayout
from vitviz.probing.ablation import Registers
from vitviz.probing.removal import Removal
from vitviz.session.state import View
from vitviz.shapes import Bool, Float32, UInt8

if TYPE_CHECKING:
    from vitviz.models.card import ModelCard
    from vitviz.models.checkpoints.said import Outputs
    from vitviz.trust.judgement import Judgement
    from vitviz.trust.ranking import Ranked
    from vitviz.trust.sanity import Check


Origin = Literal["", "last time", "program"]
"""Of an answer: live, kept when the program ended last, or delivered with it."""


@dataclass(frozen=True)
class LogitChange:
    """What an ablation does to a class.

    Args:
        target: Index of the class.
        before: Its logit by the whole network.
        after: Without what was taken away.
    """

    target: int
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class Cell:
    """The answer to an ``ExplainRequest``: everything the window needs to draw it.

    Args:
        request: What was asked.
        photo_sha256: Of the photo's file.
        card: The model.
        geometry: Where each patch of the first layer lies on the photo.
        query_tokens: Indices of the query's tokens among those of the first layer.
        explanation: Every layer (and head) of the map.
        probabilities: Of each class, 0..1, softmaxed; of labels that do not exclude each other,
            each by itself; of a head whose outputs are values, these. None without a head.
        input_pixels: What the model was given, normalisation undone.
        device: Where it ran: "cpu", "cuda:0", "mps".
        forward_s: What the forward took, in seconds.
        method_s: What the explanation took on top of it.
        readouts: The same of each head alone, softmaxed, as the outline's ``readouts`` names them;
            None where there is one head.
        change: What the request's ablation does; None without one, or without classes.
        query_geometry: Where the patches of the first layer lie on the photo that the query lies
            on, where that is another one.
        treated: The explanation with other choices for outlier patches, as far as they were asked
            for.
        recalled: Where it was kept (``engine.stored``), if it was: the live one follows.
    """

    request: ExplainRequest
    photo_sha256: str
    card: ModelCard
    geometry: Geometry
    query_tokens: tuple[int, ...]
    explanation: Explanation
    probabilities: Float32[np.ndarray, " classes"] | None
    input_pixels: UInt8[np.ndarray, "height width 3"]
    device: str
    forward_s: float
    method_s: float
    readouts: Float32[np.ndarray, "readouts classes"] | None = None
    change: LogitChange | None = None
    query_geometry: Geometry | None = None
    recalled: Origin = ""
    treated: dict[OutlierChoice, Explanation] = field(default_factory=dict, init=False, repr=False)

    @property
    def outline(self) -> Outline:
        """The network from outside, at the size of this input."""
        outline = self.card.outline_at(self.geometry.input_size)
        return outline.with_register() if self.request.ablation.registers else outline

    @property
    def layout(self) -> TokenLayout:
        """Which token is which in the first layer: the patches that the model was given."""
        return self.outline.tokens(0)

    @property
    def query_layout(self) -> TokenLayout:
        """Which token is which in the first layer of the photo that the query lies on."""
        if self.query_geometry is None:
            return self.layout
        return self.card.outline_at(self.query_geometry.input_size).tokens(0)

    @property
    def asks_all(self) -> bool:
        """Whether the query is the mean over all patches."""
        return self.query_tokens == self.query_layout.all_patches

    @property
    def outlined_tokens(self) -> tuple[int, ...]:
        """The query's tokens of the first layer, to be outlined; none where that is all patches, or
        on another photo.
        """
        return () if self.asks_all or self.request.asks_elsewhere else self.query_tokens

    def patches_of_query(self, layer: int) -> tuple[tuple[int, int], ...]:
        """Rows and columns of the query among the patches of a layer's map, which are not always
        the layer's own: a path ends where it starts. None where the query is a prefix token, all
        patches alike, or on another photo, or the method asks about no token.
        """
        if self.asks_all or not self.asks_token or self.request.asks_elsewhere:
            return ()
        of_map = self.explanation.by_layer[layer].geometry
        found = (self.layout.patch(token) for token in self.query_tokens)
        patches = (patch for patch in found if patch is not None)
        if of_map == self.geometry:
            return tuple(patches)
        centres = (self.geometry.patch_box(*patch).centre for patch in patches)
        return tuple(sorted({of_map.nearest_patch(*centre) for centre in centres}))

    @property
    def target(self) -> int | None:
        """The class that the map is about, or None where it is about none."""
        return self.explanation.target

    @property
    def contrast(self) -> int | None:
        """The class that this one is set against, or None."""
        return self.explanation.contrast

    @property
    def asks_token(self) -> bool:
        """Whether the map is about tokens, the query."""
        return METHODS[self.request.method].about_token

    @property
    def outputs(self) -> Outputs:
        """What the numbers of the head are: "classes", "labels" or "values"."""
        return outputs_of(self.card)

    def class_name(self, index: int) -> str:
        """What a class is called; by its number where its name is not known."""
        return class_name(self.card, index)

    def heat_map(self, view: View) -> HeatMap:
        """The map of the layer and head that the view chose."""
        return self.explained(view).map(view.layer, view.head)

    def explained(self, view: View) -> Explanation:
        """All maps, with what the view wants done with outlier patches: the same object for the
        same choice.
        """
        if view.outliers == self.explanation.choice:
            return self.explanation
        if view.outliers not in self.treated:
            self.treated[view.outliers] = replace(self.explanation, choice=view.outliers)
        return self.treated[view.outliers]


def outputs_of(card: ModelCard) -> Outputs:
    """What the numbers of a model's head are: "classes", "labels" or "values"."""
    return card.outputs or ("values" if card.outline.classes == 1 else "classes")


def class_name(card: ModelCard, index: int) -> str:
    """What a model's class is called; by its number where its name is not known."""
    if card.class_names:
        return card.class_names[index]
    if outputs_of(card) == "values":
        return "output" if card.outline.classes == 1 else f"output {index}"
    return f"class {index}"


def top_classes(cell: Cell, count: int) -> list[tuple[str, float]]:
    """The most probable classes with their probabilities, 0..1; empty without a head."""
    if cell.probabilities is None:
        return []
    return [(cell.class_name(i), float(cell.probabilities[i])) for i in top_indices(cell, count)]


def top_of_each_head(cell: Cell) -> list[tuple[str, str, float]]:
    """Token, name and probability of the first class of each head alone; empty where one head, or
    none, reads all.
    """
    if cell.readouts is None:
        return []
    best = [int(shares.argmax()) for shares in cell.readouts]
    return [
        (token, cell.class_name(index), float(shares[index]))
        for token, index, shares in zip(cell.outline.readouts, best, cell.readouts, strict=True)
    ]


def top_indices(cell: Cell, count: int) -> list[int]:
    """The most probable classes, the best first; empty without a head."""
    if cell.probabilities is None:
        return []
    best: list[int] = (-cell.probabilities).argsort(kind="stable")[:count].tolist()
    return best


@dataclass(frozen=True, eq=False)
class States:
    """The answer to a ``StatesRequest``.

    Args:
        request: What was asked.
        values: A row a token of the layer; read-only.
        tokens: Which token is which.
        geometry: Where the layer's patches lie on the photo.
        layer: From 0.
    """

    request: StatesRequest
    values: Float32[np.ndarray, "tokens width"]
    tokens: TokenLayout
    geometry: Geometry
    layer: int


@dataclass(frozen=True, eq=False)
class SeriesValues:
    """The answer to a ``SeriesRequest``.

    Args:
        request: What was asked.
        layers: Of each layer that has such numbers, one for each head; read-only.
        unit: What the numbers are.
    """

    request: SeriesRequest
    layers: tuple[tuple[int, Float32[np.ndarray, " heads"]], ...]
    unit: str


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """The answer to a ``DecodeRequest``; pictures are sRGB in the input's size, read-only.

    Args:
        request: What was asked.
        card: The model.
        input_pixels: What the model was given, normalisation undone.
        pixels: What the decoder made, of visible patches too, of which it was never asked.
        hidden: Which patches the encoder did not see.
        geometry: Where the patches lie on the photo.
        explanation: Attention in the encoder, of every layer and head; 0 on hidden patches. None
            where the network cannot go on without some of its patches.
        query_tokens: Whose.
        normalised: Whether the decoder's predictions were taken for normalised pixels.
    """

    request: DecodeRequest
    card: ModelCard
    input_pixels: UInt8[np.ndarray, "height width 3"]
    pixels: UInt8[np.ndarray, "height width 3"]
    hidden: Bool[np.ndarray, "rows cols"]
    geometry: Geometry
    explanation: Explanation | None
    query_tokens: tuple[int, ...]
    normalised: bool

    @property
    def hidden_pixels(self) -> Bool[np.ndarray, "height width"]:
        """Which pixels of the input lie in hidden patches."""
        patch = self.geometry.patch
        return self.hidden.repeat(patch, axis=0).repeat(patch, axis=1)

    @property
    def masked(self) -> UInt8[np.ndarray, "height width 3"]:
        """The input with hidden patches grey."""
        return _frozen(np.where(self.hidden_pixels[..., None], MASK_GREY, self.input_pixels))

    @property
    def pasted(self) -> UInt8[np.ndarray, "height width 3"]:
        """The input with what the decoder made in the place of hidden patches."""
        return _frozen(np.where(self.hidden_pixels[..., None], self.pixels, self.input_pixels))


MASK_GREY = np.uint8(128)


def _frozen(pixels: np.ndarray) -> UInt8[np.ndarray, "height width 3"]:
    pixels = pixels.astype(np.uint8)
    pixels.flags.writeable = False
    return pixels


@dataclass(frozen=True, eq=False)
class Trust:
    """The answer to a ``TrustRequest``.

    Args:
        request: What was asked.
        heat_map: The map that was judged.
        judgement: What was found.
        target: Index of the class whose probability was followed.
        target_name: What it is called.
        against: What the class is called that it is set against; "" for all others.
        removal: How patches were removed.
        outlier_share: Of the map's positive sum, what lies on outlier patches; None where the
            network gives no states of such patches.
        outliers: How many patches those are.
        seconds: What it took, what was known before not counted.
    """

    request: TrustRequest
    heat_map: HeatMap
    judgement: Judgement
    target: int
    target_name: str
    against: str
    removal: Removal
    outlier_share: float | None
    outliers: int
    seconds: float

    @property
    def about_class(self) -> bool:
        """The map is about this class, and it was not only the predicted one that was asked."""
        return METHODS[self.request.explain.method].class_specific


@dataclass(frozen=True, eq=False)
class Sanity:
    """The answer to a ``SanityRequest``.

    Args:
        request: What was asked.
        checks: The map beside each changed one, in order.
    """

    request: SanityRequest
    checks: tuple[Check, ...]


@dataclass(frozen=True, eq=False)
class HeadGrid:
    """The answer to a ``HeadGridRequest``.

    Args:
        request: What was asked.
        target: Index of the class.
        target_name: What it is called.
        logit: Of the class, with every head at work.
        layers: Of each layer with attention, from 0: how much that logit falls without each head.
    """

    request: HeadGridRequest
    target: int
    target_name: str
    logit: float
    layers: tuple[tuple[int, Float32[np.ndarray, " heads"]], ...]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The answer to a ``RankRequest``.

    Args:
        request: What was asked.
        target: Index of the class whose probability was followed.
        target_name: What it is called.
        removal: How patches were removed.
        rows: Of each method, then of each baseline.
        method_s: Seconds that each method took beside the forward, in the order of the request.
        forward_s: Seconds of a forward.
    """

    request: RankRequest
    target: int
    target_name: str
    removal: Removal
    rows: tuple[Ranked, ...]
    method_s: tuple[float, ...]
    forward_s: float


@dataclass(frozen=True, eq=False)
class FoundRegisters:
    """The answer to a ``RegistersRequest``.

    Args:
        request: What was asked.
        registers: The neurons, for the ablation of a view.
        patches: How many outlier patches they were found by.
        layer: The last layer that was looked at, from 0: after it most of these are outliers.
    """

    request: RegistersRequest
    registers: Registers
    patches: int
    layer: int


Answer = (
    Cell
    | States
    | SeriesValues
    | Reconstruction
    | Trust
    | Sanity
    | HeadGrid
    | Ranking
    | FoundRegisters
    | StationAnswer
    | ChartAnswer
)

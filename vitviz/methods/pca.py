"""PCA of patches: their three principal components as red, green and blue.

    x_i          the vector of patch i in a layer (features)
    s_i          (x_i - mean) v_1 / sqrt(variance_1), v_1: the first component of all patches
    foreground   all patches, or those with s_i > threshold, or flipped, -s_i > threshold
    z_i          (x_i - mean') v'_1..3: components of the foreground alone
    whitened     sigmoid(2 z_i / sqrt(variance'))
    plain        z_i from its 2nd percentile to its 98th, clipped
    background   black

Patches of several photos can be taken together (the photos that the map refers to): then one colour
means the same on all of them, and on any photo that is shown with these components later. A
component's sign means nothing: each can be flipped, and any of them be any colour.

Source: Oquab et al., "DINOv2", arXiv 2304.07193, section 7.4 and figure 1: PCA, a threshold on the
first component, and a second PCA of what is left. Siméoni et al., "DINOv3", arXiv 2508.10104, its
notebook ``pca.ipynb``: components of the foreground, whitened, ``sigmoid(2 z)``, the background
black; the percentiles of "plain" are those of vit-xray, since a few outliers burn a range from the
least to the greatest.

Difference from the source: there a trained classifier finds the foreground (DINOv3), or the first
component scaled to 0..1 is above a bound chosen by hand (DINOv2); here it is measured in standard
deviations from the mean, so that a bound means the same in each layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vitviz.maps.heat_map import Components, Explanation, Quantity
from vitviz.methods.base import Method, Parameter, Question, Seen
from vitviz.methods.parts.vectors import FEATURES, Passes, own, vectors_of
from vitviz.probing.principal import Principal, Sample
from vitviz.progress import Progress, part
from vitviz.shapes import Bool, Float32, Float64

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace

CHANNELS = ("red", "green", "blue")
CLIPPED = (2.0, 98.0)
"""Percentiles at the ends of plain colours."""

ORDERS = ("1", "2", "3", "-1", "-2", "-3")


@dataclass(frozen=True, eq=False)
class LayerBasis:
    """The components of one layer.

    Args:
        first: Of all patches, which tells foreground from background; None where all are taken.
        colours: Of the foreground; None where it has fewer than two patches.
        ends: Of plain colours: the values along each component that are 0 and 1.
    """

    first: Principal | None
    colours: Principal | None
    ends: tuple[Float64[np.ndarray, " 3"], Float64[np.ndarray, " 3"]]


@dataclass(frozen=True, eq=False)
class Basis:
    """The components of every layer, and of how many photos they are."""

    layers: Mapping[int, LayerBasis]
    photos: int


def fit(photos: Iterable[Seen], question: Question, progress: Progress) -> Basis:
    """The components of the patches of some photos, layer by layer.

    Raises:
        VitvizError: No layer has such vectors.
        Cancelled: ``progress`` said so.
    """
    settings = PCA.settings(question.params)
    passes = Passes(photos, str(settings["features"]))
    of_all = _principal(passes, {}, settings, part(progress, 0.0, 0.5))
    first = of_all if settings["foreground"] != "all patches" else None
    colours = of_all
    if first is not None:
        colours = _principal(passes, first, settings, part(progress, 0.5, 0.75))
    fore = first or {}
    scores: dict[int, list[Float64[np.ndarray, "rows 3"]]] = {layer: [] for layer in of_all}
    for layer, vectors in passes.through(part(progress, 0.75, 1.0)):
        if (found := colours[layer]) is not None:
            kept = vectors[_foreground(vectors, fore.get(layer), settings)]
            scores[layer].append(found.scores(kept))
    layers = {
        layer: LayerBasis(fore.get(layer), colours[layer], _ends(rows))
        for layer, rows in scores.items()
    }
    return Basis(layers, passes.count)


def _principal(
    passes: Passes, first: Mapping[int, Principal | None], settings: Mapping[str, object],
    progress: Progress,
) -> dict[int, Principal | None]:  # fmt: skip
    """The three components of each layer: of all patches, or of the foreground, where ``first``
    tells it.
    """
    samples: dict[int, Sample] = {}
    for layer, vectors in passes.through(progress):
        kept = vectors[_foreground(vectors, first.get(layer), settings)]
        samples.setdefault(layer, Sample()).add(kept)
    return {layer: sample.principal(3) for layer, sample in samples.items()}


def _foreground(
    vectors: Float32[np.ndarray, "rows width"], first: Principal | None,
    settings: Mapping[str, object],
) -> Bool[np.ndarray, " rows"]:  # fmt: skip
    """Which vectors lie on the foreground's side of the first component."""
    if first is None:
        return np.ones(len(vectors), bool)
    along = standardised(first, vectors)[:, 0]
    flipped = settings["foreground"] == "first component, flipped"
    return (-along if flipped else along) > float(str(settings["threshold"]))


def standardised(
    found: Principal, vectors: Float32[np.ndarray, "rows width"]
) -> Float64[np.ndarray, "rows 3"]:
    """Scores in standard deviations; 0 along what does not vary."""
    spread = np.sqrt(found.variances)
    return found.scores(vectors) / np.where(spread > 0, spread, 1.0)


def _ends(
    rows: list[Float64[np.ndarray, "rows 3"]],
) -> tuple[Float64[np.ndarray, " 3"], Float64[np.ndarray, " 3"]]:
    scores = np.concatenate(rows) if rows else np.zeros((0, 3))
    if not len(scores):
        return np.zeros(3), np.ones(3)
    low, high = np.percentile(scores, CLIPPED, axis=0)
    return low, high


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The colours of every patch, in every layer that has such vectors.

    Raises:
        VitvizError: No layer has them.
        Cancelled: ``progress`` said so.
    """
    settings = PCA.settings(question.params)
    basis, start = question.fitted, 0.0
    if basis is None:
        basis, start = fit(own(trace, question), question, part(progress, 0.0, 0.6)), 0.6
    channels = tuple(int(str(settings[name])) for name in CHANNELS)
    by_layer, components = {}, {}
    for layer, vectors in vectors_of(trace, str(settings["features"]), part(progress, start, 1.0)):
        of_layer = basis.layers[layer]
        by_layer[layer] = trace.maps(layer, _colours(vectors, of_layer, channels, settings))
        shares = of_layer.colours.shares if of_layer.colours is not None else (0.0,) * 3
        components[layer] = Components(channels, shares, basis.photos)
    return Explanation(by_layer, "mean", Quantity("components", "colours"), components=components)


def _colours(
    vectors: Float32[np.ndarray, "tokens width"], basis: LayerBasis, channels: tuple[int, ...],
    settings: Mapping[str, object],
) -> Float32[np.ndarray, "3 tokens"]:  # fmt: skip
    """Red, green and blue of every token, 0..1."""
    found: Float32[np.ndarray, "3 tokens"] = np.zeros((3, len(vectors)), np.float32)
    if basis.colours is None:
        return found
    if settings["colouring"] == "whitened":
        shown = 1 / (1 + np.exp(-2 * standardised(basis.colours, vectors)))
    else:
        low, high = basis.ends
        wide = np.where(high > low, high - low, 1.0)
        shown = ((basis.colours.scores(vectors) - low) / wide).clip(0, 1)
    for row, component in enumerate(channels):
        along = shown[:, abs(component) - 1]
        found[row] = along if component > 0 else 1 - along
    found[:, ~_foreground(vectors, basis.first, settings)] = 0
    return found


PCA = Method(
    name="pca",
    title="PCA of patches",
    source="Oquab et al. 2023, arXiv 2304.07193; Siméoni et al. 2025, arXiv 2508.10104",
    explain=explain,
    parameters=(
        FEATURES,
        Parameter(
            "foreground", "Foreground", "all patches",
            "Which patches get colours: all, or those on one side of the first component",
            choices=("all patches", "first component", "first component, flipped"),
        ),
        Parameter(
            "threshold", "Threshold", 0.0,
            "How far on that side, in standard deviations", bounds=(-4.0, 4.0),
        ),
        Parameter(
            "colouring", "Colouring", "plain",
            "Plain: from the 2nd percentile to the 98th; whitened: every component as wide as the "
            "others, softly bounded, as DINOv3 shows them",
            choices=("plain", "whitened"),
        ),
        *(
            Parameter(
                name, name.capitalize(), str(number),
                f"The component that is {name}; a minus flips it", choices=ORDERS,
            )
            for number, name in enumerate(CHANNELS, 1)
        ),
    ),
    heads="none",
    needs=frozenset({"states"}),
    about_token=False,
    refers="photos",
    fit=fit,
)  # fmt: skip

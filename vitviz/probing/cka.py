"""How alike layers are: linear centred kernel alignment of what they put out, over places.

For the vectors of n places in two layers, K = X X^T and L = Y Y^T with their diagonals set to 0,

    HSIC_1 = ( tr(K L) + 1'K1 1'L1 / ((n - 1)(n - 2)) - 2/(n - 2) 1'K L 1 ) / (n (n - 3))
    CKA    = sum_photos HSIC_1(K, L) / sqrt( sum_photos HSIC_1(K, K) sum_photos HSIC_1(L, L) )

1 where one layer's vectors are the other's turned, scaled or moved, near 0 where places that are
alike in one are not in the other. HSIC_1 is unbiased, so that sums over photos tend to the value of
all of them together, however few places each has.

Sources: Kornblith, Norouzi, Lee and Hinton, "Similarity of Neural Network Representations
Revisited", ICML 2019, arXiv 1905.00414; the sums over minibatches: Nguyen, Raghu and Kornblith,
ICLR 2021, arXiv 2010.15327, equations 2 and 3, after Song et al., JMLR 2012; of Vision Transformers
and CNNs Raghu et al., NeurIPS 2021, arXiv 2108.08810.

Difference from the sources: there an example is a photo, all of its activations together, and a
minibatch hundreds of photos; here an example is a place of a photo, and a minibatch the photo. So
it tells of one photo already; and it asks which *places* are alike, not which photos.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vitviz.models.outline import Outline
from vitviz.progress import Progress
from vitviz.shapes import Float32, Float64

if TYPE_CHECKING:
    from vitviz.imaging.geometry import Geometry
    from vitviz.tracing.trace import Trace

MOST_PLACES = 256
"""Of a photo: kernels are places x places for each layer."""

FEWEST_PLACES = 4
"""HSIC_1 is not defined of fewer."""

Points = Sequence[tuple[float, float]]
"""x and y in photo pixels."""


class Alignment(NamedTuple):
    """What one photo adds to the sums.

    Args:
        cross: HSIC_1 of each layer of one network with each of another, or of itself.
        first: Of each layer with itself.
        second: The same of the other network.
    """

    cross: Float64[np.ndarray, "layers others"]
    first: Float64[np.ndarray, " layers"]
    second: Float64[np.ndarray, " others"]


def places(
    outline: Outline, geometry: Geometry, other: tuple[Outline, Geometry] | None = None
) -> Points:
    """The places that are compared: centres of the patches of the coarsest grid that any layer has,
    of both networks; of a fine grid every second, third, ... of each row and column.

    Args:
        outline: Of the network.
        geometry: Of its first layer.
        other: The same of another network on the same photo; places that it does not see are left
            out.
    """
    grids = [of.geometry(layer, at) for of, at in ((outline, geometry), *([other] if other else []))
             for layer in range(of.depth)]  # fmt: skip
    coarse = min(grids, key=lambda one: one.grid[0] * one.grid[1])
    step = 1
    while -(-coarse.grid[0] // step) * -(-coarse.grid[1] // step) > MOST_PLACES:
        step += 1
    rows, cols = (range((step - 1) // 2, count, step) for count in coarse.grid)
    found = [coarse.patch_box(row, col).centre for row in rows for col in cols]
    seen = [geometry.seen] + ([other[1].seen] if other else [])
    return [(x, y) for x, y in found
            if all(b.left <= x <= b.right and b.top <= y <= b.bottom for b in seen)]  # fmt: skip


def layer_vectors(
    trace: Trace, points: Points, progress: Progress
) -> Iterable[Float32[np.ndarray, "places width"]]:
    """What each layer puts out at some places: for the patch that is nearest to each."""
    first = len(trace.outline.prefix)
    for layer, states in enumerate(trace.all_states(progress)):
        geometry = trace.geometry_of(layer)
        cols = geometry.grid[1]
        patches = [geometry.nearest_patch(x, y) for x, y in points]
        yield states[[first + row * cols + col for row, col in patches]]


def kernels(
    vectors: Iterable[Float32[np.ndarray, "places _"]],
) -> Float64[np.ndarray, "layers places places"]:
    """The inner products of each layer's vectors, 0 on the diagonal.

    They are taken of vectors less their mean: HSIC_1 is the same, and loses less to rounding.
    """
    found = []
    for one in vectors:
        rows = one.astype(np.float64)
        rows -= rows.mean(0)
        products = rows @ rows.T
        np.fill_diagonal(products, 0.0)
        found.append(products)
    return np.stack(found)


def hsic(
    first: Float64[np.ndarray, "layers places places"],
    second: Float64[np.ndarray, "others places places"],
) -> Float64[np.ndarray, "layers others"]:
    """HSIC_1 of each kernel with each other; see the module's docstring."""
    n = first.shape[1]
    sums, other_sums = first.sum(2), second.sum(2)
    traces = first.reshape(len(first), -1) @ second.reshape(len(second), -1).T
    wholes = np.outer(sums.sum(1), other_sums.sum(1)) / ((n - 1) * (n - 2))
    found: Float64[np.ndarray, "layers others"]
    found = (traces + wholes - 2 / (n - 2) * (sums @ other_sums.T)) / (n * (n - 3))
    return found


def aligned(
    first: Float64[np.ndarray, "layers places places"],
    second: Float64[np.ndarray, "others places places"] | None = None,
) -> Alignment:
    """What one photo adds: of a network with itself, or with another one."""
    own = hsic(first, first)
    if second is None:
        return Alignment(own, own.diagonal().copy(), own.diagonal().copy())
    others = np.array([hsic(one[None], one[None])[0, 0] for one in second])
    return Alignment(hsic(first, second), own.diagonal().copy(), others)


def cka(photos: Sequence[Alignment]) -> Float64[np.ndarray, "layers others"]:
    """Of all photos; not a number where a layer's vectors are the same everywhere."""
    cross, first, second = (np.sum(part, axis=0) for part in zip(*photos, strict=True))
    scale = np.sqrt(np.outer(first.clip(min=0), second.clip(min=0)))
    found: Float64[np.ndarray, "layers others"]
    found = np.divide(cross, scale, out=np.full_like(cross, np.nan), where=scale > 0)
    return found

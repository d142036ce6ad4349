"""Similarity: how alike each patch is to the query, in every layer.

    map_l[i] = cos(x_l[i], q_l) = x_l[i] q_l / (|x_l[i]| |q_l|)

x_l[i] is the vector of token i in layer l (features), q_l that of the query: of one token, or the
mean of several. The query may lie on another photo: then the map says where what was clicked there
is found here. Matches are the patches most alike, the best first, each further than the exclusion
radius from the query (where it is on this photo) and from those before it.

Source: Amir, Gandelsman, Bagon and Dekel, "Deep ViT Features as Dense Visual Descriptors", 2021,
arXiv 2112.05814, sections 3 and 4, which compares queries, keys, values and tokens of all layers.

Difference from the source: it adds a log-bin of neighbours to each key; here a vector is one
token's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Parameter, Question, Seen
from vitviz.methods.parts.vectors import FEATURES, own, vectors_of
from vitviz.progress import Progress, part
from vitviz.shapes import Float32, Float64

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace

Vectors = Mapping[int, Float64[np.ndarray, " width"]]
"""The query's vector, of each layer."""


def fit(photos: Iterable[Seen], question: Question, progress: Progress) -> Vectors:
    """The query's vector in every layer.

    Args:
        photos: The first one is the one that the query lies on.
        question: Which features.
        progress: Told before every block.

    Raises:
        VitvizError: No layer has such vectors.
    """
    seen = next(iter(photos))
    kind = str(SIMILARITY.settings(question.params)["features"])
    return {
        layer: vectors[list(seen.trace.tokens_in(layer, seen.query))].astype(np.float64).mean(0)
        for layer, vectors in vectors_of(seen.trace, kind, progress)
    }


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The cosine of every token with the query, in every layer that has such vectors.

    Raises:
        VitvizError: No layer has them.
        Cancelled: ``progress`` said so.
    """
    settings = SIMILARITY.settings(question.params)
    query, start = question.fitted, 0.0
    if query is None:
        query, start = fit(own(trace, question), question, part(progress, 0.0, 0.5)), 0.5
    by_layer, matches = {}, {}
    for layer, vectors in vectors_of(trace, str(settings["features"]), part(progress, start, 1.0)):
        cosines = cosine(vectors, query[layer])
        by_layer[layer] = trace.maps(layer, cosines[None])
        tokens, near = trace.outline.tokens(layer), list[tuple[int, int]]()
        if question.fitted is None:
            found = (tokens.patch(at) for at in trace.tokens_in(layer, question.query))
            near = [patch for patch in found if patch is not None]
        patches = cosines[len(tokens.prefix) :].reshape(tokens.grid)
        asks_all = len(near) == tokens.patches
        matches[layer] = best(
            patches, int(settings["matches"]), float(settings["radius"]), () if asks_all else near
        )
    return Explanation(by_layer, "mean", Quantity("cosine similarity"), matches=matches)


def cosine(
    vectors: Float32[np.ndarray, "tokens width"], query: Float64[np.ndarray, " width"]
) -> Float32[np.ndarray, " tokens"]:
    """Of each with one; 0 where one of them has no length."""
    lengths = np.linalg.norm(vectors, axis=1).astype(np.float64) * np.linalg.norm(query)
    products = vectors.astype(np.float64) @ query
    found: Float32[np.ndarray, " tokens"]
    found = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0).astype(
        np.float32
    )
    return found


def best(
    values: Float32[np.ndarray, "rows cols"], count: int, radius: float,
    near: Sequence[tuple[int, int]] = (),
) -> tuple[tuple[int, int], ...]:  # fmt: skip
    """The patches of the greatest values, the best first, apart from each other.

    Args:
        values: Of a map.
        count: How many at most.
        radius: How far, in patches, one is from those before it: more than this.
        near: Patches that they are as far from.
    """
    left = values.astype(np.float64)
    rows, cols = np.indices(values.shape)

    def leave_out(patch: tuple[int, int]) -> None:
        left[np.hypot(rows - patch[0], cols - patch[1]) <= radius] = -np.inf

    for patch in near:
        leave_out(patch)
    found: list[tuple[int, int]] = []
    while len(found) < count and np.isfinite(left).any():
        row, col = np.unravel_index(int(left.argmax()), left.shape)
        found.append((int(row), int(col)))
        leave_out(found[-1])
    return tuple(found)


SIMILARITY = Method(
    name="similarity",
    title="Similarity",
    source="Amir et al. 2021, arXiv 2112.05814",
    explain=explain,
    parameters=(
        FEATURES,
        Parameter("matches", "Best matches", 5, "How many are framed", bounds=(0, 50)),
        Parameter(
            "radius", "Exclude within", 1.5,
            "How far from the query and from each other they are at least, in patches",
            bounds=(0.0, 100.0),
        ),
    ),
    heads="none",
    needs=frozenset({"states"}),
    refers="photo",
    fit=fit,
)  # fmt: skip

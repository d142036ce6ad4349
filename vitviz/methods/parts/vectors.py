"""Which vectors of tokens a method works on, and the vectors of one trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast

import numpy as np

from vitviz.errors import VitvizError
from vitviz.methods.base import Parameter, Question, Seen
from vitviz.progress import Progress, part
from vitviz.shapes import Float32

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace
    from vitviz.tracing.vectors import VectorKind

KINDS = ("normed", "tokens", "queries", "keys", "values")
"""As of ``tracing.vectors.VectorKind``, without torch."""

FEATURES = Parameter(
    "features", "Features", "normed",
    "What stands for a patch in a layer: its token as the network's last norm makes it, the token "
    "as it is, or the query, key or value that attention makes of it",
    choices=KINDS,
)  # fmt: skip


def vectors_of(
    trace: Trace, kind: str, progress: Progress
) -> Iterator[tuple[int, Float32[np.ndarray, "tokens width"]]]:
    """The vector of every token, layer by layer.

    Raises:
        VitvizError: No layer has such vectors.
    """
    if kind not in ("normed", "tokens") and "attention" not in trace.outline.gives:
        raise VitvizError(
            f"The model has no {kind}: none of its layers has attention.",
            "Choose tokens, or normed tokens, as the features.",
        )
    return trace.vectors(cast("VectorKind", kind), progress)


HELD_BYTES = 256 << 20
"""Up to so many bytes of vectors are kept from one pass through photos to the next."""


class Passes:
    """The vectors of the patches of some photos, to go through more than once.

    They are computed again for each pass, unless they are few enough to keep.

    Args:
        photos: Whose.
        kind: Which vectors.
    """

    def __init__(self, photos: Iterable[Seen], kind: str) -> None:
        self._photos = photos
        self._kind = kind
        self._held: list[tuple[int, Float32[np.ndarray, "patches width"]]] | None = None
        self.count = 0

    def through(
        self, progress: Progress
    ) -> Iterator[tuple[int, Float32[np.ndarray, "patches width"]]]:
        """A layer's number and its patches' vectors: of all layers of one photo, then the next."""
        if self._held is not None:
            yield from self._held
            return
        held: list[tuple[int, Float32[np.ndarray, "patches width"]]] = []
        room, count = HELD_BYTES, 0
        for seen in self._photos:
            count += 1
            prefix = len(seen.trace.outline.prefix)
            # How many there will be is not known: each takes half of what is left.
            told = part(progress, 1 - 0.5 ** (count - 1), 1 - 0.5**count)
            for layer, vectors in vectors_of(seen.trace, self._kind, told):
                room -= vectors.nbytes
                if room >= 0:
                    held.append((layer, vectors[prefix:]))
                yield layer, vectors[prefix:]
        self.count = count
        self._held = held if room >= 0 else None


def own(trace: Trace, question: Question) -> tuple[Seen, ...]:
    """The photo itself, where a map refers to no other."""
    return (Seen(trace, question.query),)

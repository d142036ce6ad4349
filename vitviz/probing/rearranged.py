"""A photo whose patches are shuffled, and a network that does not know where they lie.

Both are interventions: what is seen then is what another input, or another network, would do.

Source: Naseer et al., "Intriguing Properties of Vision Transformers", NeurIPS 2021, arXiv
2105.10497, sections 3.3 (shuffled patches) and 3.4 (no positions). A Vision Transformer without
positions, whose head reads CLS or a mean, answers the same in whatever order its patches come.
"""

from __future__ import annotations

import numpy as np

from vitviz.shapes import Float32, Int


def shuffled_order(patches: int, seed: int) -> Int[np.ndarray, " patches"]:
    """Which patch comes to each place; the same for the same seed.

    Args:
        patches: How many there are.
        seed: Of the order.
    """
    return np.random.default_rng(seed).permutation(patches)


def with_order(
    image: Float32[np.ndarray, "3 height width"], patch: int, order: Int[np.ndarray, " patches"]
) -> Float32[np.ndarray, "3 height width"]:
    """The input with its patches in another order, row by row; read-only.

    Args:
        image: A whole number of patches high and wide.
        patch: Side of a patch, in pixels.
        order: Which patch comes to each place.
    """
    rows, cols = image.shape[1] // patch, image.shape[2] // patch
    pieces = image.reshape(3, rows, patch, cols, patch).transpose(1, 3, 0, 2, 4)
    pieces = pieces.reshape(rows * cols, 3, patch, patch)[order]
    pieces = pieces.reshape(rows, cols, 3, patch, patch).transpose(2, 0, 3, 1, 4)
    found: Float32[np.ndarray, "3 height width"] = np.ascontiguousarray(pieces.reshape(image.shape))
    found.flags.writeable = False
    return found

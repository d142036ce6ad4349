"""SaCo: whether a map's amounts, and not only its order, agree with what its parts are worth.

Patches are sorted by the map and cut into K groups of (almost) equal size. With s_i the mean of the
map over group i and d_i how much the answer falls without it, for each of its patches:

    SaCo = sum_{i<j} sign_ij (s_i - s_j) / sum_{i<j} |s_i - s_j|

for s_i >= s_j, with sign_ij = +1 where d_i >= d_j, else -1: 1 where every group that the map holds
for more is worth more, about 0 for maps that have nothing to do with it, -1 at worst.

Source: Wu, Kang, Tang, Hong and Yan, "On the Faithfulness of Vision Transformer Explanations",
CVPR 2024, arXiv 2404.01415, algorithm 1. Differences: there the removed pixels have the data set's
mean colour; here groups are removed as the network allows (``vitviz.probing.removal``). There s_i
and d_i are of whole groups, which is the same where K divides the number of patches; where it does
not, the groups with one patch more would be worth more for that alone, and they come first.
"""

from __future__ import annotations

import numpy as np

from vitviz.probing.leave_out import Ask, drops
from vitviz.progress import Progress, silent
from vitviz.shapes import Float64, Int

GROUPS = 10
"""K of the authors."""


def group_of(order: Int[np.ndarray, " patches"], groups: int) -> Int[np.ndarray, " patches"]:
    """Which group each patch is in, 0 being those that come first in the order."""
    found = np.empty(len(order), int)
    for number, part in enumerate(np.array_split(order, groups)):
        found[part] = number
    return found


def saco(
    ask: Ask,
    values: Float64[np.ndarray, " patches"],
    order: Int[np.ndarray, " patches"],
    progress: Progress = silent,
) -> float | None:
    """SaCo of a map, -1..1; None where it holds every group for the same, or there is one patch.

    Args:
        ask: What the answer is.
        values: The map.
        order: Of its patches, the greatest value first.
        progress: Told before each forward; may raise ``Cancelled``.
    """
    if len(values) < 2:
        return None
    groups = group_of(order, min(GROUPS, len(values)))
    size = np.bincount(groups)
    worth = drops(ask, groups, progress)
    return salience_coefficient(np.bincount(groups, values) / size, worth / size)


def salience_coefficient(
    salience: Float64[np.ndarray, " groups"], worth: Float64[np.ndarray, " groups"]
) -> float | None:
    """The formula above; ``salience`` falls from group to group."""
    between = salience[:, None] - salience[None]
    pairs = np.triu_indices(len(salience), 1)
    weights = between[pairs]
    agrees = np.where((worth[:, None] >= worth[None])[pairs], 1.0, -1.0)
    total = float(np.abs(weights).sum())
    return float((agrees * weights).sum()) / total if total > 0 else None

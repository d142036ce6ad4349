"""A number of each patch from its features and their gradients, in every layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vitviz.maps.heat_map import LayerMaps
from vitviz.models.outline import Ability
from vitviz.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.tracing.aim import Aim
    from vitviz.tracing.feature_gradients import LayerFeatures
    from vitviz.tracing.trace import Trace

FEATURES: frozenset[Ability] = frozenset({"states", "gradients", "classes"})
"""What such a method needs."""

Reduce = Callable[["LayerFeatures"], "Tensor"]
"""Features and gradients, tokens x width each, to a number of each token."""


def of_each_layer(
    trace: Trace, aim: Aim, reduce: Reduce, progress: Progress
) -> dict[int, LayerMaps]:
    """The maps that ``reduce`` makes of every layer.

    Args:
        trace: Of a network with classes.
        aim: Which number.
        reduce: Gives a tensor of its own.
        progress: Told before every block.
    """
    by_layer = {
        of.layer: trace.maps(of.layer, reduce(of)[None].cpu().numpy())
        for of in trace.feature_gradients(aim, progress)
    }
    return dict(sorted(by_layer.items()))

"""Feature norm: how long the vector is that each layer puts out for each patch.

    map_l[i] = ||z_l[i]||

z_l is the state after layer l (in a Vision Transformer the residual stream after block l, before
the last LayerNorm). It asks about no token and no class, and fits every network that has layers.
Large self-supervised and supervised ViTs without registers give a few patches of plain background
norms far above all others, in which they keep what is not about these patches.

Source: Darcet, Oquab, Mairal and Bojanowski, "Vision Transformers Need Registers", ICLR 2024, arXiv
2309.16588, section 2.1 and figure 3.

Difference from the source: there the output of the last layer; here every layer's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Question
from vitviz.progress import Progress

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:  # noqa: ARG001
    """The norm of every token's state, after every layer.

    Raises:
        Cancelled: ``progress`` said so.
    """
    by_layer = {
        layer: trace.maps(layer, np.linalg.norm(states, axis=1)[None])
        for layer, states in enumerate(trace.all_states(progress))
    }
    return Explanation(by_layer, "mean", Quantity("norm of features"))


FEATURE_NORM = Method(
    name="feature-norm",
    title="Feature norm",
    source="Darcet et al. 2024, arXiv 2309.16588",
    explain=explain,
    heads="none",
    needs=frozenset({"states"}),
    about_token=False,
)

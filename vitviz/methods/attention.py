"""Raw attention: one row, or one column, of every layer and head.

Row i of ``A = softmax(q k^T / sqrt(d))`` is where token i looks, and sums to one. Column j is how
much every token looks at token j; it does not sum to anything in particular. Of a query of several
tokens it is the mean of their rows, or of their columns.

Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, arXiv 1706.03762, equation 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Question
from vitviz.progress import Progress, Stage

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """Attention of, or to, the query; every layer and head apart."""
    progress(Stage("method", name="attention"), 0.0)
    of = question.direction == "of"
    by_layer = {}
    for layer, attention in enumerate(trace.attention):
        if attention is not None:
            tokens = trace.tokens_in(layer, question.query)
            values = trace.mean_row(layer, tokens) if of else trace.mean_column(layer, tokens)
            by_layer[layer] = trace.maps(layer, values)
    return Explanation(by_layer, None, Quantity("attention", "share" if of else "amount"))


ATTENTION = Method(
    name="attention",
    title="Attention",
    source="Vaswani et al. 2017, arXiv 1706.03762",
    explain=explain,
    directions=("of", "to"),
)

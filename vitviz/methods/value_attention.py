"""Value-aware attention: how long what one token adds to another is, not only its weight.

    map_l[h, j] = |A_l[h, query, j] V_l[h, j] W_l[h]|

V are the values that a head mixes, W the head's part of the projection behind it (with LayerScale,
where there is one): what is in ``|...|`` is what head h adds to the query because of token j. A
token that is looked at much but has a short value adds little. Of a query of several tokens it is
the mean over them.

Source: Kobayashi, Kuribayashi, Yokoi and Inui, "Attention is Not Only a Weight: Analyzing
Transformers with Vector Norms", EMNLP 2020, arXiv 2004.10102, equation 6.

Differences from the source: the biases of the projection are nobody's and are left out, those of
the values are in them; LayerScale, which came later, is part of W. In windows (Swin) a token gets
of its own window alone, and what it looks at in padding is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Question
from vitviz.progress import Progress

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """What every token adds to the query, or the query to every token; each head apart."""
    of, by_layer = question.direction == "of", {}
    for values in trace.values(range(trace.depth), progress):
        layer, lengths = values.layer, values.lengths()
        tokens = trace.tokens_in(layer, question.query)
        if of:
            found = trace.mean_row(layer, tokens) * lengths.cpu().numpy()
        else:
            found = trace.mean_column(layer, tokens, lengths)
        by_layer[layer] = trace.maps(layer, found)
    return Explanation(by_layer, None, Quantity("length of what is added"))


VALUE_ATTENTION = Method(
    name="value-attention",
    title="Value-aware attention",
    source="Kobayashi et al. 2020, arXiv 2004.10102",
    explain=explain,
    directions=("of", "to"),
    needs=frozenset({"attention", "values"}),
)

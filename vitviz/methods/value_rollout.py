"""Value-aware rollout: what is added, and what is kept, followed through the layers by its length.

    F_l[i, j] = |sum over h of A_l[h, i, j] V_l[h, j] W_l[h]|
    B_l       = F_l + diag(|z_l[i]|), every row divided by its sum
    R_end     = B_end ... B_start,    map = R_end[query]

``F_l[i, j]`` is how long what token j adds to token i is, over all heads together, and ``|z_l[i]|``
how long the token itself is that goes on through the residual connection. So no weight of the
residual has to be chosen: rollout's one half is replaced by what the network does.

Sources: the lengths, Kobayashi et al., EMNLP 2020, arXiv 2004.10102; with the residual, Kobayashi
et al., EMNLP 2021, arXiv 2109.07152; the product over layers, Abnar and Zuidema, ACL 2020, arXiv
2005.00928. The idea of following lengths through a ViT is TokenTM's (Wu et al., CVPR 2024, arXiv
2403.14552); this is not TokenTM, which also asks how much a token turns, and about a class.

Difference from the sources: LayerNorm and the MLP, which change lengths too, are left out, as in
rollout. Through windows and merging (Swin) it goes as rollout does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vitviz.maps.heat_map import Explanation, Quantity, uniform
from vitviz.methods.base import Method, Question
from vitviz.methods.parts.flow import SMALLEST, START, layers_from, unmerged
from vitviz.progress import Progress, Stage, part
from vitviz.shapes import Float

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The rollouts of the query that end at each layer from the start layer on.

    Raises:
        VitvizError: A setting is out of its bounds.
    """
    import torch

    settings = VALUE_ROLLOUT.settings(question.params)
    through = layers_from(settings, trace, "Value-aware rollout")
    lengths = {
        of.layer: _Lengths(of.products(), torch.linalg.vector_norm(of.state.float(), dim=-1))
        for of in trace.values(through, part(progress, 0, 0.5))
    }
    flows, room = None, trace.room()
    for place, layer in reversed(list(enumerate(through))):
        stage = Stage("method_layer", layer, trace.depth, "value-rollout")
        progress(stage, 1 - (place + 1) / (2 * len(through)))
        own = trace.tokens_in(layer, question.query)
        begin = torch.zeros(1, trace.attention_of(layer).tokens, device=trace.device)
        begin[0, list(own)] = 1 / len(own)
        flows = begin if flows is None else torch.cat([begin, flows])
        flows = _pushed(flows, trace, layer, lengths[layer], room)
        if place:
            flows = unmerged(flows, trace.outline, layer)
    assert flows is not None
    first, values = through[0], flows.unsqueeze(1).cpu().numpy()
    maps = uniform(values, through, trace.outline.tokens(first), trace.geometry_of(first))
    return Explanation(maps, "mean", Quantity("value-aware rollout", "share"), "through")


@dataclass(frozen=True, eq=False)
class _Lengths:
    """Of one layer.

    Args:
        products: Inner products of what two heads would add because of a token.
        kept: How long the token is that goes on.
    """

    products: Float[Tensor, "tokens heads heads"]
    kept: Float[Tensor, " tokens"]


def _pushed(
    flows: Float[Tensor, "flows tokens"], trace: Trace, layer: int, lengths: _Lengths, room: Tensor
) -> Float[Tensor, "flows tokens"]:
    """``flows @ B`` of one layer."""
    pushed = flows.new_zeros(flows.shape)
    for rows, block in trace.row_blocks(layer, room=room):
        added = _together(block, lengths.products)
        kept = lengths.kept[rows]
        total = added.sum(1) + kept
        passing = flows[:, rows] / total.clamp(min=SMALLEST)
        pushed.addmm_(passing, added)
        pushed[:, rows] += passing * kept
    return pushed


def _together(
    block: Float[Tensor, "heads rows tokens"], products: Float[Tensor, "tokens heads heads"]
) -> Float[Tensor, "rows tokens"]:
    """How long it is what all heads add together:
    ``|sum_h a_h x_h|^2 = sum_hg a_h a_g <x_h, x_g>``.
    """
    # tokens x rows x heads, times tokens x heads x heads: no vector is made for a pair of tokens.
    weights = block.permute(2, 1, 0)
    squares = ((weights @ products) * weights).sum(-1)
    return squares.clamp(min=0).sqrt().T


VALUE_ROLLOUT = Method(
    name="value-rollout",
    title="Value-aware rollout",
    source="vitviz, after Kobayashi et al. 2021, arXiv 2109.07152, and Abnar and Zuidema 2020",
    explain=explain,
    parameters=(START,),
    heads="mean",
    needs=frozenset({"attention", "values", "path"}),
)

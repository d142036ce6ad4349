"""A classifier that stands beside its backbone, or in a file of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

HEAD = re.compile(
    r"(heads?|head_dist|fc|classifier|cls_classifier|classif\w*|cls_head|mlp_head|linear|"
    r"linear_head|last_linear|fc_cls|lin_head|out_proj|output|to_logits|logits)(\.|$)",
    re.IGNORECASE,
)
"""What people call a classifier."""

FINAL_NORM = re.compile(
    r"(norm|fc_norm|layernorm|ln|encoder\.ln|post_layernorm|ln_post|final_norm|head\.norm)\.weight$"
)
"""What a network calls its last LayerNorm, whose length is that of what a classifier reads."""


def attached_head(
    network: Mapping[str, Tensor], beside: Mapping[str, str], shapes: Mapping[str, Tensor]
) -> dict[str, str]:
    """The one linear layer beside a backbone that reads its features, as "head.weight".

    Args:
        network: The backbone.
        beside: Names of what stands beside it, from its own level on, to names in the file.
        shapes: Of everything in the file.

    Returns:
        "head.weight" and "head.bias" to names in the file; empty where none or several fit.
    """
    widths = {tensor.shape[0] for name, tensor in network.items() if FINAL_NORM.match(name)}
    fitting = [
        name for name, key in beside.items()
        if HEAD.match(name) and name.endswith(".weight") and shapes[key].ndim == 2
        and any(shapes[key].shape[1] in (width, 2 * width) for width in widths)
    ]  # fmt: skip
    linear = [name for name, key in beside.items() if HEAD.match(name) and shapes[key].ndim == 2]
    if len(fitting) != 1 or linear != fitting:
        return {}
    bias = fitting[0].removesuffix("weight") + "bias"
    found = {"head.weight": beside[fitting[0]]}
    return found | ({"head.bias": beside[bias]} if bias in beside else {})

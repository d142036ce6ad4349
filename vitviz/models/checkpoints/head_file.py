"""A linear classifier in a file of its own, as DINO and DINOv2 publish theirs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.checkpoint import read_tensors
from vitviz.models.checkpoints.heads import FINAL_NORM

READ = (1, 2, 4, 5)
"""Tokens whose numbers a head reads: CLS, the mean of the patches, CLS of three layers more."""


def read_head(path: Path, network: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The linear classifier of a file of its own, as "head.weight" and "head.bias".

    Args:
        path: Of the file; it holds one linear layer.
        network: The backbone whose features it reads.

    Raises:
        CheckpointError: It holds something else, or reads what this network does not give.
    """
    found = read_tensors(path)
    matrices = [name for name, tensor in found.items() if tensor.ndim == 2]
    if len(matrices) != 1:
        raise CheckpointError(
            f"{path.name} holds {len(matrices)} linear layers, where a head is one.",
            "Choose the file of a linear head.",
        )
    weight = found[matrices[0]]
    widths = {tensor.shape[0] for name, tensor in network.items() if FINAL_NORM.search(name)}
    if widths and not any(weight.shape[1] == count * width for width in widths for count in READ):
        raise CheckpointError(
            f"{path.name} reads {weight.shape[1]:,} features, where the network gives "
            f"{' or '.join(f'{width:,}' for width in sorted(widths))} a token.",
            "Read are heads of CLS, with the mean of the patches or without it, of the last layer "
            "or of the last four (linear4).",
        )
    if matrices[0] == "linear.weight" and any(weight.shape[1] == 2 * width for width in widths):
        # DINO's eval_linear.py puts CLS and mean beside each other number by number.
        weight = torch.cat([weight[:, 0::2], weight[:, 1::2]], dim=1)
    bias = found.get(matrices[0].removesuffix("weight") + "bias")
    head = {"head.weight": weight}
    return head | ({"head.bias": bias} if bias is not None else {})

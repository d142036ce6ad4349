"""Small random convolutional networks, one of each family."""

from __future__ import annotations

import torch

from vitviz.models.cnn.convnext.family import CONVNEXT
from vitviz.models.cnn.efficientnet.family import EFFICIENTNET
from vitviz.models.cnn.resnet.family import RESNET
from vitviz.models.family import Family
from vitviz.models.network import Network

FAMILIES = {family.name: family for family in (EFFICIENTNET, RESNET, CONVNEXT)}


def random_network(family: Family, seed: int = 0) -> Network:
    """A family's specimen, every number of it with a say: norms, gates and scales included."""
    assert family.specimen is not None
    network = family.build(family.specimen()).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(0.5 + noise.abs())
        elif tensor.ndim == 1 and name.endswith(("weight", "gamma")):
            tensor.copy_(1 + 0.2 * noise)
        else:
            # So that what passes through keeps its size.
            tensor.copy_(noise * (1.5 / tensor[0].numel() ** 0.5 if tensor.ndim > 1 else 0.3))
    return network


def random_input(height: int, width: int, batch: int = 1, seed: int = 1) -> torch.Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))

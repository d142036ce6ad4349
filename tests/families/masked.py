"""A checkpoint of a small masked autoencoder, with its card."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from vitviz.models.card import ModelCard, to_json
from vitviz.models.mae.family import MAE
from vitviz.models.mae.network import MaskedAutoencoder


def save_masked(folder: Path) -> Path:
    """Random weights, far from the same everywhere."""
    config = MAE.specimen()
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = MaskedAutoencoder(config)
        for parameter in network.parameters():
            parameter.data += 0.3 * torch.randn_like(parameter)
    path = folder / "mae.safetensors"
    save_file({k: t.contiguous() for k, t in network.state_dict().items()}, path)
    reader, _ = MAE.readers()
    preprocessing, _ = reader.preprocessing(config)
    card = ModelCard("mae", "MAE", config, preprocessing, family="mae")
    (folder / "mae.json").write_text(to_json(card))
    return path

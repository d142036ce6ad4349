"""Source libraries with small random networks, and what they give: outputs and attention."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import timm
import torch
from timm.layers import set_fused_attn
from torch import Tensor, nn

from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.families import reader_of
from vitviz.models.network import softmax_attention
from vitviz.models.vit.network import VisionTransformer

LARGE = re.compile(
    r"pos_embed|token|relative_position|latent|probe|position|class_emb|freqs|rel_pos"
)
"""Parameters whose share would be too small to notice at the usual 0.02."""

ASKING = re.compile(r"(qkv|in_proj|q_proj|k_proj|query|key)[._]weight$")


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """Gives every parameter a say: fresh networks have zero biases, and heads of zeros."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        norm = parameter.ndim == 1 and name.endswith("weight")
        parameter.data = 1 + 0.1 * noise if norm else noise * (0.02 if parameter.ndim > 1 else 0.05)
        if "gamma" in name or "lambda" in name:
            parameter.data = 0.5 + 0.1 * noise
        if LARGE.search(name):
            parameter.data = 0.2 * noise
        if ASKING.search(name):
            parameter.data = noise * parameter.shape[1] ** -0.5  # attention far from uniform
    return network.eval().requires_grad_(False)


def read(tensors: dict[str, Tensor], said: Said = NOT_SAID) -> VisionTransformer:
    """Another library's parameters, through our reader, in our network."""
    _, reader = reader_of(tensors)
    config, _ = reader.config(tensors, said)
    ours = VisionTransformer(config)
    ours.load_state_dict(reader.convert(tensors, config))
    return ours.eval().requires_grad_(False)


def images(height: int, width: int, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(1))


def our_attention(network: VisionTransformer, image: Tensor) -> list[Tensor]:
    """Of every layer, as the steps of the network ask for it."""
    found: list[Tensor] = []

    def attend(q: Tensor, k: Tensor, v: Tensor, bias: Any = None) -> Tensor:
        logits = q @ k.mT / q.shape[-1] ** 0.5
        if bias is not None:
            logits = logits + bias(slice(0, q.shape[2]))
        found.append(logits.softmax(-1))
        return softmax_attention(q, k, v) if bias is None else found[-1] @ v

    z = network.embed(image)
    for step in network.steps((image.shape[2], image.shape[3])):
        z = step(z, attend)
    return found


@contextmanager
def watched(modules: list[nn.Module]) -> Iterator[list[Tensor]]:
    """What each of some modules is given, in the order in which they run."""
    seen: list[Tensor] = []
    hooks = [m.register_forward_pre_hook(lambda _, given: seen.append(given[0])) for m in modules]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def from_timm(name: str, **how: Any) -> nn.Module:
    """One of timm's, with attention that can be watched."""
    set_fused_attn(False)
    try:
        return randomised(timm.create_model(name, pretrained=False, **how))
    finally:
        set_fused_attn(True)


def timm_attention(network: nn.Module, image: Tensor) -> list[Tensor]:
    """Of every layer: what goes into the dropout of attention."""
    drops = [getattr(block, "attn", block).attn_drop for block in network.blocks]
    with watched(drops) as seen:
        network(image)
    return seen


def assert_same(ours: Tensor, theirs: Tensor, within: float = 1e-5) -> None:
    assert theirs.std() > 0.05, "outputs without spread would agree by accident"
    assert float((ours - theirs).abs().max()) < within


def assert_same_attention(ours: list[Tensor], theirs: list[Tensor], within: float = 1e-5) -> None:
    assert len(ours) == len(theirs) > 0
    for a, b in zip(ours, theirs, strict=True):
        assert b.std(dim=-1).max() > 0.3 / b.shape[-1], "uniform attention would agree by accident"
        assert float((a - b).abs().max()) < within


def agree(
    ours: VisionTransformer,
    image: Tensor,
    outputs: Callable[[Tensor], Tensor],
    attention: Callable[[Tensor], list[Tensor]] | None = None,
) -> None:
    """Outputs and attention are those of the source."""
    assert_same(ours(image), outputs(image))
    if attention is not None:
        assert_same_attention(our_attention(ours, image), attention(image))

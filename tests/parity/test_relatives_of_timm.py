"""The ViT's relatives of timm: outputs and attention, at odd sizes and on rectangles."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import timm
import torch
from torch import Tensor

from tests.parity.sources import agree, from_timm, images, read, timm_attention
from vitviz.models.checkpoints.reader import Assumption
from vitviz.models.checkpoints.said import Said
from vitviz.models.families import reader_of

TWO = {"embed_dim": 128, "num_heads": 2}

KINDS: dict[str, dict[str, Any]] = {
    "vit_base_patch16_clip_224": {**TWO, "num_classes": 24},
    "vit_base_patch16_clip_quickgelu_224": TWO,
    "vit_base_patch16_siglip_224": TWO,
    "vit_base_patch32_siglip_256": TWO,
    "vit_base_patch16_siglip_gap_224": TWO,
    "vit_base_patch32_siglip_gap_256": TWO,
    "eva02_tiny_patch14_224": {"num_classes": 7},
    "eva02_base_patch14_224": {**TWO, "num_classes": 7},
    "eva02_base_patch16_clip_224": TWO,
    "eva_giant_patch14_224": {**TWO, "num_classes": 7},
    "vit_small_patch16_rope_224": {"num_classes": 7},
    "vit_small_patch16_rope_ape_224": {"num_classes": 7},
    "vit_small_patch16_rope_mixed_224": {"num_classes": 7},
    "vit_small_patch16_rope_mixed_ape_224": {"num_classes": 7},
    "vit_medium_patch16_rope_reg1_gap_256": {"num_classes": 7},
    "vit_mediumd_patch16_rope_reg1_gap_256": {"num_classes": 7},
    "vit_small_patch16_dinov3": {},
    "vit_small_patch16_dinov3_qkvb": {},
    "vit_small_plus_patch16_dinov3": {},
    "vit_small_patch16_lingbot": {},
    "vit_pe_core_tiny_patch16_384": {**TWO, "num_classes": 0, "ref_feat_shape": (6, 6)},
    "vit_pe_spatial_tiny_patch16_512": {"ref_feat_shape": (6, 6)},
    "beit_base_patch16_224": {**TWO, "num_classes": 7},
    "beitv2_base_patch16_224": {**TWO, "num_classes": 7},
    "vit_relpos_small_patch16_224": {"num_classes": 7},
    "vit_srelpos_small_patch16_224": {"num_classes": 7},
    "vit_relpos_medium_patch16_cls_224": {"num_classes": 7},
    "vit_relpos_base_patch16_clsgap_224": {"num_classes": 7},
    "vit_relpos_medium_patch16_rpn_224": {"num_classes": 7},
    "vit_base_patch16_rpn_224": {**TWO, "num_classes": 7},
    "vit_pwee_patch16_reg1_gap_256": {"num_classes": 7},
    "vit_mediumd_patch16_reg4_gap_256": {"num_classes": 7},
    "vit_base_patch16_radio_v3": TWO,
    "vit_intern300m_patch14_448": TWO,
    "aimv2_large_patch14_224": {"embed_dim": 256, "num_heads": 2},
}
"""timm's architecture, and what makes it small."""

NO_POSITIONS_IN_THE_FILE = ("dinov3", "lingbot", "_rope_2", "mixed_2", "rope_reg", "relpos")


def said_of(name: str, theirs: torch.nn.Module) -> Said:
    """As timm's config.json says it, in our words."""
    pool = {"avg": "mean", "token": "cls"}.get(theirs.global_pool)
    network: dict[str, Any] = {} if pool is None else {"pool": pool}
    if any(part in name for part in NO_POSITIONS_IN_THE_FILE):
        network["input_size"] = tuple(theirs.patch_embed.img_size)
    return Said("timm", name, network=network)


@pytest.mark.filterwarnings("ignore::UserWarning:timm.layers.interpolate")  # BEiT's tables
@pytest.mark.parametrize("name", KINDS)
def test_outputs_and_attention(name: str) -> None:
    patch = 32 if "patch32" in name else 14 if "patch14" in name else 16
    theirs = from_timm(name, img_size=6 * patch, depth=2, **KINDS[name])
    ours = read(dict(theirs.state_dict()), said_of(name, theirs))
    for rows, cols in ((6, 6), (3, 7)):
        size = rows * patch, cols * patch
        resized = copy.deepcopy(theirs)
        resized.set_input_size(size)
        agree(ours, images(*size), resized, lambda image, n=resized: timm_attention(n, image))


def test_without_a_config_a_file_of_rope_ape_is_said_to_be_ambiguous() -> None:
    with torch.device("meta"):
        theirs = timm.create_model("vit_small_patch16_rope_ape_224", depth=2)
    tensors: dict[str, Tensor] = dict(theirs.state_dict())
    _, reader = reader_of(tensors)
    config, notes = reader.config(tensors, Said())
    assert config.rope is None
    assert any("rope_ape" in str(note) for note in notes)
    config, notes = reader.config(tensors, Said("timm", "vit_small_patch16_rope_ape_224"))
    assert config.rope is not None
    assert not any("rope_ape" in str(note) for note in notes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "heads"),
    [
        ("vit_huge_plus_patch16_dinov3", 20), ("vit_7b_patch16_dinov3", 32),
        ("vit_giant_patch16_lingbot", 24), ("eva_giant_patch14_224", 16),
        ("eva02_enormous_patch14_clip_224", 16), ("vit_so400m_patch14_siglip_224", 16),
        ("vit_giantopt_patch16_siglip_256", 16), ("vit_giant_patch16_radio_v3", 24),
        ("vit_gigantic_patch14_clip_224", 16),
        ("vit_huge_patch14_clip_224", 16), ("vit_giant_patch14_clip_224", 16),
        ("vit_pe_core_gigantic_patch14_448", 16), ("beit_large_patch16_224", 16),
        ("vit_betwixt_patch16_rope_reg4_gap_256", 10), ("vit_relpos_base_patch16_plus_240", 14),
    ],
)  # fmt: skip
def test_heads_as_timm_has_them(name: str, heads: int) -> None:
    with torch.device("meta"):
        theirs = timm.create_model(name, pretrained=False)
    tensors: dict[str, Tensor] = dict(theirs.state_dict())
    _, reader = reader_of(tensors)
    config, notes = reader.config(tensors, Said())
    assert config.heads == heads == theirs.blocks[0].attn.num_heads
    assumed = any(isinstance(note, Assumption) and note.field == "heads" for note in notes)
    assert assumed != ("beit" in name or "relpos" in name)
    if name != "vit_pe_core_gigantic_patch14_448":  # its pool's MLP has another width
        assert len(reader.convert(tensors, config)) >= config.depth

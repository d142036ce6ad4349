"""CLIP, SigLIP, DINOv3 and BEiT of transformers, OpenCLIP and their authors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
import transformers as hf
from safetensors.torch import load_file
from torch import Tensor, nn

from tests.parity.sources import agree, assert_same, from_timm, images, randomised, read
from tests.parity.sources import timm_attention as attention_of
from vitviz.models.checkpoints.reader import Assumption
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.families import reader_of

VISION: dict[str, Any] = {
    "hidden_size": 64, "intermediate_size": 112, "num_hidden_layers": 2, "num_attention_heads": 4,
    "image_size": 32, "patch_size": 8,
}  # fmt: skip
TEXT: dict[str, Any] = {
    "hidden_size": 64, "intermediate_size": 40, "num_hidden_layers": 1, "num_attention_heads": 4,
    "vocab_size": 50, "max_position_embeddings": 8, "bos_token_id": 0, "eos_token_id": 1,
    "pad_token_id": 2,
}  # fmt: skip

Call = Callable[[nn.Module, Tensor], Any]


def _sized(model: nn.Module, image: Tensor, **how: Any) -> Any:
    return model(image, interpolate_pos_encoding=True, output_attentions=True, **how)


def _naflex(model: nn.Module, image: Tensor) -> Any:
    """SigLIP 2 of transformers takes patches that are cut already."""
    batch, _, height, width = image.shape
    rows, cols, patch = height // 8, width // 8, 8
    cut = image.reshape(batch, 3, rows, patch, cols, patch).permute(0, 2, 4, 3, 5, 1)
    mask = torch.ones(batch, rows * cols, dtype=torch.long)
    shapes = torch.tensor([[rows, cols]] * batch)
    return model(cut.flatten(3).flatten(1, 2), mask, shapes, output_attentions=True)


def _features(model: nn.Module, image: Tensor) -> Any:
    return model.get_image_features(image, interpolate_pos_encoding=True, output_attentions=True)


def _config(kind: type, **more: Any) -> Any:
    return kind(**VISION, **more, attn_implementation="eager")


def _clip() -> nn.Module:
    config = hf.CLIPConfig(vision_config=VISION, text_config=TEXT, projection_dim=20)
    return hf.CLIPModel._from_config(config, attn_implementation="eager")


def _siglip() -> nn.Module:
    config = hf.SiglipConfig(vision_config=VISION, text_config=TEXT)
    return hf.SiglipModel._from_config(config, attn_implementation="eager")


def _siglip2() -> nn.Module:
    shape = {name: size for name, size in VISION.items() if name != "image_size"}
    config = hf.Siglip2VisionConfig(**shape, num_patches=16, attn_implementation="eager")
    return hf.Siglip2VisionModel(config)


def _beit(kind: str, config: str, **more: Any) -> nn.Module:
    made = _config(getattr(hf, config), layer_scale_init_value=0.1, num_labels=5, **more)
    return getattr(hf, kind)(made)


TRANSFORMERS: dict[str, tuple[Callable[[], nn.Module], Call, str]] = {
    "CLIPVisionModel": (
        lambda: hf.CLIPVisionModel(_config(hf.CLIPVisionConfig)), _sized, "pooler_output",
    ),
    "LAION's CLIPVisionModelWithProjection": (
        lambda: hf.CLIPVisionModelWithProjection(
            _config(hf.CLIPVisionConfig, projection_dim=20, hidden_act="gelu")
        ),
        _sized, "image_embeds",
    ),
    "CLIPModel": (_clip, _features, "pooler_output"),
    "SiglipVisionModel": (
        lambda: hf.SiglipVisionModel(_config(hf.SiglipVisionConfig)), _sized, "pooler_output",
    ),
    "SiglipModel": (_siglip, _features, "pooler_output"),
    "SiglipForImageClassification": (
        lambda: hf.SiglipForImageClassification._from_config(
            hf.SiglipConfig(vision_config=VISION, text_config=TEXT, num_labels=5),
            attn_implementation="eager",
        ),
        _sized, "logits",
    ),
    "Siglip2VisionModel": (_siglip2, _naflex, "pooler_output"),
    "DINOv3ViTModel": (
        lambda: hf.DINOv3ViTModel(_config(hf.DINOv3ViTConfig, num_register_tokens=4)),
        lambda model, image: model(image, output_attentions=True), "pooler_output",
    ),
    "gated DINOv3ViTModel": (
        lambda: hf.DINOv3ViTModel(
            _config(hf.DINOv3ViTConfig, num_register_tokens=4, use_gated_mlp=True,
                    hidden_act="silu", rope_theta=50.0)
        ),
        lambda model, image: model(image, output_attentions=True), "pooler_output",
    ),
    "BeitForImageClassification": (
        lambda: _beit("BeitForImageClassification", "BeitConfig", use_relative_position_bias=True),
        _sized, "logits",
    ),
    "Data2VecVisionForImageClassification": (
        lambda: _beit("Data2VecVisionForImageClassification", "Data2VecVisionConfig",
                      use_shared_relative_position_bias=True),
        lambda model, image: model(image, output_attentions=True), "logits",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_transformers(kind: str, tmp_path: Path) -> None:
    make, call, output = TRANSFORMERS[kind]
    theirs = randomised(make())
    theirs.save_pretrained(tmp_path)
    said = Said("transformers", theirs.config.model_type, theirs.config.to_dict())
    on_disk = read(load_file(tmp_path / "model.safetensors"), said)
    in_memory = read(dict(theirs.state_dict()), said)
    assert on_disk.config == in_memory.config
    # Of data2vec's shared table transformers 5 makes nothing at other sizes.
    for size in ((32, 32),) if "Data2Vec" in kind else ((32, 32), (24, 56)):
        image = images(*size)
        answer = call(theirs, image)
        agree(on_disk, image, lambda _, a=answer: a[output], lambda _, a=answer: list(a.attentions))
    assert_same(in_memory(images(32, 32)), call(theirs, images(32, 32))[output])


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("part", ["all", "visual"])
def test_openclip(quick: bool, part: str) -> None:
    made: dict[str, Any] = {
        "embed_dim": 24, "quick_gelu": quick,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 128, "patch_size": 8},
        "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1},
    }  # fmt: skip
    theirs = randomised(open_clip.CLIP(**made))
    tensors = dict((theirs if part == "all" else theirs.visual).state_dict())
    ours = read(tensors, Said("open_clip", arguments={"model_cfg": made}))
    assert ours.config.projection == 24
    assert ours.config.classes == 0
    assert_same(ours(images(32, 32)), theirs.encode_image(images(32, 32)))


def test_openais_own_file_says_its_activation() -> None:
    made = open_clip.CLIP(
        24, {"image_size": 32, "layers": 2, "width": 128, "patch_size": 8},
        {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1}, True,
    )  # fmt: skip
    theirs = randomised(made)
    tensors = dict(theirs.state_dict()) | {
        name: torch.tensor(1) for name in ("input_resolution", "context_length", "vocab_size")
    }
    assert_same(read(tensors)(images(32, 32)), theirs.encode_image(images(32, 32)))
    config, notes = reader_of(tensors).reader.config(tensors, NOT_SAID)
    assert config.activation == "quick_gelu"
    assert [n.field for n in notes if isinstance(n, Assumption)] == ["heads", "input_size"]


def test_an_activation_that_nobody_says_is_an_assumption() -> None:
    made = open_clip.CLIP(
        24, {"image_size": 32, "layers": 2, "width": 128, "patch_size": 8},
        {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1},
    )  # fmt: skip
    tensors = dict(made.state_dict())
    for dtype, expected in ((torch.float32, "gelu"), (torch.float16, "quick_gelu")):
        cast = {name: tensor.to(dtype) for name, tensor in tensors.items()}
        config, notes = reader_of(cast).reader.config(cast, NOT_SAID)
        assert config.activation == expected
        assert "activation" in [n.field for n in notes if isinstance(n, Assumption)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ViT-B-32-SigLIP2-256", "ViT-B-16-SigLIP", "EVA02-B-16"])
def test_openclip_with_a_tower_of_timm(name: str) -> None:
    made = open_clip.get_model_config(name)
    made["text_cfg"] = {
        "context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1,
    }  # fmt: skip
    theirs = randomised(open_clip.CustomTextCLIP(made["embed_dim"], made["vision_cfg"],
                                                 made["text_cfg"]))  # fmt: skip
    size = made["vision_cfg"]["image_size"]
    ours = read(dict(theirs.state_dict()), Said("open_clip", name, {"model_cfg": made}))
    assert_same(ours(images(size, size, 1)), theirs.encode_image(images(size, size, 1)))


def test_a_projection_beside_a_plain_tower_of_timm() -> None:
    trunk = from_timm("vit_tiny_patch16_224", depth=2, num_classes=0, img_size=96)
    projection = 0.1 * torch.randn(20, 192, generator=torch.Generator().manual_seed(3))
    tensors = {f"visual.trunk.{name}": t for name, t in trunk.state_dict().items()}
    tensors |= {"visual.head.proj.weight": projection, "text.transformer.x": torch.zeros(2)}
    ours = read(tensors)
    assert_same(ours(images(96, 96)), trunk(images(96, 96)) @ projection.T)


EVA_CLIP = {
    "mlp.fc1_g": "mlp.w1", "mlp.fc1_x": "mlp.w2", "mlp.fc2": "mlp.w3", "mlp.norm": "mlp.ffn_ln",
    "attn.norm": "attn.inner_attn_ln", "attn.q_proj.bias": "attn.q_bias",
    "attn.v_proj.bias": "attn.v_bias",
}  # fmt: skip


def test_eva_clip_of_its_authors() -> None:
    theirs = from_timm("eva02_base_patch16_clip_224", depth=2, embed_dim=128, num_heads=2)
    tensors: dict[str, Tensor] = {}
    for key, tensor in theirs.state_dict().items():
        for timms, own in EVA_CLIP.items():
            key = key.replace(timms, own)
        tensors[f"visual.{key}"] = tensor
    tensors |= {"visual.rope.freqs_cos": torch.zeros(3), "text.x": torch.zeros(1)}
    agree(read(tensors), images(224, 224), theirs, lambda image: attention_of(theirs, image))


def test_dinov3_of_meta() -> None:
    theirs = from_timm(
        "vit_small_patch16_dinov3_qkvb", depth=2, embed_dim=128, num_heads=2, global_pool="token"
    )
    tensors: dict[str, Tensor] = {"mask_token": torch.zeros(1, 128)}
    for key, tensor in theirs.state_dict().items():
        name = key.replace("gamma_", "ls").replace("reg_token", "storage_tokens")
        tensors[f"{name}.gamma" if ".ls" in name else name] = tensor
    for layer, block in enumerate(theirs.blocks):
        q, v = block.attn.q_bias, block.attn.v_bias
        del tensors[f"blocks.{layer}.attn.q_bias"], tensors[f"blocks.{layer}.attn.v_bias"]
        # What k's bias holds is masked: the mask may be NaN for it.
        tensors[f"blocks.{layer}.attn.qkv.bias"] = torch.cat([q, torch.ones(128), v])
        tensors[f"blocks.{layer}.attn.qkv.bias_mask"] = torch.full((384,), torch.nan)
    # The files' periods are rounded to bfloat16: the network runs with those.
    tensors["rope_embed.periods"] = theirs.rope.periods.bfloat16().float()
    theirs.rope.periods.copy_(tensors["rope_embed.periods"])
    ours = read(tensors)
    assert ours.config.heads == 2
    for size in ((256, 256), (48, 112)):
        agree(ours, images(*size), theirs, lambda image: attention_of(theirs, image))

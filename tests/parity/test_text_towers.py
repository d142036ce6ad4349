"""Text towers of CLIP, SigLIP and SigLIP 2 against OpenCLIP's and transformers' own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
import transformers as hf
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.parity.sources import randomised
from vitviz.models.loading import Model, load_model
from vitviz.models.words import encode_text, matching_of, text_tower

WORDS = ["a photo of a cat", "Löwe's den: 1,234!", "猫と犬"]

CLOSE = 2e-6
"""Of vectors of length 1."""

VISION = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16, "head_width": 32}
TIMM_VISION = {
    "image_size": 32, "timm_model_name": "vit_tiny_patch16_224", "timm_model_pretrained": False,
    "timm_pool": "token", "timm_proj": "none",
}  # fmt: skip
CLIP_TEXT = {"context_length": 20, "vocab_size": 49408, "width": 48, "heads": 3, "layers": 3}
SIGLIP_TEXT = {
    "context_length": 9, "width": 48, "heads": 3, "layers": 2, "no_causal_mask": True,
    "proj_bias": True, "pool_type": "last", "norm_kwargs": {"eps": 1e-6},
}  # fmt: skip

OPEN_CLIP: dict[str, dict[str, Any]] = {
    "CLIP": {"embed_dim": 24, "vision_cfg": VISION, "text_cfg": CLIP_TEXT},
    "OpenAI's activation": {
        "embed_dim": 24, "vision_cfg": VISION, "text_cfg": CLIP_TEXT, "quick_gelu": True,
    },
    "text apart": {
        "embed_dim": 24, "vision_cfg": VISION, "text_cfg": CLIP_TEXT, "custom_text": True,
    },
    "SigLIP": {
        "embed_dim": 192, "custom_text": True, "init_logit_bias": -10,
        "vision_cfg": TIMM_VISION, "text_cfg": {**SIGLIP_TEXT, "vocab_size": 320},
    },
    "SigLIP 2": {
        "embed_dim": 192, "custom_text": True, "init_logit_bias": -10, "vision_cfg": TIMM_VISION,
        "text_cfg": {**SIGLIP_TEXT, "vocab_size": 320, "act_kwargs": {"approximate": "tanh"}},
    },
}  # fmt: skip


def made_open_clip(config: dict[str, Any]) -> nn.Module:
    given = {name: value for name, value in config.items() if name != "custom_text"}
    kind = open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
    return randomised(kind(**given))


def saved_open_clip(model: nn.Module, config: dict[str, Any], folder: Path) -> Path:
    save_file(
        {k: v.contiguous() for k, v in model.state_dict().items()},
        folder / "open_clip_model.safetensors",
    )
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    return folder


def ids_for(model: Model, start: int = 3) -> tuple[Tensor, Tensor]:
    """Random tokens as long as the tower reads, and where they are read."""
    config = text_tower(model).config
    torch.manual_seed(0)
    ids = torch.randint(start, config.vocabulary - 1, (4, config.context))
    read = torch.full((4,), config.context - 1)
    if config.causal:  # the end's mark is the largest
        read = torch.tensor([3, 7, 12, 7])
        ids[torch.arange(4), read] = config.vocabulary - 1
    return ids, read


def ours(model: Model, ids: Tensor, read: Tensor) -> Tensor:
    return nn.functional.normalize(text_tower(model).network(ids, read), dim=-1)


def assert_equal(found: Tensor | np.ndarray, true: Tensor | np.ndarray) -> None:
    found, true = np.asarray(found), np.asarray(true)
    apart = np.linalg.norm(true[0] - true[1])
    assert apart > 0.1, "vectors that are all alike would agree by accident"
    difference = np.abs(found - true).max()
    print(f"largest difference {difference:.1e}")
    assert difference < CLOSE


@pytest.mark.parametrize("name", OPEN_CLIP)
def test_open_clip(name: str, tmp_path: Path) -> None:
    theirs = made_open_clip(OPEN_CLIP[name])
    model = load_model(saved_open_clip(theirs, OPEN_CLIP[name], tmp_path), "cpu")
    ids, read = ids_for(model)
    assert_equal(ours(model, ids, read), theirs.encode_text(ids, normalize=True))
    told = matching_of(model)
    assert told.scale == pytest.approx(float(theirs.logit_scale.exp()))
    bias = getattr(theirs, "logit_bias", None)
    assert told.bias == pytest.approx(0.0 if bias is None else float(bias))
    assert told.each == ("SigLIP" in name)


@pytest.mark.parametrize("name", ["CLIP", "OpenAI's activation"])
def test_clip_from_words_to_vectors(name: str, tmp_path: Path) -> None:
    theirs = made_open_clip(OPEN_CLIP[name])
    model = load_model(saved_open_clip(theirs, OPEN_CLIP[name], tmp_path), "cpu")
    ids = open_clip.tokenize(WORDS, context_length=20)
    assert_equal(encode_text(model, WORDS), theirs.encode_text(ids, normalize=True))


def hf_clip() -> nn.Module:
    text = {"hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3,
            "num_attention_heads": 3, "max_position_embeddings": 20}  # fmt: skip
    vision = {"hidden_size": 64, "intermediate_size": 112, "num_hidden_layers": 1,
              "num_attention_heads": 2, "image_size": 32, "patch_size": 16}  # fmt: skip
    return hf.CLIPModel(hf.CLIPConfig(vision_config=vision, text_config=text, projection_dim=24))


def hf_siglip(kind: str = "Siglip") -> nn.Module:
    text = {"hidden_size": 64, "intermediate_size": 80, "num_hidden_layers": 2, "vocab_size": 320,
            "num_attention_heads": 4, "max_position_embeddings": 9, "bos_token_id": 2,
            "eos_token_id": 1}  # fmt: skip
    vision = {"hidden_size": 64, "intermediate_size": 112, "num_hidden_layers": 1,
              "num_attention_heads": 2, "patch_size": 16}  # fmt: skip
    vision |= {"num_patches": 4} if kind == "Siglip2" else {"image_size": 32}
    config = getattr(hf, f"{kind}Config")(vision_config=vision, text_config=text)
    return getattr(hf, f"{kind}Model")(config)


TRANSFORMERS: dict[str, Callable[[], nn.Module]] = {
    "CLIP": hf_clip, "SigLIP": hf_siglip, "SigLIP 2": lambda: hf_siglip("Siglip2"),
}  # fmt: skip


@pytest.mark.parametrize("form", ["its folder", "its state dict"])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_transformers(name: str, form: str, tmp_path: Path) -> None:
    theirs = randomised(TRANSFORMERS[name]())
    theirs.save_pretrained(tmp_path)
    if form == "its state dict":  # whose names are others since transformers 5
        (tmp_path / "model.safetensors").unlink()
        torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    model = load_model(tmp_path, "cpu")
    ids, read = ids_for(model)
    features = theirs.get_text_features(input_ids=ids)
    true = getattr(features, "pooler_output", features)
    assert_equal(ours(model, ids, read), nn.functional.normalize(true, dim=-1))
    assert matching_of(model).scale == pytest.approx(float(theirs.logit_scale.exp()))


@pytest.mark.parametrize("name", ["CLIP", "SigLIP"])
def test_every_parameter_has_a_say(name: str, tmp_path: Path) -> None:
    """Of what the comparisons above would not notice if it were left out, there is nothing."""
    theirs = made_open_clip(OPEN_CLIP[name])
    model = load_model(saved_open_clip(theirs, OPEN_CLIP[name], tmp_path), "cpu")
    ids, read = ids_for(model)
    before = ours(model, ids, read)
    network = text_tower(model).network
    for parameter in network.parameters():
        kept = parameter.data.clone()
        if parameter.ndim == 1 and len(kept) == 3 * 48:
            # A bias of k alone changes no softmax: those of q and v have a say.
            parameter.data[:48] += 0.3
        else:
            parameter.data = kept + 0.1 * torch.randn(kept.shape)
        assert float((ours(model, ids, read) - before).abs().max()) > 50 * CLOSE
        parameter.data = kept


def test_another_activation_is_told_apart(tmp_path: Path) -> None:
    theirs = made_open_clip(OPEN_CLIP["OpenAI's activation"])
    model = load_model(saved_open_clip(theirs, OPEN_CLIP["OpenAI's activation"], tmp_path), "cpu")
    tower = text_tower(model)
    ids, read = ids_for(model)
    other = type(tower.network)(replace(tower.config, activation="gelu"))
    other.load_state_dict(tower.network.state_dict())
    other.requires_grad_(False)
    wrong = nn.functional.normalize(other(ids, read), dim=-1)
    assert float((wrong - ours(model, ids, read)).abs().max()) > 50 * CLOSE

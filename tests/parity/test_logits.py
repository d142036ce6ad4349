"""The network and the readers against torchvision and timm, with the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from PIL import Image
from torch import Tensor, nn

from tests.models.networks import said_of
from vitviz.errors import CheckpointError
from vitviz.imaging.load import load
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import InputChoice, fit, model_input
from vitviz.models.card import ModelCard
from vitviz.models.checkpoints.reader import Tensors, texts
from vitviz.models.checkpoints.said import NOT_SAID
from vitviz.models.families import reader_of
from vitviz.models.loading import load_model
from vitviz.models.vit.network import VisionTransformer, ViTConfig
from vitviz.models.vit.parameters import parameters


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """Gives every parameter a say: fresh networks have zero biases, and heads of zeros."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in network.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        norm = parameter.ndim == 1 and name.endswith("weight")
        parameter.data = 1 + 0.1 * noise if norm else noise * (0.02 if parameter.ndim > 1 else 0.05)
        if "gamma" in name:
            parameter.data = 0.5 + 0.1 * noise
        if "pos_embed" in name or "token" in name:
            parameter.data = 0.2 * noise
    return network.eval().requires_grad_(False)


def convert(
    tensors: dict[str, Tensor], known: ViTConfig | None = None
) -> tuple[ViTConfig, Tensors]:
    _, reader = reader_of(tensors)
    config, _ = reader.config(tensors, said_of(known) if known else NOT_SAID)
    return config, reader.convert(tensors, config)


def read(network: nn.Module, known: ViTConfig | None = None) -> VisionTransformer:
    """The other network's weights, through our reader, in ours."""
    config, tensors = convert(dict(network.state_dict()), known)
    ours = VisionTransformer(config)
    ours.load_state_dict(tensors)
    return ours.eval().requires_grad_(False)


def images(height: int, width: int, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, height, width, generator=torch.Generator().manual_seed(1))


def assert_same(ours: Tensor, theirs: Tensor, within: float = 1e-5) -> None:
    assert theirs.std() > 0.05, "logits without spread would agree by accident"
    assert float((ours - theirs).abs().max()) < within


def from_timm(name: str, **how: Any) -> nn.Module:
    return randomised(timm.create_model(name, pretrained=False, **how))


@pytest.mark.slow
def test_vit_b_16_of_torchvision() -> None:
    theirs = randomised(torchvision.models.vit_b_16())
    ours = read(theirs)
    assert parameters(ours.config) == 86_567_656
    assert_same(ours(images(224, 224)), theirs(images(224, 224)))


def test_torchvision_with_a_small_network() -> None:
    theirs = randomised(torchvision.models.VisionTransformer(32, 8, 2, 2, 128, 200, num_classes=11))
    assert_same(read(theirs)(images(32, 32)), theirs(images(32, 32)))


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("vit_tiny_patch16_224", {}),
        ("vit_tiny_patch16_224", {"patch_size": 8, "img_size": 64}),
        ("vit_tiny_patch16_224", {"patch_size": 32, "img_size": 96, "num_classes": 5}),
        ("deit_tiny_distilled_patch16_224", {}),
        ("deit3_small_patch16_224", {"img_size": 96}),
        ("vit_tiny_patch16_224", {"global_pool": "avg", "img_size": 96}),
        ("vit_tiny_patch16_224", {"global_pool": "avg", "class_token": False, "img_size": 96}),
        ("vit_tiny_patch16_224", {"reg_tokens": 3, "img_size": 96}),
        ("vit_medium_patch16_reg4_gap_256", {"img_size": 96, "depth": 3}),
        ("vit_small_patch14_reg4_dinov2", {"img_size": 98, "num_classes": 10}),
        ("vit_giant_patch14_reg4_dinov2", {"img_size": 42, "depth": 2, "embed_dim": 384,
                                           "num_heads": 6, "num_classes": 10}),
    ],
)  # fmt: skip
def test_timm(name: str, how: dict[str, Any]) -> None:
    theirs = from_timm(name, **how)
    ours = read(theirs)
    image = images(*ours.config.input_size)
    assert_same(ours(image), theirs(image))


def test_an_encoder_without_a_head_gives_the_same_cls() -> None:
    theirs = from_timm("vit_small_patch14_reg4_dinov2", img_size=70)
    ours = read(theirs)
    assert ours.config.classes == 0
    assert ours.config.prefix == ("cls", "reg1", "reg2", "reg3", "reg4")
    assert_same(ours(images(70, 70)), theirs(images(70, 70)))


@pytest.mark.parametrize("size", [(64, 96), (160, 48), (112, 112)])
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("vit_tiny_patch16_224", {"reg_tokens": 2, "no_embed_class": True, "img_size": 96}),
        ("vit_tiny_patch16_224", {"reg_tokens": 2, "img_size": 96}),
        ("deit_tiny_distilled_patch16_224", {"img_size": 96}),
    ],
)
def test_positions_resized_to_other_grids(
    name: str, how: dict[str, Any], size: tuple[int, int]
) -> None:
    theirs = from_timm(name, dynamic_img_size=True, **how)
    assert_same(read(theirs)(images(*size)), theirs(images(*size)))


def test_a_network_trained_on_a_rectangle() -> None:
    theirs = from_timm("vit_tiny_patch16_224", reg_tokens=2, img_size=(48, 80), num_classes=7)
    known = ViTConfig(
        16, 192, 12, 3, 768, (48, 80), 7, prefix=("cls", "reg1", "reg2"), positioned_prefix=3
    )
    assert_same(read(theirs, known)(images(48, 80)), theirs(images(48, 80)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "heads"),
    [
        ("vit_huge_patch14_gap_224", 16),
        ("vit_giant_patch16_gap_224", 16),
        ("vit_gigantic_patch14_224", 16),
        ("vit_so400m_patch14_siglip_gap_224", 16),
        ("vit_giant_patch14_reg4_dinov2", 24),
        ("vit_betwixt_patch16_reg4_gap_256", 10),
        ("deit3_huge_patch14_224", 16),
        # Its 16 heads of 48 leave no trace in the weights: the note says that 12 are assumed.
        ("vit_base_patch16_gap_224", 12),
    ],
)
def test_heads_as_timm_has_them(name: str, heads: int) -> None:
    with torch.device("meta"):
        theirs = timm.create_model(name, pretrained=False)
    tensors = dict(theirs.state_dict())
    _, reader = reader_of(tensors)
    config, notes = reader.config(tensors, NOT_SAID)
    assert config.heads == heads
    assert heads == theirs.blocks[0].attn.num_heads or name == "vit_base_patch16_gap_224"
    assert {"token": "cls", "avg": "mean"}[theirs.global_pool] == config.pool or not config.classes
    assert any(f"{heads} heads" in note for note in texts(notes))
    assert len(reader.convert(tensors, config)) == len(tensors)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["cait_xxs24_224", "samvit_base_patch16", "vit_small_patch16_18x2_224"],
)
def test_relatives_are_refused_with_a_hint(name: str) -> None:
    with torch.device("meta"):
        tensors = dict(timm.create_model(name, pretrained=False).state_dict())
    with pytest.raises(CheckpointError) as caught:
        convert(tensors)
    assert caught.value.hint


PHOTOS = 20


def photos(shared: Path) -> list[Photo]:
    found = sorted((shared / "data" / "photos" / "masked" / "images").glob("*.jpg"))[:PHOTOS]
    assert len(found) == PHOTOS
    return [load(path) for path in found]


def our_input(photo: Photo, card: ModelCard) -> Tensor:
    """As the program does it: fitted and normalised by vitviz."""
    geometry = fit(photo.size, card.preprocessing, InputChoice())
    return torch.from_numpy(model_input(photo, geometry, card.preprocessing).copy())


def their_input(photo: Photo) -> Tensor:
    """DeiT's preprocessing by torchvision's own transforms, of the same sRGB pixels."""
    chain = torchvision.transforms.Compose([
        torchvision.transforms.Resize(256, torchvision.transforms.InterpolationMode.BICUBIC),
        torchvision.transforms.CenterCrop(224),
        torchvision.transforms.ToTensor(),
        torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ])  # fmt: skip
    out: Tensor = chain(Image.fromarray(photo.pixels))
    return out


@pytest.mark.slow
def test_deit_tiny_on_photos(shared: Path) -> None:
    path = shared / "data" / "checkpoints" / "deit_tiny_patch16_224.pth"
    model = load_model(path, "cpu")
    theirs = timm.create_model("deit_tiny_patch16_224", pretrained=False).eval()
    theirs.load_state_dict(torch.load(path, weights_only=True), strict=True)
    opened = photos(shared)
    with torch.no_grad():
        ours = model.network(torch.stack([our_input(photo, model.card) for photo in opened]))
        expected = theirs(torch.stack([their_input(photo) for photo in opened]))
    assert_same(ours, expected, within=1e-4)


@pytest.mark.slow
def test_the_bundled_model_often_sees_what_its_teacher_sees(shared: Path) -> None:
    """Measured on 100 of these photos, according to its card: first class 0.74, first five 0.99."""
    pupil = load_model("vitviz-small-v1", "cpu")
    teacher = load_model(shared / "data" / "checkpoints" / "deit_tiny_patch16_224.pth", "cpu")
    batch = torch.stack([our_input(photo, pupil.card) for photo in photos(shared)])
    first = teacher.network(batch).argmax(dim=1)
    top = pupil.network(batch).topk(5).indices
    assert float(np.mean((top == first[:, None]).any(dim=1).numpy())) > 0.9

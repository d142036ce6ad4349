"""Live models of other libraries: taken over if vitviz computes the same, and left as they are."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import nn

import vitviz
from vitviz.errors import CheckpointError
from vitviz.imaging.photo import Photo
from vitviz.models.objects.facts import preprocessing_configs
from vitviz.models.objects.loading import ObjectModel, load_object, save_object

SMALL = {"embed_dim": 64, "depth": 2, "num_heads": 4, "num_classes": 5}


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """Every parameter random and of a size that matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(0.1 * noise + (parameter if parameter.ndim == 1 else 0))
    return module


@pytest.fixture
def photo() -> Photo:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    pixels.flags.writeable = False
    return Photo(pixels, None, "0" * 64)


def small(name: str = "vit_tiny_patch16_224", **arguments: Any) -> nn.Module:
    made = timm.create_model(name, **{**SMALL, "img_size": (48, 80), **arguments})
    return randomised(made)


OF_TIMM: dict[str, Callable[[], nn.Module]] = {
    "heads that are not of 64": small,
    "distilled": lambda: small("deit_tiny_distilled_patch16_224"),
    "registers": lambda: small("vit_small_patch14_reg4_dinov2", img_size=(42, 70), num_classes=0),
    "mean of patches": lambda: small(global_pool="avg", class_token=False),
    "another activation": lambda: small(act_layer="gelu_tanh"),
    "rotary": lambda: small("eva02_tiny_patch14_224", img_size=(42, 70)),
}


@pytest.mark.parametrize("kind", OF_TIMM)
def test_timm(kind: str, photo: Photo) -> None:
    module = OF_TIMM[kind]()
    model = load_object(module, photo, device="cpu")
    assert model.difference < 1e-5 < model.scale
    if kind != "rotary":
        assert model.card.outline.layers[0].heads == 4
    assert model.card.preprocessing.input_size in ((48, 80), (42, 70))
    assert "equal to your model" in repr(model)
    assert model.card.notes[-1].startswith("Equal to your model")


def _transformers(name: str, **more: Any) -> nn.Module:
    transformers = pytest.importorskip("transformers")
    small = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
             "intermediate_size": 96, "image_size": 32, "patch_size": 8}  # fmt: skip
    config = getattr(transformers, f"{name}Config")(**{**small, **more})
    kind = f"{name}ForImageClassification" if "num_labels" in more else f"{name}Model"
    return randomised(getattr(transformers, kind)(config))


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("ViT", {"num_labels": 3, "id2label": {0: "cat", 1: "<b>", 2: "dog"}}),
        ("ViT", {}),
        ("Dinov2", {"patch_size": 14, "image_size": 56}),
        ("Dinov2WithRegisters", {"patch_size": 14, "image_size": 56}),
        ("CLIPVision", {"hidden_act": "quick_gelu"}),
        ("SiglipVision", {}),
        ("ViTMAE", {}),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_transformers(name: str, more: dict[str, Any], photo: Photo) -> None:
    module = _transformers(name, **more)
    model = load_object(module, photo, device="cpu")
    assert model.difference < 1e-5
    assert model.card.outline.layers[0].heads == 4
    if "id2label" in more:
        assert model.card.class_names == ("cat", "<b>", "dog")


def test_torchvision_with_its_own_transforms(photo: Photo) -> None:
    module = randomised(torchvision.models.VisionTransformer(48, 16, 2, 4, 64, 128))
    preset = torchvision.transforms._presets.ImageClassification(crop_size=48, resize_size=60)
    model = load_object(module, photo, device="cpu", preprocessing=preset)
    assert model.difference < 1e-5
    wants = model.card.preprocessing
    assert (wants.input_size, wants.edge, wants.interpolation) == ((48, 48), 60, "bilinear")
    assert wants.rule == "shortest edge, then centre crop"


def test_open_clip(photo: Photo) -> None:
    model_of = pytest.importorskip("open_clip").model
    vision = model_of.CLIPVisionCfg(layers=2, width=64, head_width=16, patch_size=8, image_size=32)
    words = model_of.CLIPTextCfg(context_length=8, vocab_size=50, width=32, heads=2, layers=1)
    module = randomised(model_of.CLIP(24, vision, words, quick_gelu=True))
    model = load_object(module, photo, device="cpu")
    assert model.difference < 1e-5
    assert model.card.outline.layers[0].heads == 4


def test_nothing_of_the_module_changes(photo: Photo) -> None:
    module = small(drop_rate=0.5)
    module.blocks[0].requires_grad_(False)  # type: ignore[index, union-attr]
    called: list[str] = []
    module.register_forward_hook(lambda *_: called.append("forward"))
    before = copy.deepcopy(module.state_dict())
    grads = [parameter.requires_grad for parameter in module.parameters()]
    seed = torch.random.get_rng_state()
    model = load_object(module.train(), photo, device="cpu")
    assert module.training
    assert called == []
    assert len(module._forward_hooks) == 1
    assert [parameter.requires_grad for parameter in module.parameters()] == grads
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), seed)
    assert "hooks" in model.card.notes[-1]
    with torch.no_grad():  # its parameters are its own
        module.head.weight.zero_()  # type: ignore[union-attr]
    assert model.network.state_dict()["head.weight"].abs().max() > 0


class Changed(nn.Module):
    """A network with a forward of its own under names that tell of another one."""

    def __init__(self) -> None:
        super().__init__()
        made = small()
        for name, part in made.named_children():
            self.add_module(name, part)
        for name, parameter in made.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        self.made = [made]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 1.001 * self.made[0](x)  # type: ignore[no-any-return]


def test_a_model_that_computes_something_else_is_refused(photo: Photo) -> None:
    with pytest.raises(CheckpointError, match="does not compute what Changed does"):
        load_object(Changed(), photo, device="cpu")


def test_a_model_that_puts_out_the_same_for_all_proves_nothing(photo: Photo) -> None:
    module = small()
    with torch.no_grad():
        module.head.weight.zero_()  # type: ignore[union-attr]
    with pytest.raises(CheckpointError, match="the same for a photo and for none"):
        load_object(module, photo, device="cpu")


def test_small_outputs_are_compared_as_strictly(photo: Photo) -> None:
    module = Changed()
    with torch.no_grad():
        for parameter in module.head.parameters():  # type: ignore[union-attr]
            parameter.mul_(1e-6)
    with pytest.raises(CheckpointError, match="does not compute what Changed does"):
        load_object(module, photo, device="cpu")


def test_other_networks_are_refused_by_name(photo: Photo) -> None:
    class Mine(nn.Sequential):
        """Of no family."""

    with pytest.raises(CheckpointError, match="Mine") as caught:
        load_object(Mine(nn.Conv2d(3, 4, 3), nn.Flatten()), photo, device="cpu")
    assert "safetensors" not in caught.value.message


def test_a_model_without_weights_is_refused(photo: Photo) -> None:
    with torch.device("meta"):
        module = timm.create_model("vit_tiny_patch16_224", **SMALL)
    with pytest.raises(CheckpointError, match="meta device"):
        load_object(module, photo, device="cpu")


def test_what_is_around_a_model_is_taken_off(photo: Photo) -> None:
    module = nn.DataParallel(small())
    assert load_object(module, photo, device="cpu").card.title.startswith("vit_tiny_patch16_224")


def test_half_precision_is_compared_as_what_it_holds(photo: Photo) -> None:
    model = load_object(small().to(torch.bfloat16), photo, device="cpu")
    assert model.difference < 1e-5


def test_an_object_is_a_checkpoint_too(photo: Photo, tmp_path: Any) -> None:
    made, weights = save_object(small(), photo, tmp_path, device="cpu")
    again = vitviz.load_model(weights, device="cpu")
    assert again.card.title == made.card.title
    assert again.card.notes == made.card.notes
    assert again.card.preprocessing == made.card.preprocessing


def test_the_api_takes_objects(tmp_path: Any) -> None:
    model = vitviz.load_model(small(), device="cpu")
    assert isinstance(model, ObjectModel)
    assert model.photo.endswith(".jpg"), "a sample, where no photo is named"


def test_ways_of_preparing_photos() -> None:
    transforms = torchvision.transforms
    steps = transforms.Compose([
        transforms.Resize(70, transforms.InterpolationMode.BICUBIC),
        transforms.CenterCrop((48, 80)), transforms.ToTensor(),
        transforms.Normalize((0.5, 0.4, 0.3), (0.2, 0.2, 0.2)),
    ])  # fmt: skip
    (said,) = preprocessing_configs(steps).values()
    assert said == {
        "size": {"shortest_edge": 70}, "resample": 3, "do_center_crop": True,
        "crop_size": {"height": 48, "width": 80},
        "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.2, 0.2],
    }  # fmt: skip
    with pytest.raises(ValueError, match="RandomErasing"):
        preprocessing_configs(transforms.Compose([transforms.RandomErasing()]))
    with pytest.raises(ValueError, match="SimpleNamespace"):
        preprocessing_configs(SimpleNamespace())

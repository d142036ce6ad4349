"""Convolutional networks and their readers against torchvision and timm, with the same weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import timm
import torch
import torchvision
import transformers
from safetensors.torch import load_file
from torch import Tensor, nn

from vitviz.bundled import resource
from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.families import reader_of
from vitviz.models.loading import load_model
from vitviz.models.network import Network

SIZES = ((96, 96), (93, 127), (101, 64))
"""The strides divide none of the second and the third."""

SMALL = ("timm mobilenetv2_050", "timm mobilenetv3_small_050", "timm efficientnet_lite0",
         "timm resnet10t", "timm resnet18", "timm convnext_atto", "torchvision mobilenet_v2",
         "torchvision resnet18")  # fmt: skip
LARGE = (
    "timm mobilenetv3_large_100", "timm efficientnet_b0", "timm efficientnetv2_rw_t",
    "timm resnet50d", "timm resnet50s", "timm convnext_tiny", "timm convnextv2_atto",
    "timm tf_efficientnet_b1", "timm tf_efficientnetv2_b0", "timm tf_mobilenetv3_large_075",
    "torchvision mobilenet_v3_large", "torchvision mobilenet_v3_small",
    "torchvision efficientnet_b0", "torchvision efficientnet_b5", "torchvision efficientnet_v2_s",
    "torchvision resnet50", "torchvision resnext50_32x4d", "torchvision wide_resnet50_2",
    "torchvision convnext_tiny",
)  # fmt: skip


def with_a_say(network: nn.Module) -> nn.Module:
    """Means, variances, biases and scales that are not the usual ones."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        noise = torch.rand(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(0.75 + noise / 2)
        elif name.endswith("running_mean"):
            tensor.copy_(0.1 * (noise - 0.5))
        elif "grn" in name or name.endswith(("gamma", "layer_scale")):
            tensor.copy_(0.2 + noise)
        elif name.endswith("bias"):
            tensor.copy_(0.2 * (noise - 0.5))
    return network.eval().requires_grad_(False)


def read(tensors: dict[str, Tensor], said: Said = NOT_SAID) -> Network:
    """The other network's weights, through our reader, in ours."""
    family, reader = reader_of(tensors)
    config, _ = reader.config(tensors, said)
    network = family.build(config)
    network.load_state_dict(reader.convert(tensors, config))
    return network.eval().requires_grad_(False)


def largest_difference(ours: nn.Module, theirs: nn.Module, size: tuple[int, int]) -> float:
    """Of the logits, as a share of the largest."""
    x = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(1))
    wanted = theirs(x)
    assert wanted.std() > 1e-4 * wanted.abs().max(), "all alike would agree by accident"
    return float((ours(x) - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize(
    "name", [*SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)]
)
def test_logits_at_sizes_that_no_stride_divides(name: str) -> None:
    source, _, model = name.partition(" ")
    make = {"timm": timm.create_model, "torchvision": torchvision.models.get_model}[source]
    theirs = with_a_say(make(model))
    said = Said("timm", model) if source == "timm" else NOT_SAID
    ours = read(dict(theirs.state_dict()), said)
    learned = sum(parameter.numel() for parameter in theirs.parameters())
    assert ours.outline(SIZES[0]).parameters == learned
    for size in SIZES:
        assert largest_difference(ours, theirs, size) < 1e-5


@pytest.mark.parametrize("size", [(224, 224), (201, 333)])
def test_the_bundled_one_is_timms(size: tuple[int, int]) -> None:
    weights = load_file(resource("models", "efficientnet_lite0.safetensors"))
    theirs = timm.create_model("tf_efficientnet_lite0")
    counters = {n: t for n, t in theirs.state_dict().items() if n.endswith("tracked")}
    theirs.load_state_dict({n: t.float() for n, t in weights.items()} | counters)
    ours = load_model("efficientnet-lite0", "cpu").network
    assert largest_difference(ours, theirs.eval().requires_grad_(False), size) < 1e-4


def test_padding_that_the_weights_do_not_tell_is_noted_and_can_be_said() -> None:
    theirs = with_a_say(timm.create_model("tf_efficientnet_b0"))
    tensors = dict(theirs.state_dict())
    _, reader = reader_of(tensors)
    assumed, notes = reader.config(tensors, NOT_SAID)
    assert "padding" in " ".join(map(str, notes)).lower()
    assert not assumed.same_padding
    told, notes = reader.config(tensors, Said("timm", "tf_efficientnet_b0"))
    assert notes == ()
    assert told == replace(assumed, same_padding=True, norm_eps=1e-3)
    assert largest_difference(read(tensors, Said("timm", "tf_efficientnet_b0")), theirs,
                              (75, 64)) < 1e-5  # fmt: skip


@pytest.mark.parametrize(
    "name", ["mnasnet_100", "semnasnet_100", "spnasnet_100", "lcnet_050", "efficientnet_es",
             "tf_mobilenetv3_large_minimal_100", "mobilenetv3_rw", "mobilenetv1_100",
             "seresnet18", "regnetx_002", "densenet121"],
)  # fmt: skip
def test_relatives_in_the_same_names_are_refused(name: str) -> None:
    """What they compute is not what the names say; nothing is guessed."""
    with torch.device("meta"):
        tensors = dict(timm.create_model(name).state_dict())
    with pytest.raises(CheckpointError) as caught:
        read(tensors)
    assert len(caught.value.message) > 30


@pytest.mark.parametrize("name", ["resnetaa50d", "resnetblur50", "efficientnet_blur_b0"])
def test_what_only_its_name_tells_is_refused_by_it(name: str) -> None:
    with torch.device("meta"):
        tensors = dict(timm.create_model(name).state_dict())
    _, reader = reader_of(tensors)
    with pytest.raises(CheckpointError, match=name):
        reader.config(tensors, Said("timm", name))


def from_transformers(kind: str) -> nn.Module:
    sizes = {"hidden_sizes": [16, 20, 24, 28], "depths": [1, 2, 1, 1], "num_labels": 5}
    if kind.startswith("resnet"):
        config = transformers.ResNetConfig(embedding_size=8, layer_type=kind.split()[1], **sizes)
        return transformers.ResNetForImageClassification(config)
    if kind == "convnext":
        return transformers.ConvNextForImageClassification(transformers.ConvNextConfig(**sizes))
    return transformers.ConvNextV2ForImageClassification(transformers.ConvNextV2Config(**sizes))


@pytest.mark.parametrize("kind", ["resnet bottleneck", "resnet basic", "convnext", "convnextv2"])
def test_transformers_names(kind: str) -> None:
    theirs = with_a_say(from_transformers(kind))
    ours = read(dict(theirs.state_dict()))
    for size in SIZES:
        x = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(1))
        wanted = theirs(x).logits  # whose last norm has an epsilon of 1e-12
        assert wanted.std() > 1e-4 * wanted.abs().max()
        assert float((ours(x) - wanted).abs().max() / wanted.abs().max()) < 1e-4


def test_a_stride_elsewhere_is_refused() -> None:
    theirs = from_transformers("resnet bottleneck")
    with pytest.raises(CheckpointError, match="downsample_in_bottleneck"):
        read(dict(theirs.state_dict()),
             Said("transformers", "resnet", {"downsample_in_bottleneck": True}))  # fmt: skip

"""Grad-CAM and HiResCAM against jacobgil/pytorch-grad-cam on timm's networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file

from vitviz.bundled import resource
from vitviz.imaging.load import load
from vitviz.imaging.preprocess import InputChoice, fit, model_input
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.models.loading import load_model
from vitviz.progress import silent
from vitviz.tracing.run import run

grad_cam = pytest.importorskip("pytorch_grad_cam")  # it comes as a source package only
targets = pytest.importorskip("pytorch_grad_cam.utils.model_targets")

BISON = 347


def theirs(method: type, network: Any, layer: Any, x: torch.Tensor, reshape: Any) -> np.ndarray:
    """Their map before it is scaled."""
    with method(network, [layer], reshape_transform=reshape) as cam:
        cam(x, [targets.ClassifierOutputTarget(BISON)])
        seen = cam.activations_and_grads
        features, slopes = (each[0].detach().numpy() for each in (seen.activations, seen.gradients))
        found: np.ndarray = cam.get_cam_image(x, layer, None, features, slopes, False)[0]
    return found


def as_image(tokens: torch.Tensor) -> torch.Tensor:
    return tokens[:, 1:].transpose(1, 2).unflatten(2, (14, 14))


CASES = {
    "vitviz-small-v1": ("vitviz_small_v1", "deit_tiny_patch16_224",
                        lambda n: {11: n.blocks[11].norm1, 6: n.blocks[6].norm1}, as_image),
    "efficientnet-lite0": ("efficientnet_lite0", "tf_efficientnet_lite0",
                           lambda n: {16: n.bn2, 15: n.blocks[6], 4: n.blocks[2]}, None),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", CASES)
def test_as_pytorch_grad_cam_has_it(model: str) -> None:
    file, name, layers_of, reshape = CASES[model]
    network = timm.create_model(name)
    weights = {
        n: t.float() for n, t in load_file(resource("models", f"{file}.safetensors")).items()
    }
    network.load_state_dict(weights, strict=False)
    network.eval()
    ours_too = load_model(model, "cpu")
    preprocessing, photo = ours_too.card.preprocessing, load(resource("samples", "bison.jpg"))
    geometry = fit(photo.size, preprocessing, InputChoice())
    image = model_input(photo, geometry, preprocessing)
    x = torch.tensor(image[None])
    trace = run(ours_too.network, image, geometry)
    for ours, method in (("grad-cam", grad_cam.GradCAM), ("hires-cam", grad_cam.HiResCAM)):
        found = METHODS[ours].explain(trace, Question(target=BISON), silent)
        for layer, module in layers_of(network).items():
            wanted = theirs(method, network, module, x, reshape)
            wanted = wanted.clip(min=0) if ours == "grad-cam" else wanted
            values = found.map(layer, "mean").values
            assert np.abs(wanted).max() > 0
            np.testing.assert_allclose(values, wanted, atol=1e-4 * np.abs(wanted).max())

"""Class-specific methods against hooks over timm's network, and vit-explain's published renders.

The paper's rule and vit-explain's script are written here over timm's network in float64, its
attention not fused and its gradients taken by autograd: nothing of vitviz is in them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from tests.parity.test_logits import from_timm, images, read
from tests.parity.test_rollout_renders import correlation, enlarged, heat_of, photo
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.load import load
from vitviz.imaging.preprocess import InputChoice, fit, model_input
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.models.loading import load_model
from vitviz.progress import silent
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

DOG, CAT = 243, 282
"""Bull mastiff and tiger cat, as the renders' names have them."""


def seen_by_hooks(network: Any, image: torch.Tensor, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Attention and the gradient of one logit with respect to it, layers heads tokens tokens."""
    seen: list[torch.Tensor] = []

    def keep(module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        output.requires_grad_()
        seen.append(output)
        return output

    hooks = []
    for block in network.blocks:
        block.attn.fused_attn = False
        hooks.append(block.attn.attn_drop.register_forward_hook(keep))
    with torch.enable_grad():
        gradients = torch.autograd.grad(network(image)[0, target], seen)
    for hook in hooks:
        hook.remove()
    return tuple(torch.stack(list(each))[:, 0].detach().numpy() for each in (seen, gradients))  # type: ignore[return-value]


def paper_s_relevance(attention: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Equations 5 and 6 of arXiv 2103.15679: the row of the first token."""
    relevance = np.eye(attention.shape[-1])
    for cam, slope in zip(attention, gradients, strict=True):
        relevance = relevance + np.maximum(slope * cam, 0).mean(axis=0) @ relevance
    return relevance[0]


def their_gradient_rollout(
    attention: np.ndarray, gradients: np.ndarray, discard: float, *, by_columns: bool = True,
    reversed_: bool = True, before_softmax: bool = True,
) -> np.ndarray:  # fmt: skip
    """The formula of vit-explain's ``vit_grad_rollout.py``; the CLS row of the result.

    Args:
        by_columns: Its defect of dividing column j by the sum of row j.
        reversed_: Its defect of pairing the last layer's gradient with the first's attention.
        before_softmax: Its defect of taking the gradient with respect to the products of queries
            and keys: a hook on a dropout that does nothing is told of the softmax before it.
    """
    if before_softmax:
        gradients = attention * (gradients - (gradients * attention).sum(axis=-1, keepdims=True))
    tokens = attention.shape[-1]
    result = np.eye(tokens)
    for layer, slope in zip(attention, gradients[:: -1 if reversed_ else 1], strict=True):
        fused = np.maximum((layer * slope).mean(axis=0), 0)
        smallest = np.argsort(fused, axis=None, kind="stable")[: int(tokens**2 * discard)]
        fused.reshape(-1)[smallest] = 0
        mixed = (fused + np.eye(tokens)) / 2
        sums = mixed.sum(axis=1)
        result = (mixed / sums if by_columns else mixed / sums[:, None]) @ result
    return result[0]


def ours(trace: Trace, method: str, target: int, **params: float) -> np.ndarray:
    question = Question(params=params, target=target)
    return METHODS[method].explain(trace, question, silent).values[-1, 0]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("deit_tiny_distilled_patch16_224", {"img_size": 96, "depth": 3}),
        ("vit_tiny_patch16_224", {"reg_tokens": 3, "img_size": 96, "depth": 3}),
        ("vit_tiny_patch16_224", {"global_pool": "avg", "img_size": 96, "depth": 3}),
    ],
)
def test_relevance_is_the_paper_s_over_timm_s_network(name: str, how: dict[str, Any]) -> None:
    theirs = from_timm(name, dynamic_img_size=True, **how)
    image, geometry = (
        images(64, 112, batch=1),
        Geometry((64, 112), (64, 112), (0, 0), (64, 112), 16),
    )
    trace = run(read(theirs), image[0].numpy(), geometry)
    for target in (3, 700):
        wanted = paper_s_relevance(*seen_by_hooks(theirs.double(), image.double(), target))
        found = ours(trace, "relevance", target)
        others = np.delete(wanted, 0)
        assert others.std() > 1e-4 * others.max()
        np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=2e-5 * others.max())


# --- with DeiT-Tiny --------------------------------------------------------------------------

SQUASHED = Geometry((224, 224), (224, 224), (0, 0), (224, 224), 16)

# Correlation with the published render: with their formula, without its defects, and with ours.
RENDERS = {DOG: (0.9867, 0.9623, 0.9623), CAT: (0.9931, 0.9508, 0.9508)}


@pytest.fixture(scope="module")
def checkpoint(shared: Path) -> Path:
    return shared / "data/checkpoints/deit_tiny_patch16_224.pth"


@pytest.fixture(scope="module")
def theirs(checkpoint: Path) -> Any:
    network = timm.create_model("deit_tiny_patch16_224").eval().requires_grad_(False)
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
    return network.double()


@pytest.fixture(scope="module")
def image(shared: Path) -> np.ndarray:
    """The photo of a dog and a cat as vit-explain prepares it: squashed, mean = std = 0.5."""
    squashed = photo(shared, "both") / np.float32(255)
    return np.ascontiguousarray((squashed.transpose(2, 0, 1) - 0.5) / 0.5)


@pytest.fixture(scope="module")
def trace(checkpoint: Path, image: np.ndarray) -> Trace:
    return run(load_model(checkpoint, "cpu").network, image, SQUASHED)


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("target", [DOG, CAT])
def test_relevance_on_a_photo(target, trace, image, theirs):
    wanted = paper_s_relevance(*seen_by_hooks(theirs, torch.tensor(image[None]).double(), target))
    found = ours(trace, "relevance", target)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5 * wanted[1:].max())


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("target", [DOG, CAT])
def test_gradient_rollout_renders(target, shared, trace, image, theirs):
    path = shared / f"data/peers/vit-explain/both_grad_rollout_{target}_0.900_max.png"
    with Image.open(path) as render:
        published = heat_of(np.asarray(render.convert("RGB")), photo(shared, "both"))
    seen = seen_by_hooks(theirs, torch.tensor(image[None]).double(), target)
    rows = (
        their_gradient_rollout(*seen, 0.9),
        their_gradient_rollout(*seen, 0.9, by_columns=False, reversed_=False, before_softmax=False),
        ours(trace, "gradient-rollout", target, discard=0.9),
    )
    found = tuple(correlation(enlarged(row), published) for row in rows)
    print("{}: theirs {:.4f}, without defects {:.4f}, ours {:.4f}".format(target, *found))
    assert found == pytest.approx(RENDERS[target], abs=5e-4)
    np.testing.assert_allclose(rows[2], rows[1], rtol=2e-3, atol=1e-7)


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.parametrize("method", ["relevance", "gradient-rollout"])
@pytest.mark.parametrize("name", ["vit-explain/both", "transformer-explainability/catdog"])
def test_a_dog_and_a_cat_have_their_own_places(method, name, shared, checkpoint):
    """The dog sits in the upper half of the photo, its face at rows 2 to 4; below lies the cat.

    Attention Grad-CAM is not asked: on this photo it leaves nothing of the dog in the last layer.
    """
    model = load_model(checkpoint, "cpu")
    opened = load(shared / f"data/peers/{name}.png")
    geometry = fit(opened.size, model.card.preprocessing, InputChoice("whole photo"))
    pixels = model_input(opened, geometry, model.card.preprocessing)
    seen = run(model.network, pixels, geometry)
    maps = {
        target: METHODS[method]
        .explain(seen, Question(target=target), silent)
        .map(-1, "mean")
        .values
        for target in (DOG, CAT)
    }
    below = {target: float(v[7:].sum() / v.sum()) for target, v in maps.items()}
    print(f"{method}: in the lower half, dog {below[DOG]:.2f}, cat {below[CAT]:.2f}")
    assert below[CAT] > below[DOG] + 0.15
    rows = {target: int(v.argmax()) // v.shape[1] for target, v in maps.items()}
    assert rows[DOG] in (1, 2, 3)
    assert rows[CAT] >= 8

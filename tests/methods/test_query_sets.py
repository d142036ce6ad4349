"""A query of several tokens is the mean over them, in row blocks, against whole matrices."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from tests.methods import autograd
from tests.methods.autograd import Plain, plain
from tests.models.networks import VARIANTS, random_input, random_network
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.progress import silent
from vitviz.tracing import fused
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

GEOMETRY = Geometry((40, 56), (20, 28), (0, 0), (20, 28), 4)  # 5 x 7 patches

SETS = {
    "all patches": tuple(range(2, 37)),
    "some": (0, 3, 4, 5, 20, 36),
    "neighbours": (11, 12),
}


@pytest.fixture(scope="module")
def case() -> tuple[Trace, Plain]:
    network = random_network(VARIANTS["distilled"])
    image = random_input(20, 28, batch=1)
    seen = plain(copy.deepcopy(network).double(), image.double(), 4)
    return run(network, image[0].numpy(), GEOMETRY), seen


@pytest.fixture(params=["one block", "blocks of 12 rows"], autouse=True)
def _sizes(request, monkeypatch):
    if request.param != "one block":
        monkeypatch.setattr(fused, "FEWEST_ROWS", 12)
        monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})


@pytest.mark.parametrize("query", SETS.values(), ids=SETS)
@pytest.mark.parametrize("name", ["of", "to", "relevance", "gradient-rollout", "rollout"])
def test_the_mean_over_the_tokens(case, query, name):
    trace, seen = case
    tokens = list(query)
    if name in ("of", "to"):
        found = METHODS["attention"].explain(trace, Question(query, name), silent).values
        axis = 2 if name == "of" else 3
        wanted = seen.attention.take(tokens, axis).mean(axis)
    else:
        found = METHODS[name].explain(trace, Question(query, target=4), silent).values[:, 0]
        unweighted = Plain(seen.attention, np.ones_like(seen.gradients))
        matrices = {
            "relevance": lambda: autograd.relevance(seen),
            "gradient-rollout": lambda: autograd.gradient_rollout(seen),
            "rollout": lambda: autograd.gradient_rollout(unweighted),
        }
        wanted = matrices[name]()[:, tokens].mean(1)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("query", SETS.values(), ids=SETS)
def test_grad_cam_of_several_is_rectified_once(case, query):
    trace, seen = case
    found = METHODS["attention-grad-cam"].explain(trace, Question(query, target=4), silent)
    rows, slopes = (m[:, :, list(query)] for m in (seen.attention, seen.gradients))
    weights = slopes[..., 2:].mean(-1, keepdims=True)
    wanted = np.maximum((weights * rows).mean((1, 2)), 0)
    np.testing.assert_allclose(
        found.values[:, 0], wanted, rtol=1e-4, atol=1e-5 * np.abs(seen.gradients).max()
    )

"""Maps of words against the last block written out, and scores against numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.explanations import plain_geometry
from tests.models.networks import RELATIVES, random_network
from vitviz.errors import VitvizError
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.methods.text import PATHS, Words, cosines_of, named_word, scored, words_of
from vitviz.progress import silent
from vitviz.tracing import fused
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

TEXT = METHODS["words"]
GRID = (3, 5)
RNG = np.random.default_rng(8)


def traced(name: str, *, keep: bool = True) -> Trace:
    """A network of images and texts on 3 x 5 patches: CLIP's with three prefix tokens."""
    network = random_network(RELATIVES[name])
    image = RNG.normal(size=(3, 12, 20)).astype(np.float32)
    trace = run(network, image, plain_geometry(GRID))
    return trace if keep else replace(trace, kept=())


def written_out(trace: Trace, path: str) -> np.ndarray:
    """The patches' vectors, with whole matrices and the network's own parts."""
    network, heads = trace.network, trace.network.config.heads
    prefix = len(trace.outline.prefix)
    z = network.embed(torch.tensor(trace.image[None]))
    for block in network.blocks[:-1]:
        z = block(z)
    last = network.blocks[-1]
    if path == "trained":
        y = last(z)
    else:
        _, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2)
                   for part in last.attn.qkv(last.norm1(z)).chunk(3, -1))  # fmt: skip
        if path == "neighbours":
            tokens = z.shape[1]
            omega = torch.zeros(tokens, tokens)
            for i in range(tokens - prefix):
                for j in range(tokens - prefix):
                    (a, b), (c, d) = divmod(i, GRID[1]), divmod(j, GRID[1])
                    near = np.exp(-((a - c) ** 2 + (b - d) ** 2) / (2 * 5.0**2))
                    omega[prefix + i, prefix + j] = near
            v = (k @ k.mT / k.shape[-1] ** 0.5 + omega).softmax(-1) @ v
        y = last.attn.proj(v.transpose(1, 2).flatten(2))
    y = network.norm(y)[0, prefix:]
    if network.attn_pool is not None:  # one token alone is all that the learned query can take in
        pool = network.attn_pool
        value = pool.kv(y).chunk(2, -1)[1]
        pooled = pool.proj(value)[None]
        return (pooled + pool.mlp(pool.norm(pooled)))[0].detach().numpy()
    return network.proj(y).detach().numpy()


@pytest.fixture(params=[True, False], ids=["one block", "row blocks"])
def _blocks(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(fused, "FEWEST_ROWS", 4)
        monkeypatch.setattr(fused, "BLOCK_BYTES", {"cpu": 0})


@pytest.mark.usefixtures("_blocks")
@pytest.mark.parametrize("path", PATHS.values())
@pytest.mark.parametrize("name", ["CLIP", "SigLIP"])
def test_vectors_of_patches(name: str, path: str) -> None:
    trace = traced(name, keep=path != "values")
    found = trace.dense_vectors(path)
    np.testing.assert_allclose(found, written_out(trace, path), rtol=2e-4, atol=2e-5)
    assert not found.flags.writeable


def words(count: int, numbers: int, *, each: bool = False) -> Words:
    vectors = RNG.normal(size=(count, numbers))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Words(vectors.astype(np.float32), 9.0, -2.0 if each else 0.0, each)


def test_the_map_is_of_the_word_that_is_shown() -> None:
    trace, three = traced("CLIP"), words(3, 9)
    y = written_out(trace, "values").astype(np.float64)
    cosines = np.array([[p @ w / np.linalg.norm(p) for w in three.vectors] for p in y])
    expected = {
        "cosine": cosines[:, 1],
        "above the others": cosines[:, 1] - cosines.mean(1),
        "share": np.exp(9 * cosines[:, 1]) / np.exp(9 * cosines).sum(1),
    }
    for scores, values in expected.items():
        params = {"words": "a; b; c", "shown": 2, "scores": scores}
        found = TEXT.explain(trace, Question(params=params, fitted=three), silent)
        assert found.layers == (trace.depth - 1,)
        np.testing.assert_allclose(found.map(-1, "mean").values.ravel(), values, atol=1e-4)
    assert found.quantity.unit == "share among the words"


def test_a_model_that_judges_each_text_by_itself() -> None:
    cosines = RNG.uniform(-1, 1, (15, 2))
    found, quantity = scored(cosines, words(2, 4, each=True), 0, "share")
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-(9 * cosines[:, 0] - 2))))
    assert quantity.unit == "probability"


def test_a_patch_without_length_is_like_no_word() -> None:
    patches = np.array([[0, 0], [3, 4]], np.float32)
    np.testing.assert_allclose(cosines_of(patches, np.array([[0.6, 0.8]], np.float32)), [[0], [1]])


def test_words_are_what_stands_between_semicolons() -> None:
    assert words_of(" a photo of a cat;; dog ;") == ("a photo of a cat", "dog")
    assert named_word((("shown", 2), ("words", "cat; dog"))) == "dog"
    assert named_word((("shown", 3), ("words", "cat; dog"))) == ""
    for text, why in ((" ; ", "no words"), ("a;" * 40, "too many")):
        with pytest.raises(VitvizError, match=why):
            words_of(text)


def test_what_was_not_read_and_what_there_is_not_is_refused() -> None:
    trace = traced("CLIP")
    with pytest.raises(VitvizError, match="needs the model's file"):
        TEXT.explain(trace, Question(), silent)
    params = {"words": "a; b", "shown": 4}
    with pytest.raises(VitvizError, match="no number 4"):
        TEXT.explain(trace, Question(params=params, fitted=words(2, 9)), silent)

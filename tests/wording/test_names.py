"""What layers, heads and tokens are called, in networks of every kind."""

from __future__ import annotations

import pytest

from vitviz.models.outline import LayerOutline, Outline
from vitviz.models.tokens import TokenLayout
from vitviz.wording.names import (
    head_name,
    heads_name,
    layer_name,
    layers_name,
    query_name,
    token_name,
)


def outline(*names: str) -> Outline:
    layers = tuple(LayerOutline(name, (3, 5), 16, 2) for name in names)
    return Outline(layers, ("cls", "reg1"), 7, 1000, frozenset({"attention"}))


@pytest.mark.parametrize("kind", ["block", "convolution"])
def test_layers_of_one_kind_are_numbered(kind: str) -> None:
    plain = outline(f"{kind} 1", f"{kind} 2", f"{kind} 3")
    assert layer_name(2, plain) == layer_name(2) == "layer 3"
    assert layers_name(0, 2, plain) == layers_name(0, 2) == "layers 1 to 3"


def test_layers_with_names_say_them_beside_their_number() -> None:
    staged = outline("stage 1, block 1", "stage 2, block 1", "stage 2, block 2")
    assert layer_name(1, staged) == "layer 2 (stage 2, block 1)"
    assert layers_name(0, 2, staged) == "layers 1 to 3 (stage 1, block 1 to stage 2, block 2)"


@pytest.mark.parametrize(
    ("head", "heads", "words"),
    [(2, 12, "head 3"), ("mean", 12, "mean of 12 heads"), ("max", 1, "1 head"), ("mean", 0, "")],
)
def test_heads(head: int | str, heads: int, words: str) -> None:
    assert heads_name(head, heads) == words  # type: ignore[arg-type]


def test_one_head_or_a_fusion() -> None:
    assert [head_name(head) for head in (0, "mean")] == ["head 1", "mean"]  # type: ignore[arg-type]


def test_tokens_are_named_or_placed() -> None:
    tokens = TokenLayout(("cls", "reg1"), (3, 5))
    assert [token_name(tokens, token) for token in (0, 1, 2, 16)] == [
        "CLS", "REG1", "row 1, column 1", "row 3, column 5",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ((0,), "CLS"),
        ((9,), "row 2, column 3"),
        (tuple(range(2, 17)), "the mean over all patches"),
        ((2, 3, 9), "the mean over 3 patches"),
    ],
)
def test_what_is_asked_about(query: tuple[int, ...], name: str) -> None:
    assert query_name(TokenLayout(("cls", "reg1"), (3, 5)), query) == name

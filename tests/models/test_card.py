"""Model cards: the bundled one, round trips, and files from anywhere."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.models.networks import SMALL, VARIANTS
from vitviz.bundled import resource
from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.card import LARGEST_CARD, ModelCard, from_json, is_card, to_json

CARD = ModelCard(
    "small", "Small", SMALL,
    Preprocessing((12, 20), 4, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "squash", 20, "bilinear"),
    notes=("one", "two"), measured=(("accuracy", "0.5"), ("group: part", "0.1, 0.2")),
    sha256="ab" * 32, bytes=77, keys="timm", dtype="float16", trained_by="us", trained_on="photos",
    weak="nights", licence="CC0-1.0", source="here",
)  # fmt: skip


def bundled_text() -> str:
    return resource("models", "vitviz_small_v1.json").read_text(encoding="utf-8")


def test_the_bundled_card() -> None:
    card = from_json(bundled_text(), "vitviz_small_v1.json")
    assert (card.id, card.config.depth, card.config.heads) == ("vitviz-small-v1", 12, 3)
    assert card.outline.parameters == 5_717_416
    assert card.preprocessing.edge == 256
    measured = dict(card.measured)
    assert measured["pointing game on the largest thing, 98 of the COCO photos: rollout"] == "0.39"
    assert "0.83 / 0.74" in measured.values()
    assert card.weak
    assert card.trained_on


@pytest.mark.parametrize("name", VARIANTS)
def test_round_trip(name: str) -> None:
    card = replace(CARD, config=VARIANTS[name])
    assert from_json(to_json(card)) == card


def test_names_of_its_own_classes() -> None:
    names = tuple(f"class {number}" for number in range(SMALL.classes))
    card = replace(CARD, names=names)
    assert from_json(to_json(card)) == card
    assert card.class_names == names
    assert CARD.class_names == ()
    assert (
        len(replace(CARD, config=replace(SMALL, classes=1000), classes="imagenet-1k").class_names)
        == 1000
    )


def test_too_few_names_are_refused() -> None:
    value = json.loads(to_json(CARD)) | {"class_names": ["one", "two"]}
    with pytest.raises(CheckpointError, match='"class_names" must be 7 texts'):
        from_json(json.dumps(value))


def test_what_is_left_out_is_the_papers() -> None:
    value = json.loads(bundled_text())
    for name in ("layer_norm_eps", "activation", "prefix_tokens", "mlp_width", "measured", "weak"):
        del value[name]
    card = from_json(json.dumps(value))
    assert card.config == from_json(bundled_text()).config


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("patch", "16"), ("patch", 0), ("patch", 10**30), ("patch", True), ("patch", 16.0),
        ("patch", None), ("patch", 15), ("depth", -1), ("depth", 10**9), ("heads", 5),
        ("heads", 0), ("input_size", [224]), ("input_size", [224.5, 224]), ("input_size", 224),
        ("mlp_ratio", float("nan")), ("mlp_ratio", 10**400), ("mlp_ratio", "4"),
        ("mean", [0.5, 0.5]), ("mean", [0.5, 0.5, "0.5"]), ("mean", [0.5, 0.5, float("inf")]),
        ("std", [0.5, 0.5, 0]), ("std", [0.5, 0.5, -1]), ("resize", None), ("resize", {}),
        ("resize", {"rule": "crop", "interpolation": "bicubic"}),
        ("resize", {"rule": "squash", "interpolation": "nicest"}),
        ("resize", {"rule": "squash", "interpolation": "bicubic", "edge": -3}),
        ("resize", {"rule": "squash", "interpolation": "bicubic", "size": 3}),
        ("resize", {"rule": "shortest edge, then centre crop", "interpolation": "bicubic",
                    "edge": 200}),
        ("prefix_tokens", ["reg1", "cls"]), ("prefix_tokens", "cls"), ("prefix_tokens", [1]),
        ("prefix_tokens", ["cls"] * 1000), ("classes", "imagenet-22k"), ("classes", 1000),
        ("family", "swin"), ("activation", "relu"), ("layer_norm_eps", 0), ("id", 3),
        ("id", "x" * 1000), ("title", None), ("parameters", 5), ("bytes", -1), ("weak", ["x"]),
        ("notes", "x"), ("notes", ["x" * 1000]), ("measured", []), ("measured", {"a": [{}]}),
        ("measured", {"a": {"b": {"c": 1}}}), ("gated_mlp", "yes"), ("pool", "max"),
        ("positioned_prefix", 9), ("a_field_of_the_future", 1),
    ],
)  # fmt: skip
def test_a_wrong_field_is_refused_by_name(field: str, value: Any) -> None:
    card = json.loads(bundled_text()) | {field: value}
    with pytest.raises(CheckpointError) as caught:
        from_json(json.dumps(card), "mine.json")
    assert "mine.json" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("patch", "16", '"patch" must be a whole number from 1 to 1,024, not "16"'),
        ("family", "perceiver", '"family" must be '),
        ("activation", "relu", '"activation" must be one of "gelu", "gelu_tanh"'),
        ("input_size", [224.5, 224], "a height and a width in whole pixels"),
        ("heads", 5, "does not describe a network"),
        ("a_field_of_the_future", 1, 'does not know: "a_field_of_the_future"'),
        ("resize", {"rule": "squash", "interpolation": "bicubic", "size": 3}, '"resize.size"'),
        ("title", "a\0", '"title" must be text'),
    ],
)
def test_a_refusal_says_what_the_field_must_be(field: str, value: Any, said: str) -> None:
    card = json.loads(bundled_text()) | {field: value}
    with pytest.raises(CheckpointError, match=re.escape(said)):
        from_json(json.dumps(card), "mine.json")


def test_a_whole_number_may_be_written_with_a_point_where_sizes_stand() -> None:
    card = json.loads(bundled_text()) | {"input_size": [224.0, 224.0]}
    assert from_json(json.dumps(card)) == from_json(bundled_text())


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "a", "input_size": 1, "patch": NaN}',
        '{"id": "a", "id": "b", "input_size": 1, "family": "vit"}',
    ],
)
def test_a_card_with_a_mistake_is_still_meant_to_be_one(text: str) -> None:
    assert is_card(text)
    with pytest.raises(CheckpointError):
        from_json(text)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", "[" * 50_000, '{"patch": ' + "9" * 5000 + "}", "{}"]
)
def test_what_is_no_card_at_all(text: str) -> None:
    assert not is_card(text)
    with pytest.raises(CheckpointError):
        from_json(text, "mine.json")


def test_a_giant_file_is_not_parsed() -> None:
    with pytest.raises(CheckpointError, match="longer than"):
        from_json(" " * LARGEST_CARD + "{}")

"""What vitviz knows about a model besides its weights, and the file that holds it.

A card is a small JSON object. The bundled model has one, and ``NAME.json`` beside a checkpoint
``NAME.pth`` in the same format is honoured: it gives what weights cannot tell (heads,
preprocessing, classes). Cards are read without loading torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard, TypeVar, get_args

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Interpolation, Preprocessing, ResizeRule
from vitviz.models.cost import Cost
from vitviz.models.families import FAMILIES
from vitviz.models.family import Config
from vitviz.models.labels import SETS, class_names
from vitviz.models.outline import Outline
from vitviz.models.vit.config import Activation, Pool, ViTConfig

LARGEST_CARD = 256 * 1024
"""Characters; a card has about two thousand, and the names of its own classes."""

MOST_NAMES = 10_000
"""Of a card's own classes."""

Word = TypeVar("Word", bound=str)


@dataclass(frozen=True)
class ModelCard:
    """The facts shown in the window, and all that is needed to run the model.

    Args:
        id: Short and stable, fit for a command line: "vitviz-small-v1", or the file's stem.
        title: For people: "DeiT-Tiny/16".
        config: The network's shape, as its family describes it; nobody outside ``models`` and
            ``tracing`` looks into it (see ``outline``).
        preprocessing: How it wants its photos.
        classes: "imagenet-1k", or "" where its classes are not those of a known set.
        licence: As the model's authors give it; "" where unknown.
        source: Where it comes from, one line.
        sha256: Of the weights file.
        bytes: Size of the weights file.
        notes: Assumptions the reader had to make (number of heads, preprocessing), one line each;
            the window shows them, since a wrong one gives plausible but wrong maps.
        measured: What was measured of it, name to number(s), as in the card's file.
        keys: Whose names the weights carry: the name of a reader of the family.
        dtype: Of the weights in the file: "float16"; the network always runs in float32.
        trained_by: Who trained it and how, one line.
        trained_on: On what, one line.
        weak: What it is known to be bad at, one line.
        names: Of its own classes, in the order of the head's outputs; empty where ``classes``
            gives them, or where they are not known.
        family: Name of the network's family.
    """

    id: str
    title: str
    config: Config
    preprocessing: Preprocessing
    classes: str = ""
    licence: str = ""
    source: str = ""
    sha256: str = ""
    bytes: int = 0
    notes: tuple[str, ...] = ()
    measured: tuple[tuple[str, str], ...] = ()
    keys: str = ""
    dtype: str = ""
    trained_by: str = ""
    trained_on: str = ""
    weak: str = ""
    names: tuple[str, ...] = ()
    family: str = "vit"

    @property
    def class_names(self) -> tuple[str, ...]:
        """What its classes are called, in the order of the head's outputs; empty if not known."""
        names = self.names or class_names(self.classes)
        return names if len(names) == self.outline.classes else ()

    @property
    def outline(self) -> Outline:
        """The network from outside, at the input it was trained on."""
        return self.outline_at(self.preprocessing.input_size)

    def outline_at(self, input_size: tuple[int, int]) -> Outline:
        """The network from outside, at an input of this height and width."""
        return FAMILIES[self.family].outline(self.config, input_size)

    def cost_at(self, input_size: tuple[int, int]) -> Cost:
        """What tracing a photo costs, at an input of this height and width."""
        return FAMILIES[self.family].cost(self.config, input_size)


class _Fields:
    """A JSON object from anywhere, read field by field; what was not asked for is left over."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise _refusal(where, "it is not an object")
        self._values = dict(value)
        self._where = where

    def wrong(self, name: str, must_be: str) -> CheckpointError:
        return _refusal(self._where, f'"{name}" must be {must_be}')

    def any(self, name: str, default: object = None) -> object:
        return self._values.pop(name, default)

    def text(self, name: str, default: str | None = None, longest: int = 2000) -> str:
        value = self._values.pop(name, default)
        if not isinstance(value, str) or len(value) > longest:
            raise self.wrong(name, f"text of at most {longest} characters")
        return value

    def choice(self, name: str, allowed: tuple[Word, ...], default: Word | None = None) -> Word:
        value = self._values.pop(name, default)
        for word in allowed:
            if word == value:
                return word
        raise self.wrong(name, "one of " + ", ".join(f'"{word}"' for word in allowed))

    def integer(self, name: str, least: int, most: int, default: int | None = None) -> int:
        value = self._values.pop(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(name, f"a whole number from {least} to {most}")
        return value

    def number(self, name: str, least: float, most: float, default: float) -> float:
        value = self._values.pop(name, default)
        if not _is_number(value) or not least <= value <= most:
            raise self.wrong(name, f"a number from {least:g} to {most:g}")
        return float(value)

    def size(self, name: str) -> tuple[int, int]:
        height, width = self.numbers(name, 2, 1, 1 << 14)
        if height % 1 or width % 1:
            raise self.wrong(name, "a height and a width in whole pixels")
        return int(height), int(width)

    def numbers(self, name: str, count: int, least: float, most: float) -> tuple[float, ...]:
        value = self._values.pop(name, None)
        good = isinstance(value, list) and len(value) == count
        if not good or not all(_is_number(v) and least <= v <= most for v in value):
            raise self.wrong(name, f"{count} numbers from {least:g} to {most:g}")
        return tuple(float(v) for v in value)

    def flag(self, name: str) -> bool:
        value = self._values.pop(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def texts(self, name: str, default: tuple[str, ...], most: int = 100) -> tuple[str, ...]:
        value = self._values.pop(name, list(default))
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(name, f"a list of at most {most:,} texts")
        if not all(isinstance(v, str) and len(v) <= 500 for v in value):
            raise self.wrong(name, "a list of texts of at most 500 characters")
        return tuple(value)

    def nothing_left(self) -> None:
        if self._values:
            names = ", ".join(f'"{str(name)[:40]}"' for name in list(self._values)[:3])
            raise _refusal(self._where, f"it has fields that vitviz does not know: {names}")


def _refusal(where: str, why: str) -> CheckpointError:
    return CheckpointError(
        f"The model card {where} cannot be used: {why}.",
        "Correct the card, or move it away to load the checkpoint without it.",
    )


def _is_number(value: object) -> TypeGuard[float]:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def is_card(text: str) -> bool:
    """Whether a JSON file means to be a model card: checkpoints have other JSON beside them too."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and {"id", "patch", "input_size"} <= value.keys()


def from_json(text: str, where: str = "") -> ModelCard:
    """A card from its file's text, which may come from anywhere.

    Args:
        text: JSON, at most ``LARGEST_CARD`` characters.
        where: The file, for messages.

    Raises:
        CheckpointError: Something in it is missing, unknown, of another type or out of range.
    """
    if len(text) > LARGEST_CARD:
        raise _refusal(where, f"it is larger than {LARGEST_CARD} characters")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal(where, f"it is not JSON ({error})") from error
    fields = _Fields(value, where)
    fields.choice("family", ("vit",), "vit")
    classes = fields.choice("classes", ("", *SETS), "")
    config = _config(fields, where, classes)
    claimed = fields.integer("parameters", 0, 1 << 50, config.parameters)
    if claimed != config.parameters:
        raise fields.wrong("parameters", f"{config.parameters:,}, as the other fields give it")
    names = fields.texts("class_names", (), MOST_NAMES)
    if names and len(names) != config.classes:
        raise fields.wrong("class_names", f"{config.classes} texts, as many as there are classes")
    card = ModelCard(
        id=fields.text("id", longest=100),
        title=fields.text("title", longest=200),
        config=config,
        preprocessing=_preprocessing(fields, where, config),
        classes=classes,
        licence=fields.text("licence", ""),
        source=fields.text("source", ""),
        sha256=fields.text("sha256", "", 64).lower(),
        bytes=fields.integer("bytes", 0, 1 << 50, 0),
        notes=fields.texts("notes", ()),
        measured=_measured(fields),
        keys=fields.text("keys", "", 100),
        dtype=fields.text("dtype", "", 20),
        trained_by=fields.text("trained_by", ""),
        trained_on=fields.text("trained_on", ""),
        weak=fields.text("weak", ""),
        names=names,
    )
    fields.nothing_left()
    return card


def _config(fields: _Fields, where: str, classes: str) -> ViTConfig:
    width = fields.integer("width", 1, 1 << 16)
    ratio = fields.number("mlp_ratio", 0.01, 100, 4)
    prefix = fields.texts("prefix_tokens", ("cls",))
    positioned = sum(not name.startswith("reg") for name in prefix)
    activation: Activation = fields.choice("activation", get_args(Activation), "gelu")
    pool: Pool = fields.choice("pool", get_args(Pool), "cls" if "cls" in prefix else "mean")
    try:
        return ViTConfig(
            patch=fields.integer("patch", 1, 1 << 10),
            width=width,
            depth=fields.integer("depth", 1, 1 << 10),
            heads=fields.integer("heads", 1, 1 << 10),
            mlp_width=fields.integer("mlp_width", 1, 1 << 20, max(1, round(width * ratio))),
            input_size=fields.size("input_size"),
            classes=fields.integer("class_count", 0, 1 << 20, SETS.get(classes, 0)),
            prefix=prefix,
            positioned_prefix=fields.integer("positioned_prefix", 0, 100, positioned),
            pool=pool,
            activation=activation,
            gated_mlp=fields.flag("gated_mlp"),
            layer_scale=fields.flag("layer_scale"),
            norm_eps=fields.number("layer_norm_eps", 1e-15, 0.1, 1e-6),
            norm_after_pool=fields.flag("norm_after_pool"),
        )
    except ValueError as error:
        raise _refusal(where, f"it does not describe a network ({error})") from error


def _preprocessing(fields: _Fields, where: str, config: ViTConfig) -> Preprocessing:
    mean = fields.numbers("mean", 3, 0, 1)
    std = fields.numbers("std", 3, 1e-3, 10)
    resize = _Fields(fields.any("resize"), f"{where} (resize)")
    rule: ResizeRule = resize.choice("rule", get_args(ResizeRule))
    interpolation: Interpolation = resize.choice("interpolation", get_args(Interpolation))
    edge = resize.integer("edge", 1, 1 << 14, max(config.input_size))
    if rule == "shortest edge, then centre crop" and edge < min(config.input_size):
        raise resize.wrong("edge", "at least the input's shorter side")
    resize.nothing_left()
    return Preprocessing(
        config.input_size, config.patch,
        (mean[0], mean[1], mean[2]), (std[0], std[1], std[2]), rule, edge, interpolation,
    )  # fmt: skip


def _measured(fields: _Fields) -> tuple[tuple[str, str], ...]:
    """Each measurement as a name and a text; groups are flattened to "group: name"."""
    value = fields.any("measured", {})
    if not isinstance(value, dict):
        raise fields.wrong("measured", "an object")
    rows: list[tuple[str, str]] = []
    for name, what in value.items():
        group = what if isinstance(what, Mapping) else {"": what}
        for part, numbers in group.items():
            values = numbers if isinstance(numbers, list) else [numbers]
            if not all(isinstance(v, str) or _is_number(v) for v in values):
                raise fields.wrong("measured", "numbers or texts by name")
            rows.append((f"{name}: {part}" if part else name, ", ".join(map(str, values))))
    return tuple(rows)


def to_json(card: ModelCard) -> str:
    """The card's file: ``from_json`` gives the same card back."""
    config, preprocessing = card.config, card.preprocessing
    value = {
        "id": card.id,
        "title": card.title,
        "family": "vit",
        "keys": card.keys,
        "input_size": list(config.input_size),
        "patch": config.patch,
        "depth": config.depth,
        "width": config.width,
        "heads": config.heads,
        "mlp_width": config.mlp_width,
        "gated_mlp": config.gated_mlp,
        "layer_scale": config.layer_scale,
        "prefix_tokens": list(config.prefix),
        "positioned_prefix": config.positioned_prefix,
        "pool": config.pool,
        "norm_after_pool": config.norm_after_pool,
        "layer_norm_eps": config.norm_eps,
        "activation": config.activation,
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
        "resize": {
            "rule": preprocessing.rule,
            "edge": preprocessing.edge,
            "interpolation": preprocessing.interpolation,
        },
        "classes": card.classes,
        "class_count": config.classes,
        "class_names": list(card.names),
        "parameters": config.parameters,
        "measured": dict(card.measured),
        "notes": list(card.notes),
    }
    texts = ("licence", "source", "sha256", "bytes", "dtype", "trained_by", "trained_on", "weak")
    value |= {name: getattr(card, name) for name in texts}
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"

"""What vitviz knows about a model besides its weights, and the file that holds it.

A card is a small JSON object. The bundled model has one, and ``NAME.json`` beside a checkpoint
``NAME.pth`` in the same format is honoured: it gives what weights cannot tell (heads,
preprocessing, classes). Cards are read without loading torch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Interpolation, Preprocessing, ResizeRule
from vitviz.models.checkpoints.said import Assumption, Outputs, Said
from vitviz.models.config import Config, TrainingInput
from vitviz.models.cost import Cost
from vitviz.models.families import FAMILIES
from vitviz.models.family import Family
from vitviz.models.labels import SETS, class_names
from vitviz.models.outline import Outline
from vitviz.reading import Within, check_nothing_left, parse, taken, wrong

LARGEST_CARD = 256 * 1024
"""Characters; a card has about two thousand, and the names of its own classes."""

MOST_NAMES = 10_000
"""Of a card's own classes."""


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
        outputs: What the head's numbers are: of classes, one of which it is; of labels, each of
            which may be; or values by themselves. "": classes, or a value where there is one only.
        assumed: Those of the notes that can be corrected, each with the field that it is about.
        parts: What the networks of its file are called, where there are several; the shown one is
            the first.
        corrected: What the user said of it: "heads=12".
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
    outputs: Outputs = ""
    assumed: tuple[Assumption, ...] = field(default=(), compare=False)
    parts: tuple[str, ...] = field(default=(), compare=False)
    corrected: tuple[str, ...] = field(default=(), compare=False)

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


Word = Annotated[str, Within(0, 100)]
Line = Annotated[str, Within(0, 500)]
Paragraph = Annotated[str, Within(0, 2000)]
Share = Annotated[float, Within(0, 1)]
Spread = Annotated[float, Within(1e-3, 10)]

Edge = Annotated[int, Within(1, 1 << 14)]

Measured = float | int | str | tuple[float | int | str, ...]
"""One number, or several, or words."""


@dataclass(frozen=True)
class _Resize:
    """How photos are made to fit, as a card's file has it; see ``Preprocessing``.

    Args:
        input_size: What they are made to fit, where it is not what the network was trained on.
    """

    rule: ResizeRule
    interpolation: Interpolation
    edge: Edge | None = None
    input_size: tuple[Edge, Edge] | None = None


@dataclass(frozen=True)
class _Fields:
    """What every card's file may have; the fields of the network, which its family reads, come on
    top. See ``ModelCard`` and ``Preprocessing``.
    """

    id: Word = ""
    title: Annotated[str, Within(0, 200)] = ""
    mean: tuple[Share, Share, Share] | None = None
    std: tuple[Spread, Spread, Spread] | None = None
    resize: _Resize | None = None
    family: Word = ""
    classes: Word = ""
    class_names: Annotated[tuple[Line, ...], Within(0, MOST_NAMES)] = ()
    parameters: Annotated[int, Within(0, 1 << 50)] | None = None
    measured: dict[str, Measured | dict[str, Measured]] = field(default_factory=dict)
    notes: Annotated[tuple[Line, ...], Within(0, 100)] = ()
    licence: Paragraph = ""
    source: Paragraph = ""
    sha256: Annotated[str, Within(0, 64)] = ""
    bytes: Annotated[int, Within(0, 1 << 50)] = 0
    keys: Word = ""
    dtype: Annotated[str, Within(0, 20)] = ""
    trained_by: Paragraph = ""
    trained_on: Paragraph = ""
    weak: Paragraph = ""
    outputs: Outputs = ""


TEXTS = ("id", "title", "classes", "licence", "source", "sha256", "bytes", "notes", "keys", "dtype",
         "trained_by", "trained_on", "weak", "outputs")  # fmt: skip
"""Fields that a card and its file have alike."""


DISTINCTIVE = frozenset({
    "heads", "patch", "mean", "std", "resize", "class_names", "prefix_tokens", "positioned_prefix",
    "pool", "activation", "layer_norm_eps", "norm_after_pool", "input_size", "class_count",
    "outputs",
})  # fmt: skip
"""Fields, any one of which makes a JSON file beside a checkpoint a card."""


def is_card(text: str) -> bool:
    """Whether a JSON file means to be a model card: checkpoints have other JSON beside them too."""
    # Not ``parse``: a card with a mistake in it must be refused, not passed over.
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and not DISTINCTIVE.isdisjoint(value)


@dataclass(frozen=True)
class CardFile:
    """What a card's file says, all of a model or a single field of it.

    Args:
        where: The file, for messages.
        given: What every model may have.
        network: The fields of the network, which its family reads.
    """

    where: str
    given: _Fields
    network: dict[str, Any]

    def said(self) -> Said:
        """What it says of its checkpoint."""
        given, found = self.given, dict[str, Any]()
        if given.mean:
            found["mean"] = given.mean
        if given.std:
            found["std"] = given.std
        if given.resize:
            found |= {"rule": given.resize.rule, "interpolation": given.resize.interpolation}
            found |= {"edge": given.resize.edge} if given.resize.edge else {}
            size = given.resize.input_size
            found |= {"input_size": size} if size else {}
        return Said(
            "card", network=in_our_words(self.network), preprocessing=found,
            names=given.class_names, classes=given.classes, outputs=given.outputs,
        )  # fmt: skip


CARD_WORDS = {"class_count": "classes", "prefix_tokens": "prefix", "layer_norm_eps": "norm_eps"}
"""Fields of a network that cards call otherwise than its configuration does."""


def in_our_words(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a card's file as a configuration has them."""
    return {
        CARD_WORDS.get(name, name): tuple(value) if isinstance(value, list) else value
        for name, value in fields.items()
    }


def card_file(text: str, where: str = "") -> CardFile:
    """A card's file, which may come from anywhere and say as little as one field.

    Args:
        text: JSON, at most ``LARGEST_CARD`` characters.
        where: The file, for messages.

    Raises:
        CheckpointError: Something of every model is of another type or out of range.
    """
    with refusing(where):
        values = parse(text, LARGEST_CARD)
        if not isinstance(values, dict):
            raise ValueError("it is not an object")
        given = taken(_Fields, values)
        if given.classes not in ("", *SETS):
            raise wrong("classes", f'"" or one of {", ".join(SETS)}', given.classes)
        if given.family not in ("", *FAMILIES):
            raise wrong("family", " or ".join(f'"{name}"' for name in FAMILIES), given.family)
        return CardFile(where, given, values)


@contextmanager
def refusing(where: str) -> Iterator[None]:
    """Says of which card it is that something is wrong."""
    try:
        yield
    except ValueError as error:
        raise CheckpointError(
            f"The model card {where} cannot be used: {error}.",
            "Correct the card, or move it away to load the checkpoint without it.",
        ) from error


def from_json(text: str, where: str = "") -> ModelCard:
    """A card from its file's text, which may come from anywhere and must be complete.

    Args:
        text: JSON, at most ``LARGEST_CARD`` characters.
        where: The file, for messages.

    Raises:
        CheckpointError: Something in it is missing, unknown, of another type or out of range.
    """
    file = card_file(text, where)
    with refusing(where):
        needed = ("id", "title", "mean", "std", "resize")
        missing = [name for name in needed if getattr(file.given, name) in (None, "")]
        if missing:
            raise ValueError(f'"{missing[0]}" is missing')
        family, values = FAMILIES[file.given.family or "vit"], dict(file.network)
        config = family.read(values, SETS.get(file.given.classes, 0))
        check_nothing_left(values)
        return complete(file, family, config, _preprocessing(file.given, family.trained(config)))


def complete(
    file: CardFile, family: Family, config: Config, preprocessing: Preprocessing
) -> ModelCard:
    """The card of a network; refuses what does not go with it.

    Raises:
        ValueError: It is this.
    """
    given = file.given
    outline = family.outline(config, preprocessing.input_size)
    if given.parameters not in (None, outline.parameters):
        raise wrong("parameters", f"{outline.parameters:,}, as the other fields give it",
                    given.parameters)  # fmt: skip
    if given.class_names and len(given.class_names) != outline.classes:
        raise wrong("class_names", f"{outline.classes} texts, as many as there are classes",
                    given.class_names)  # fmt: skip
    edge = given.resize.edge if given.resize else None
    short = min(preprocessing.input_size)
    if preprocessing.rule.endswith("then centre crop") and edge and edge < short:
        raise wrong("resize.edge", "at least the input's shorter side", edge)
    same = {name: getattr(given, name) for name in TEXTS}
    return ModelCard(
        **{**same, "sha256": given.sha256.lower()}, config=config, names=given.class_names,
        preprocessing=preprocessing, measured=_measured(given.measured), family=family.name,
    )  # fmt: skip


def _preprocessing(given: _Fields, trained: TrainingInput) -> Preprocessing:
    assert given.mean
    assert given.std
    assert given.resize
    size = given.resize.input_size or trained.input_size
    return Preprocessing(
        size, trained.patch, given.mean, given.std, given.resize.rule,
        given.resize.edge or max(size), given.resize.interpolation,
    )  # fmt: skip


def _measured(
    groups: dict[str, Measured | dict[str, Measured]],
) -> tuple[tuple[str, str], ...]:
    """Each measurement as a name and a text; groups are flattened to "group: name"."""
    rows: list[tuple[str, str]] = []
    for name, what in groups.items():
        for part, numbers in (what if isinstance(what, dict) else {"": what}).items():
            values = numbers if isinstance(numbers, tuple) else (numbers,)
            rows.append((f"{name}: {part}" if part else name, ", ".join(map(str, values))))
    return tuple(rows)


def to_json(card: ModelCard) -> str:
    """The card's file: ``from_json`` gives the same card back."""
    preprocessing = card.preprocessing
    trained = FAMILIES[card.family].trained(card.config)
    value = {
        "id": card.id,
        "title": card.title,
        "family": card.family,
        **FAMILIES[card.family].fields(card.config),
        "mean": preprocessing.mean,
        "std": preprocessing.std,
        "resize": {
            "rule": preprocessing.rule,
            "edge": preprocessing.edge,
            "interpolation": preprocessing.interpolation,
            **(
                {}
                if preprocessing.input_size == trained.input_size
                else {"input_size": preprocessing.input_size}
            ),
        },
        "class_names": card.names,
        "parameters": card.outline.parameters,
        "measured": dict(card.measured),
    } | {name: getattr(card, name) for name in TEXTS}
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    # A class is called as its folder, whose name need not be text: JSON has an escape for that.
    return text.encode("utf-8", "backslashreplace").decode()

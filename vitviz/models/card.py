"""What vitviz knows about a model besides its weights, and the file that holds it.

A card is a small JSON object. The bundled model has one, and ``NAME.json`` beside a checkpoint
``NAME.pth`` in the same format is honoured: it gives what weights cannot tell (heads,
preprocessing, classes). Cards are read without loading torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Interpolation, Preprocessing, ResizeRule
from vitviz.models.checkpoints.said import Assumption, Outputs
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

Measured = float | int | str | tuple[float | int | str, ...]
"""One number, or several, or words."""


@dataclass(frozen=True)
class _Resize:
    """How photos are made to fit, as a card's file has it; see ``Preprocessing``."""

    rule: ResizeRule
    interpolation: Interpolation
    edge: Annotated[int, Within(1, 1 << 14)] | None = None


@dataclass(frozen=True)
class _Fields:
    """What every card's file may have; the fields of the network, which its family reads, come on
    top. See ``ModelCard`` and ``Preprocessing``.
    """

    id: Word
    title: Annotated[str, Within(0, 200)]
    mean: tuple[Share, Share, Share]
    std: tuple[Spread, Spread, Spread]
    resize: _Resize
    family: Word = "vit"
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


def is_card(text: str) -> bool:
    """Whether a JSON file means to be a model card: checkpoints have other JSON beside them too."""
    # Not ``parse``: a card with a mistake in it must be refused, not passed over.
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(value, dict)
        and {"id", "input_size"} <= value.keys()
        and not {"patch", "family"}.isdisjoint(value)
    )


def from_json(text: str, where: str = "") -> ModelCard:
    """A card from its file's text, which may come from anywhere.

    Args:
        text: JSON, at most ``LARGEST_CARD`` characters.
        where: The file, for messages.

    Raises:
        CheckpointError: Something in it is missing, unknown, of another type or out of range.
    """
    try:
        values = parse(text, LARGEST_CARD)
        if not isinstance(values, dict):
            raise ValueError("it is not an object")
        given = taken(_Fields, values)
        if given.classes not in ("", *SETS):
            raise wrong("classes", f'"" or one of {", ".join(SETS)}', given.classes)
        if given.family not in FAMILIES:
            raise wrong("family", " or ".join(f'"{name}"' for name in FAMILIES), given.family)
        family = FAMILIES[given.family]
        config = family.read(values, SETS.get(given.classes, 0))
        check_nothing_left(values)
        return _card(given, family, config)
    except ValueError as error:
        raise CheckpointError(
            f"The model card {where} cannot be used: {error}.",
            "Correct the card, or move it away to load the checkpoint without it.",
        ) from error


def _card(given: _Fields, family: Family, config: Config) -> ModelCard:
    """The card; refuses what does not go with its network.

    Raises:
        ValueError: It is this.
    """
    trained = family.trained(config)
    outline = family.outline(config, trained.input_size)
    if given.parameters not in (None, outline.parameters):
        raise wrong("parameters", f"{outline.parameters:,}, as the other fields give it",
                    given.parameters)  # fmt: skip
    if given.class_names and len(given.class_names) != outline.classes:
        raise wrong("class_names", f"{outline.classes} texts, as many as there are classes",
                    given.class_names)  # fmt: skip
    same = {name: getattr(given, name) for name in TEXTS}
    return ModelCard(
        **{**same, "sha256": given.sha256.lower()}, config=config, names=given.class_names,
        preprocessing=_preprocessing(given, trained), measured=_measured(given.measured),
        family=family.name,
    )  # fmt: skip


def _preprocessing(given: _Fields, trained: TrainingInput) -> Preprocessing:
    rule, edge = given.resize.rule, given.resize.edge or max(trained.input_size)
    if rule == "shortest edge, then centre crop" and edge < min(trained.input_size):
        raise wrong("resize.edge", "at least the input's shorter side", edge)
    return Preprocessing(
        trained.input_size, trained.patch, given.mean, given.std, rule, edge,
        given.resize.interpolation,
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
        },
        "class_names": card.names,
        "parameters": card.outline.parameters,
        "measured": dict(card.measured),
    } | {name: getattr(card, name) for name in TEXTS}
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    # A class is called as its folder, whose name need not be text: JSON has an escape for that.
    return text.encode("utf-8", "backslashreplace").decode()

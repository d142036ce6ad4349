"""What is said of a checkpoint beside its tensors, by whoever says it.

Shapes do not tell how many heads share a width, which activation follows a layer or how photos are
prepared. A model card, a library's ``config.json``, a training script's options or the user do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

Outputs = Literal["", "classes", "labels", "values"]
"""What a head's numbers are: of classes, one of which it is; of labels, each of which may be; or
values by themselves (a regression). "": classes, or a value where there is only one."""

Kind = TypeVar("Kind")


class Assumption(NamedTuple):
    """What had to be assumed of a field, and can be corrected.

    Args:
        field: "heads", "input_size" (with it the grid), "activation", "norm_eps", "pool",
            "preprocessing", "names" (of the classes), "part" (which network of the file).
        text: One line for the user to read: what is assumed and why.
    """

    field: str
    text: str


Notes = tuple[str | Assumption, ...]
"""What the user should know, one line each: what had to be assumed, and what was left out."""


def texts(notes: Notes) -> tuple[str, ...]:
    """The lines alone."""
    return tuple(note.text if isinstance(note, Assumption) else note for note in notes)


@dataclass(frozen=True)
class Said:
    """What is said of a checkpoint; whatever is not said stays empty.

    A reader takes what is said, else infers from the tensors, else assumes with a note.

    Args:
        kind: Who says it: "card", "timm", "transformers", "open_clip", "training" (a script's
            options), "user".
        architecture: Its name there: timm's ``architecture``, transformers' ``model_type``, a
            script's ``arch``.
        arguments: What the network was made with, in that library's own words and as it stands in
            the file: timm's ``model_args``, the fields of transformers' config.
        network: Fields of the family's configuration in our words: heads, input_size, patch,
            activation, norm_eps, pool, ...
        preprocessing: Fields of ``Preprocessing``: mean, std, rule, edge, interpolation,
            input_size.
        names: Of the classes, in the order of the head's outputs.
        classes: Or the name of a known set of classes: "imagenet-1k".
        outputs: What the head's numbers are.
        part: Which network of the file is meant, where it holds several: "teacher".
        head: Path of a second file that has the head.
    """

    kind: str = ""
    architecture: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    classes: str = ""
    outputs: Outputs = ""
    part: str = ""
    head: str = ""

    def get(self, name: str, kind: type[Kind]) -> Kind | None:
        """A field of the network, in our words; None where it is not said, or of another type.

        Args:
            name: "heads".
            kind: Of the value; a whole number may stand for a real one.
        """
        value: Any = self.network.get(name)
        if kind is float and type(value) is int:
            value = float(value)
        fits = isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)
        return value if fits else None

    def size(self) -> tuple[int, int] | None:
        """Height and width of the input that was trained on, in pixels; None where not said."""
        value = self.network.get("input_size") or self.preprocessing.get("input_size")
        match value:
            case (int() as height, int() as width):
                return height, width
        return None

    def over(self, other: Said) -> Said:
        """Both together; where they contradict each other, this one is right."""
        first = self if self.architecture or self.arguments or not other.kind else other
        return Said(
            first.kind,
            first.architecture,
            first.arguments,
            {**other.network, **self.network},
            {**other.preprocessing, **self.preprocessing},
            self.names or other.names,
            self.classes or ("" if self.names else other.classes),
            self.outputs or other.outputs,
            self.part or other.part,
            self.head or other.head,
        )

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is said at all."""
        return not (
            self.architecture or self.arguments or self.network or self.preprocessing
            or self.names or self.classes or self.outputs or self.part or self.head
        )  # fmt: skip


NOT_SAID = Said()

"""What every explanation method takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from vitviz.maps.heat_map import Explanation, Head
from vitviz.models.outline import NO_CLASSES, Ability, Outline
from vitviz.progress import Progress

if TYPE_CHECKING:  # torch is not loaded for a list of names
    from vitviz.tracing.trace import Trace

Direction = Literal["of", "to"]
"""Attention *of* the query (its row: where it looks) or *to* it (its column: who looks at it)."""

ParameterValue = float | int | str | bool


def whole_name(contrast: int | None) -> str:
    """What a map about a class adds up to, for people."""
    return "the logit" if contrast is None else "the difference of the logits"


LACKS: dict[Ability, str] = {
    "attention": "the model has no attention",
    "classes": f"the model has no classes: {NO_CLASSES}",
    "path": "the model's patches change from layer to layer, so there is no path to follow",
    "sequence": "the model's patches change from layer to layer",
    "values": "the model does not give what its heads mix",
    "states": "the model does not give what its layers put out",
    "gradients": "the model gives no gradients",
    "drop": "the model cannot be run without some of its patches",
    "rerun": "the model cannot be run again on a changed photo",
    "decoder": "the model has no decoder",
    "text": "the model reads no text",
}
"""What is said of a network that does not give something."""


@dataclass(frozen=True)
class Parameter:
    """One setting of a method, as the window and the command line offer it.

    Args:
        name: In code and on the command line: "discard".
        title: For people: "Discard ratio".
        default: Also tells its type.
        help: One sentence.
        bounds: Least and greatest value of a number; None as the greatest: the number of layers.
        choices: All allowed values of a string.
        first_layer: It is the first layer that counts, from 1, which what is said of the layers
            says already.
    """

    name: str
    title: str
    default: ParameterValue
    help: str = ""
    bounds: tuple[float, float | None] | None = None
    choices: tuple[str, ...] = ()
    first_layer: bool = False


class Seen(NamedTuple):
    """A photo that a map refers to, as the network saw it.

    Args:
        trace: What the network did with it.
        query: Indices of the query's tokens in its first layer.
    """

    trace: Trace
    query: tuple[int, ...]


@dataclass(frozen=True)
class Question:
    """What is asked of a trace.

    Args:
        query: Indices of the query's tokens in the first layer, ascending: a map is the mean over
            them. In other layers they are the tokens over the same places of the photo
            (``Trace.tokens_in``).
        direction: Attention of it, or to it.
        head: For methods that fuse the heads before anything else (``Method.heads``);
            others give every head and leave the choice to ``Explanation.map``.
        params: By name; what is missing has its default.
        target: Index of the class that a class-specific method asks about; None, or one that the
            model does not have: the most probable.
        contrast: Index of the class that this one is set against: the map is of the difference of
            their logits. None, or one that the model does not have: none.
        fitted: What ``Method.fit`` learned of other photos, or its words as the model reads them;
            None: it learns of this one.
    """

    query: tuple[int, ...] = (0,)
    direction: Direction = "of"
    head: Head = "mean"
    params: Mapping[str, ParameterValue] = field(default_factory=dict)
    target: int | None = None
    contrast: int | None = None
    fitted: Any = None


Reference = Literal["", "photo", "photos"]
"""To which photos the map of one refers: to none but itself; to one, on which its query lies; or to
several, from which its scale is learned."""

Fit = Callable[[Iterable[Seen], Question, Progress], Any]
"""Learns of the photos that a map refers to; goes through them more than once."""


@dataclass(frozen=True)
class Method:
    """An explanation method as a value: what the window lists and the command line names.

    Args:
        name: In code, session files and on the command line: "rollout".
        title: For people: "Attention rollout".
        source: Who published it.
        explain: The method itself.
        parameters: What can be set.
        heads: What it makes of heads: a map of each, "apart"; heads "fused" before anything else,
            so that a head or fusion is part of the question; their "mean" in the end, as it was
            published; or "none", since it is not about heads.
        directions: Which of "of" and "to" it answers.
        needs: What a network must give for it.
        about_token: It asks about some tokens, the query; else about the whole photo.
        refers: Whether its map can refer to other photos.
        fit: Learns of those; None where it refers to none.
        reads: Its parameter whose words a model's text tower has to read (``Question.fitted``); ""
            of methods without words.
    """

    name: str
    title: str
    source: str
    explain: Callable[[Trace, Question, Progress], Explanation]
    parameters: tuple[Parameter, ...] = ()
    heads: Literal["apart", "fused", "mean", "none"] = "apart"
    directions: tuple[Direction, ...] = ("of",)
    needs: frozenset[Ability] = frozenset({"attention"})
    about_token: bool = True
    refers: Reference = ""
    fit: Fit | None = None
    reads: str = ""

    @property
    def fuses_first(self) -> bool:
        """It fuses heads before anything else, so a head or fusion is part of the question."""
        return self.heads == "fused"

    @property
    def has_heads(self) -> bool:
        """Whether there is a map of each head."""
        return self.heads in ("apart", "fused")

    @property
    def class_specific(self) -> bool:
        """It asks about one class."""
        return "classes" in self.needs

    def fits(self, outline: Outline) -> bool:
        """Whether it can be asked of a network: the only place that decides it."""
        return self.needs <= outline.gives

    def extends(self, outline: Outline) -> bool:
        """Whether it follows a path through patches that merge, which nobody has published."""
        return "path" in self.needs and "sequence" not in outline.gives

    def title_for(self, outline: Outline | None) -> str:
        """Its title, which says of what of it is vitviz's own for a network."""
        own = outline is not None and self.extends(outline)
        return f"{self.title} through merging (vitviz's own)" if own else self.title

    def source_for(self, outline: Outline | None) -> str:
        """Who published it; and what is vitviz's own for a network."""
        own = outline is not None and self.extends(outline)
        return f"{self.source}; through windows and merging: vitviz's own" if own else self.source

    def misfit(self, outline: Outline) -> str:
        """Why it cannot be asked of a network: "the model has no classes"; "" where it can."""
        missing = [LACKS[ability] for ability in LACKS if ability in self.needs - outline.gives]
        return " and ".join(missing)

    def settings(self, params: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
        """Every parameter with its value: the given ones, defaults for the rest.

        Raises:
            KeyError: A name that this method does not have.
        """
        defaults = {p.name: p.default for p in self.parameters}
        if unknown := set(params) - set(defaults):
            raise KeyError(f"{self.name} has no parameter {', '.join(sorted(unknown))}")
        return defaults | dict(params)

"""What the stations say: short, with the model's own numbers; knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vitviz.gui.views.how.subject import Kind, Subject
from vitviz.models.outline import Outline
from vitviz.plurals import count_of
from vitviz.wording.names import prefix_name
from vitviz.wording.numbers import percent

Stop = Literal["story", "cut", "place", "blocks", "read"]
"""A place of the strip: the whole story, or one of its four stations."""

STOPS: tuple[Stop, ...] = ("story", "cut", "place", "blocks", "read")
"""In the order of the story."""


@dataclass(frozen=True)
class Heading:
    """What a station is called.

    Args:
        short: On the strip.
        title: Above the station.
    """

    short: str
    title: str


def heading(stop: Stop, kind: Kind, has_classes: bool = True) -> Heading:
    """What a station of a network is called."""
    convolves = kind == "convolutions"
    return {
        "story": Heading("Photo", "How this model sees"),
        "cut": (
            Heading("Windows", "1  A small window slides over the photo") if convolves
            else Heading("Patches", "1  The photo is cut into patches")
        ),
        "place": (
            Heading("Channels", "2  Each window becomes a row of numbers") if convolves
            else Heading("Tokens", "2  Each patch becomes a row of numbers, and gets its place")
        ),
        "blocks": (
            Heading("Layers", "3  Layer by layer, the windows see further") if convolves
            else Heading("Blocks", "3  In every block, tokens look at each other")
        ),
        "read": (
            Heading("Class", "4  The scores are read from what is left") if has_classes
            else Heading("Output", "4  What is left goes out as numbers")
        ),
    }[stop]  # fmt: skip


def by(size: tuple[int, int]) -> str:
    """ "224 × 224", rows first."""
    return f"{size[0]} × {size[1]}"


def lead(stop: Stop, subject: Subject) -> str:
    """One or two sentences with the model's own shapes."""
    return {"story": _story, "cut": _cut, "place": _place, "blocks": _blocks, "read": _read}[stop](
        subject
    )


def _story(subject: Subject) -> str:
    cell, outline = subject.cell, subject.outline
    title = cell.card.title
    if not subject.has_classes:
        return f"{title} turns this photo into numbers in four steps. Open one, or press Next."
    name = cell.class_name(int(cell.probabilities.argmax()))  # type: ignore[union-attr]
    return (
        f"{title} says “{name}”. It comes to that in four steps, all of which you see here with "
        f"this photo's own numbers: {count_of(outline.depth, 'layer')}, "
        f"{outline.parameters / 1e6:.1f} million learned numbers. Open a step, or press Next."
    )


def _cut(subject: Subject) -> str:
    size, first = by(subject.geometry.input_size), subject.outline.layers[0]
    if subject.kind == "convolutions":
        return (
            f"The photo becomes {size} pixels. A small window slides over them, step by step, and "
            "windows overlap: there are no patches. Point at a place to see its window."
        )
    count = first.grid[0] * first.grid[1]
    numbers = 3 * first.patch**2
    return (
        f"The photo becomes {size} pixels, cut into {by(first.grid)} = {count:,} patches of "
        f"{first.patch} × {first.patch}. To the model a patch is a row of 3 · {first.patch}² = "
        f"{numbers:,} numbers. Point at one."
    )


def _place(subject: Subject) -> str:
    outline = subject.outline
    first = outline.layers[0]
    if subject.kind == "convolutions":
        return (
            "Each window times each filter is one number; all filters together make a row of "
            "numbers for each place. A place knows where it is only by where its window lies."
        )
    tokens = outline.tokens(0).tokens
    joined = [prefix_name(name) for name in outline.prefix]
    join = f" {_list(joined)} {'joins' if len(joined) == 1 else 'join'} them:" if joined else ""
    return (
        f"The row of a patch times {first.width} filters gives {first.width} numbers: a token."
        f"{join} {tokens:,} × {first.width} numbers enter the first block."
    )


def _blocks(subject: Subject) -> str:
    outline, layer = subject.outline, subject.layer
    here = outline.layers[layer]
    if subject.kind == "convolutions":
        field = outline.receptive(layer)
        side = "all of the input" if field is None or field == float("inf") else f"{field:.0f} px"
        return (
            f"In a layer a place looks at its neighbours only, but these have looked at theirs: "
            f"local first. In {here.name}, a place can see {side}; its numbers are "
            f"{by(here.grid)} × {here.width}."
        )
    if here.window is not None:
        return (
            f"In {here.name} each patch asks those of its own window of {by(here.window)}, in "
            f"{count_of(here.heads, 'head')} side by side. Windows shift from block to block and "
            "patches are merged from stage to stage: here there are "
            f"{by(here.grid)} × {here.width}."
        )
    return (
        f"Every token asks every other one, from the first block on: {count_of(here.heads, 'head')}"
        f" of {here.width // max(here.heads, 1)} numbers side by side, in each of "
        f"{count_of(outline.depth, 'block')}. All of {outline.tokens(layer).tokens:,} × "
        f"{here.width} numbers go on to the next."
    )


READ = {
    "cls": "CLS", "mean": "the mean of all patches", "cls+mean": "CLS and the mean",
    "map": "what a learned query collects",
}  # fmt: skip
"""What the classes are read from."""


def _read(subject: Subject) -> str:
    if not subject.has_classes:
        return (
            "This model has no classes. What it makes of the photo is the row of numbers that its "
            "last block leaves, for others to read. Erase patches, and see what changes."
        )
    outline = subject.outline
    width = outline.layers[-1].width
    read = READ.get(outline.pool, "one row of numbers")
    heads = ", silence heads" if outline.heads else ""
    if subject.kind == "convolutions":
        read = "the mean over all places"
    return (
        f"Of all that, {outline.classes:,} classes are read from {read}: {width:,} numbers, times "
        f"each class's own row of numbers, summed. Erase patches{heads}, and see the bars move."
    )


def decided_words(depth: int, outline: Outline, name: str) -> str:
    """ "Decided after block 9: from there on “tabby” leads."."""
    if depth == 0:
        return f"“{name}” leads from the start."
    return f"Decided after {outline.layers[depth - 1].name}: from there on “{name}” leads."


def _list(words: list[str]) -> str:
    if len(words) > 3:
        return f"{words[0]} and {len(words) - 1} registers"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def seen_words(part: float, padded: bool) -> str:
    """How much of the photo the model is given."""
    if part > 0.9995:
        return "The model is given all of the photo." + (" The rest is padding." if padded else "")
    return f"The crop threw away {percent(1 - part)} of the photo."

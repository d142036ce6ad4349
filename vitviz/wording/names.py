"""What layers, heads, tokens and patches are called; people count from 1."""

from __future__ import annotations

from vitviz.maps.heat_map import Head
from vitviz.models.outline import Outline
from vitviz.models.tokens import TokenLayout

ALL_PATCHES = "the mean over all patches"


def layer_name(layer: int, outline: Outline | None = None) -> str:
    """ "layer 8"; "layer 3 (stage 2, block 1)" in a network whose layers have names of their own.

    Args:
        layer: From 0.
        outline: Of its network; without it, the number alone.
    """
    return f"layer {layer + 1}{_in_brackets(outline, layer)}"


def layers_name(first: int, last: int, outline: Outline | None = None) -> str:
    """ "layers 1 to 8": of what was followed through several layers."""
    return f"layers {first + 1} to {last + 1}{_in_brackets(outline, first, last)}"


def head_name(head: Head) -> str:
    """ "head 3", or the name of a fusion: "mean"."""
    return f"head {head + 1}" if isinstance(head, int) else head


def heads_name(head: Head, heads: int) -> str:
    """ "head 3", "mean of 12 heads", "1 head"; "" of a layer that has none.

    Args:
        head: One of them, from 0, or how they are fused.
        heads: How many the layer has.
    """
    if isinstance(head, int):
        return head_name(head)
    if heads == 0:
        return ""
    return f"{head} of {heads} heads" if heads > 1 else "1 head"


def prefix_name(name: str) -> str:
    """Of a token before the patches: "CLS", "REG1"."""
    return name.upper()


def patch_name(row: int, col: int) -> str:
    """ "row 3, column 5"."""
    return f"row {row + 1}, column {col + 1}"


def token_name(tokens: TokenLayout, token: int) -> str:
    """Of any token: "CLS", or "row 3, column 5"."""
    place = tokens.patch(token)
    return prefix_name(tokens.prefix[token]) if place is None else patch_name(*place)


def query_name(tokens: TokenLayout, query: tuple[int, ...]) -> str:
    """Of the tokens that are asked about: as one token's, "the mean over all patches", "the mean
    over 3 patches".
    """
    if len(query) == 1:
        return token_name(tokens, query[0])
    if query == tokens.all_patches:
        return ALL_PATCHES
    return f"the mean over {len(query)} patches"


def capitalised(words: str) -> str:
    """With a capital at the beginning, as a sentence or a title begins."""
    return words[:1].upper() + words[1:]


def _in_brackets(outline: Outline | None, *layers: int) -> str:
    """The names of layers; nothing where they say no more than the number: "block 3"."""
    if outline is None or all(
        layer.name.split()[1:] == [str(number)] for number, layer in enumerate(outline.layers, 1)
    ):
        return ""
    return f" ({' to '.join(outline.layers[layer].name for layer in layers)})"


def missing_letters(letters: str) -> str:
    """What is to be said of letters that no installed font has; "" for none."""
    if not letters:
        return ""
    more = f" and {len(letters) - 20} more" if len(letters) > 20 else ""
    return (
        f"No installed font has {' '.join(letters[:20])}{more}: a box stands for each. Install a "
        "font that has them, such as one of the Noto family."
    )


def few_missing_letters(letters: str) -> str:
    """The same where there is room for a few words; "" for none."""
    if not letters:
        return ""
    return f"No font has {' '.join(letters[:5])}{' …' if len(letters) > 5 else ''}"

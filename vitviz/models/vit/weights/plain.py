"""Readers of the plain Vision Transformer, one table of names each.

Whatever a library calls the parameters, they become those of ``vitviz.models.vit.network``; heads
of every shape are looked at (``heads``), and what stands beside them for training is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Notes, Reader, Tensors
from vitviz.models.checkpoints.renaming import Names, named
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.heads import LEFT_OUT, with_one_head
from vitviz.models.vit.weights.shapes import fit, infer

Usual = Callable[[Tensors, Tensors, Said], tuple[dict[str, Any], Notes]]
"""Of a file's tensors, these under our names, and what is said: what of a network neither tells
is usual, and what to note about it."""


def nothing_usual(tensors: Tensors, found: Tensors, said: Said) -> tuple[dict[str, Any], Notes]:  # noqa: ARG001
    """Nothing beyond what shapes tell."""
    return {}, ()


def as_they_are(tensors: Tensors) -> Tensors:
    """For files whose numbers lie as ours do."""
    return tensors


@dataclass(frozen=True)
class PlainNames:
    """How some library calls a plain ViT's parameters.

    Args:
        name: As in a model card's ``keys``.
        title: For people.
        names: What to make of its keys.
        signs: Patterns, each of which some key matches from its start.
        preprocessing: What models with these names usually want.
        not_needed: Pattern of keys that are known, and no part of what a photo passes through.
        prepare: Lays numbers as ours lie, and takes apart what is one here.
        usual: What of a network neither shapes nor words tell.
    """

    name: str
    title: str
    names: Names
    signs: tuple[str, ...]
    preprocessing: Callable[[ViTConfig], tuple[Preprocessing, Notes]]
    not_needed: str = r"(?!)"
    prepare: Callable[[Tensors], Tensors] = as_they_are
    usual: Usual = nothing_usual

    def recognises(self, tensors: Tensors) -> bool:
        """Whether a checkpoint has these names."""
        return all(any(map(re.compile(sign).match, tensors)) for sign in self.signs)

    def knows(self, key: str) -> bool:
        """Whether a key is one of these names."""
        return bool(OURS.match(self.our_name(key)) or re.match(self.not_needed, key))

    def ours(self, tensors: Tensors) -> tuple[dict[str, Tensor], Notes]:
        """The parameters under our names, and what was left out."""
        found = named(self.prepare(tensors), self.names, self.not_needed)
        first = found.get("patch_embed.proj.weight")
        width = first.shape[0] if first is not None and first.ndim else 0
        found, notes = with_one_head(found, width)
        left = [name for name in found if LEFT_OUT.match(name)]
        if left:
            shown = ", ".join(name[:60] for name in left[:3])
            more = f" and {len(left) - 3} more" if len(left) > 3 else ""
            notes += (f"Left out, as no part of the shown network: {shown}{more}.",)
        return {name: t for name, t in found.items() if name not in left}, notes

    def config(self, tensors: Tensors, said: Said = NOT_SAID) -> tuple[ViTConfig, Notes]:
        """The network, from the shapes and what is said."""
        found, left = self.ours(tensors)
        usual, notes = self.usual(tensors, found, said)
        config, more = infer(found, said, usual)
        return config, (*more, *notes, *left)

    def convert(self, tensors: Tensors, config: ViTConfig) -> Tensors:
        """The parameters under our names, exactly those of the network."""
        return fit(self.ours(tensors)[0], lambda name: name, config, self.file_keys(tensors))

    def file_keys(self, tensors: Tensors) -> dict[str, str]:
        """Our names to the file's."""
        return {self.our_name(key): key for key in tensors}

    def our_name(self, key: str) -> str:
        """Our name for a key of the file."""
        for pattern, ours in self.names:
            key = re.sub(pattern, ours, key)
        return key

    @property
    def reader(self) -> Reader:
        """As families have it."""
        return Reader(
            self.name, self.title, self.recognises, self.config, self.convert, self.preprocessing,
            self.knows,
        )  # fmt: skip


OURS = re.compile(
    r"(patch_embed\.(proj\.(weight|bias)|backbone\.(stem|stages)\..+)|(cls|dist|reg)_token|pos_embed|(fc_)?norm\.(weight|bias)|"
    r"head(_dist)?\..+|blocks\.\d+\.(norm[12]|attn\.(qkv|q|k|v|proj)|mlp\.fc[12])\.(weight|bias)|"
    r"blocks\.\d+\.ls[12]\.gamma)$"
)
"""Parameters of a plain ViT, as we call them."""

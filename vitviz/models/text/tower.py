"""A text tower ready to be asked, read from the file of its image tower when it first is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vitviz.errors import CheckpointError
from vitviz.models.building import built, require_memory
from vitviz.models.text.config import TextConfig
from vitviz.models.text.tokenizer import TextTokenizer, tokenizer_of
from vitviz.models.text.weights import Matching, convert, matching
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Float32

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.models.text.network import TextTransformer

AT_ONCE = 32
"""Texts in a batch."""


@dataclass(frozen=True, eq=False)
class TextTower:
    """A text tower.

    Args:
        network: Its parameters are its own.
        matching: How its vectors and those of images are matched.
        device: Where it is.
        tokenizer_file: Beside the weights; None where there is none.
    """

    network: TextTransformer
    matching: Matching
    device: str
    config: TextConfig
    tokenizer_file: Path | None

    @cached_property
    def tokenizer(self) -> TextTokenizer:
        """Cuts texts into its tokens; raises as ``tokenizer_of`` does."""
        return tokenizer_of(self.config, self.tokenizer_file)

    def encode(
        self, texts: Sequence[str], progress: Progress = silent
    ) -> Float32[np.ndarray, "texts numbers"]:
        """The vectors of texts, of length 1; read-only."""
        import torch

        ids, read = self.tokenizer(texts)
        found = []
        for start in range(0, len(ids), AT_ONCE):
            progress(Stage("reading_texts", start, len(ids)), start / len(ids))
            rows = slice(start, start + AT_ONCE)
            with torch.inference_mode():
                vectors = self.network(
                    torch.from_numpy(ids[rows]).to(self.device),
                    torch.from_numpy(read[rows]).to(self.device),
                )
            found.append((vectors / vectors.norm(dim=-1, keepdim=True)).cpu().numpy())
        result: np.ndarray = np.concatenate(found)
        if not np.isfinite(result).all():
            raise CheckpointError(
                "The text tower puts out values that are not finite numbers.",
                "Its file is damaged, or its training failed.",
            )
        result.flags.writeable = False
        return result


def tower_of(
    config: TextConfig,
    tensors: Mapping[str, Tensor],
    tokenizer_file: Path | None,
    device: str,
    name: str,
) -> TextTower:
    """The text tower of a checkpoint.

    Args:
        config: Of it.
        tensors: Of the whole file.
        tokenizer_file: Beside it; None where there is none.
        device: Where it goes.
        name: Of the file, for messages.

    Raises:
        CheckpointError: Its parameters are not those of this tower, or not finite.
        NotEnoughMemory: They do not fit.
    """
    from vitviz.models.text.network import TextTransformer

    own = convert(tensors, config)
    require_memory(sum(tensor.numel() for tensor in own.values()), name)
    # A text asks for a few rows of the table, which is most of a tower.
    network = built(lambda: TextTransformer(config), own, device, name, kept={"tokens.weight"})
    return TextTower(network, matching(tensors, config), device, config, tokenizer_file)

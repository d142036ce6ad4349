"""Texts to tokens, as the model's authors cut them.

CLIP's byte-pair encoding comes with vitviz (``byte_pairs``), since hardly a file of CLIP has it
beside it; SigLIP's and SigLIP 2's lie beside their weights as ``tokenizer.json``, which the package
``tokenizers`` reads.

Sources: openai/CLIP ``clip.py`` (``tokenize``); google-research/big_vision ``pp/ops_text.py`` and
``evaluators/proj/image_text/prompt_engineering.py`` (``canonicalize_text``), with which OpenCLIP
cuts for SigLIP and for SigLIP 2.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vitviz.errors import CheckpointError, VitvizError
from vitviz.models.text.byte_pairs import tokens_of, vocabulary
from vitviz.models.text.config import TextConfig
from vitviz.shapes import Int

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LARGEST_FILE = 64 << 20
"""Bytes of a ``tokenizer.json``; SigLIP 2's has 34 million."""

LONGEST_TEXT = 2_000
"""Characters: far more than any tower reads."""

CLIP_START, CLIP_END = 49_406, 49_407
"""CLIP's marks of a text's start and end: its last two tokens."""


@dataclass(frozen=True, eq=False)
class TextTokenizer:
    """Cuts texts for one tower.

    Args:
        cut: A text into tokens, without marks of its start and end.
        before: Tokens before each text.
        end: The token after it.
        pad: What fills the places that are left; None: nothing (all see only what is before them).
        canonical: Whether texts are in lower case and without punctuation.
        config: Of the tower.
    """

    cut: Callable[[str], list[int]]
    before: tuple[int, ...]
    end: int
    pad: int | None
    canonical: bool
    config: TextConfig

    def __call__(
        self, texts: Sequence[str]
    ) -> tuple[Int[np.ndarray, "texts tokens"], Int[np.ndarray, " texts"]]:
        """Tokens of texts, and where each is read (``TextTransformer.forward``).

        Raises:
            VitvizError: A text is empty, or longer than the tower reads.
        """
        rows = [self._row(text) for text in texts]
        length = max(map(len, rows)) if self.pad is None else self.config.context
        fill = self.end if self.pad is None else self.pad
        ids = np.full((len(rows), length), fill, dtype=np.int64)
        for row, tokens in zip(ids, rows, strict=True):
            row[: len(tokens)] = tokens
        read = [len(row) - 1 if self.pad is None else length - 1 for row in rows]
        return ids, np.array(read, dtype=np.int64)

    def _row(self, text: str) -> list[int]:
        words = canonical(text) if self.canonical else text.strip()
        if not words:
            raise VitvizError(f'There are no words in "{text[:40]}".', "Type what to look for.")
        tokens = self.cut(words[:LONGEST_TEXT])
        row = [*self.before, *tokens, self.end]
        if len(row) > self.config.context or len(words) > LONGEST_TEXT:
            raise VitvizError(
                f'"{text[:40]}…" is longer than the model reads: {len(row):,} tokens of '
                f"{self.config.context}.",
                "Say it in fewer words.",
            )
        if max(row) >= self.config.vocabulary:
            raise CheckpointError(
                "The tokenizer.json beside the weights is of another model: it has tokens that "
                "the model does not know.",
                "Put the model's own there.",
            )
        return row


def canonical(text: str) -> str:
    """A text in lower case, without punctuation, words one space apart."""
    plain = text.replace("_", " ").translate(str.maketrans("", "", string.punctuation))
    return " ".join(plain.lower().split())


def tokenizer_of(config: TextConfig, file: Path | None) -> TextTokenizer:
    """The tokenizer of a tower.

    Args:
        config: Of the tower.
        file: The ``tokenizer.json`` that lies beside it; None where there is none.

    Raises:
        CheckpointError: There is none, or it cannot be used.
        VitvizError: The package tokenizers is missing.
    """
    if file is None and not config.causal:
        raise CheckpointError(
            "How this model cuts texts into tokens is told by a tokenizer.json, which is not "
            "beside its weights.",
            "Put the one that its authors publish there (vitviz download fetches both).",
        )
    if config.causal and (file is None or _is_clips(file)):
        return TextTokenizer(tokens_of, (CLIP_START,), CLIP_END, None, False, config)
    assert file is not None
    read = _read(file)
    cut = partial(_cut, read)
    if config.causal:
        start, end = _id(read, "<|startoftext|>"), _id(read, "<|endoftext|>")
        return TextTokenizer(cut, (start,), end, None, False, config)
    # SigLIP fills with its end mark, SigLIP 2, which has Gemma's tokens, with one of its own.
    gemma = read.token_to_id("<eos>") is not None
    end = _id(read, "<eos>" if gemma else "</s>")
    return TextTokenizer(cut, (), end, _id(read, "<pad>") if gemma else end, True, config)


def _is_clips(file: Path) -> bool:
    """Whether a ``tokenizer.json`` has CLIP's own merges, which need no package."""
    ranks, _ = vocabulary()
    try:
        values = json.loads(_text(file))
        merges = values["model"]["merges"]
        pairs = (tuple(one.split(" ") if isinstance(one, str) else one) for one in merges)
        return len(merges) == len(ranks) and all(
            ranks.get(pair) == rank for rank, pair in enumerate(pairs)
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return False


def _cut(read: Tokenizer, text: str) -> list[int]:
    return list(read.encode(text, add_special_tokens=False).ids)


def _id(cut: Tokenizer, token: str) -> int:
    found = cut.token_to_id(token)
    if found is None:
        raise CheckpointError(
            f'The tokenizer.json beside the weights is of another model: it has no "{token}".',
            "Put the model's own there.",
        )
    return int(found)


def _read(file: Path) -> Tokenizer:
    kind = _package().Tokenizer
    try:
        read: Tokenizer = kind.from_str(_text(file))
    except BaseException as error:  # what panics in Rust is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        raise CheckpointError(
            f"{file.name} beside the weights cannot be read: {str(error)[:200]}.",
            "Fetch it again, or move it away.",
        ) from error
    return read


def _text(file: Path) -> str:
    with file.open("rb") as stream:
        text = stream.read(LARGEST_FILE + 1)
    if len(text) > LARGEST_FILE:
        raise ValueError("it is far too large")
    return text.decode("utf-8")


def _package() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise VitvizError(
            "How this model cuts texts into tokens is told by the tokenizer.json beside it, which "
            "the package tokenizers reads. It is not installed.",
            "Install it: pip install tokenizers. CLIP's own models do not need it.",
        ) from error
    return tokenizers

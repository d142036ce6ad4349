"""CLIP's byte-pair encoding, written out: texts to tokens, without a package.

Sources: Radford et al., arXiv 2103.00020, section 2.4 (49,152 tokens, lower case); Sennrich et al.,
"Neural Machine Translation of Rare Words with Subword Units", arXiv 1508.07909, algorithm 1;
openai/CLIP ``simple_tokenizer.py``. The merges are OpenAI's (``resources/vocabularies``).

Difference from the source: texts are normalised by Unicode's form C, as transformers does it, where
OpenAI's code mends broken encodings (ftfy) and HTML.
"""

from __future__ import annotations

import gzip
import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise

from vitviz.bundled import resource

END_OF_WORD = "</w>"

CONTRACTIONS = re.compile(r"'(?:s|t|re|ve|m|ll|d)")


def tokens_of(text: str) -> list[int]:
    """The tokens of a text, without marks of its start and end."""
    normal = unicodedata.normalize("NFC", text).lower()
    return [token for word in words_of(normal) for token in _tokens_of_word(word)]


def words_of(text: str) -> Iterator[str]:
    """Runs of letters, single digits, runs of what is neither; the ends of "it's", "they'll".

    Source: the pattern of ``simple_tokenizer.py``.
    """
    at = 0
    while at < len(text):
        contraction = CONTRACTIONS.match(text, at)
        kind, end = _kind(text[at]), at + 1
        if contraction:
            end = contraction.end()
        elif kind != "digit":
            while end < len(text) and _kind(text[end]) == kind:
                end += 1
        if kind != "space":
            yield text[at:end]
        at = end


def _kind(letter: str) -> str:
    if letter.isspace():
        return "space"
    return {"L": "letter", "N": "digit"}.get(unicodedata.category(letter)[0], "other")


@lru_cache(maxsize=4096)
def _tokens_of_word(word: str) -> tuple[int, ...]:
    """Merges the two neighbours that come first in the table, again and again."""
    ranks, places = vocabulary()
    letters = _letters()
    parts = [letters[byte] for byte in word.encode("utf-8")]
    parts[-1] += END_OF_WORD
    while len(parts) > 1:
        first, second = min(pairwise(parts), key=lambda pair: ranks.get(pair, len(ranks)))
        if (first, second) not in ranks:
            break
        merged, at = [], 0
        while at < len(parts):
            both = parts[at : at + 2] == [first, second]
            merged.append(first + second if both else parts[at])
            at += 2 if both else 1
        parts = merged
    return tuple(places[part] for part in parts)


@cache
def vocabulary() -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """Rank of each merge, and number of each token."""
    packed = resource("vocabularies", "clip_merges.txt.gz").read_bytes()
    lines = gzip.decompress(packed).decode("utf-8").splitlines()
    merges = [(first, second) for first, _, second in (line.partition(" ") for line in lines)]
    letters = sorted(_letters().values(), key=lambda letter: (ord(letter) > 255, letter))
    tokens = [*letters, *(letter + END_OF_WORD for letter in letters), *map("".join, merges)]
    return {pair: rank for rank, pair in enumerate(merges)}, {t: i for i, t in enumerate(tokens)}


@cache
def _letters() -> dict[int, str]:
    """A letter that can be seen for each byte: itself where it can, else one from 256 on."""
    seen = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1),
            *range(ord("®"), ord("ÿ") + 1)}  # fmt: skip
    unseen = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte if byte in seen else 256 + unseen.index(byte)) for byte in range(256)}

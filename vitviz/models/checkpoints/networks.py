"""Which of a file's tensors are a network: wrappers and prefixes off, at any depth.

Training scripts put a network's parameters into dictionaries of dictionaries, beside optimisers and
losses, and wrappers of modules put words before every name. Here all of it is one list of dotted
names, "state_dict.module.base_encoder.blocks.0.norm1.weight". What follows a prefix and is
recognised by a reader is a network, whatever the prefix; nothing inside a network is one more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

Recognises = Callable[[Mapping[str, Tensor]], bool]
"""Whether some reader knows these names; shapes are looked at, numbers are not."""

NOT_A_NETWORK = re.compile(
    r"(optim\w*|opt|\w*_?optimizers?\w*|optimizer_states|\w*schedulers?\w*|scaler|\w*grad_scaler|"
    r"amp|rng\w*|\w*rng_state\w*|callbacks|loops|buffer|queue)$",
    re.IGNORECASE,
)
"""Dictionaries that have tensors of other kinds: the state of a training."""

RANKS = (
    re.compile(r"(^|[._])(ema|averaged|swa)([._]|$)", re.IGNORECASE),
    re.compile(r"(^|[._])teacher([._]|$)", re.IGNORECASE),
    re.compile(r"(^|[._])target([._]|$)", re.IGNORECASE),
)
"""Which of several networks is the better one, from the first on.

Source: averages are what timm and DeiT evaluate; the teacher DINO, DINOv2 and iBOT; the target
encoder MSN and I-JEPA.
"""

LAST = re.compile(
    r"(^|[._])(student|momentum|momentum_encoder|key|ema_decay)([._]|$)", re.IGNORECASE
)
"""Those that come last: MoCo evaluates its base encoder, not the average that trains it."""

NOISE = {"module", "_orig_mod", "_fsdp_wrapped_module", "backbone", "model", "net", "encoder"}
"""Words of a prefix that tell no network from another, where others do."""

FEWEST = 4
"""Tensors of a network."""

DEEPEST = 12
"""Words of a prefix."""

MOST_NUMBERED = 8
"""Parts called by numbers, beyond which they are layers and none is a network of its own."""


class Part(NamedTuple):
    """A network among a file's tensors.

    Args:
        label: What tells it from the file's other networks: "teacher"; "" where it is the only one.
        prefix: Before each of its names in the file: "teacher.backbone.".
        keys: Names without the prefix to names in the file.
    """

    label: str
    prefix: str
    keys: dict[str, str]


def networks(tensors: Mapping[str, Tensor], recognises: Recognises) -> tuple[Part, ...]:
    """The networks among named tensors, the best first; empty where no reader knows one.

    Args:
        tensors: By dotted name; on the meta device, since only names and shapes matter.
        recognises: Of all readers.
    """
    found: list[Part] = []
    _search(list(tensors), "", tensors, recognises, found)
    found.sort(key=lambda part: (_rank(part.prefix), -len(part.keys)))
    return tuple(
        part._replace(label=label) for part, label in zip(found, _labels(found), strict=True)
    )


def _search(
    keys: list[str], prefix: str, tensors: Mapping[str, Tensor], recognises: Recognises,
    found: list[Part],
) -> None:  # fmt: skip
    names = {key[len(prefix) :]: key for key in keys}
    if recognises({name: tensors[key] for name, key in names.items()}):
        found.append(Part("", prefix, names))
        return
    if prefix.count(".") >= DEEPEST:
        return
    groups: dict[str, list[str]] = {}
    for name, key in names.items():
        word, dot, _ = name.partition(".")
        if dot:
            groups.setdefault(word, []).append(key)
    numbered = sum(word.isdecimal() for word in groups)
    for word, inside in groups.items():
        if len(inside) >= FEWEST and not (word.isdecimal() and numbered > MOST_NUMBERED):
            _search(inside, f"{prefix}{word}.", tensors, recognises, found)


def _rank(prefix: str) -> int:
    for rank, pattern in enumerate(RANKS):
        if pattern.search(prefix):
            return rank
    return len(RANKS) + (1 if LAST.search(prefix) else 0)


def _labels(parts: list[Part]) -> list[str]:
    """What tells each from the others, as short as it can be."""
    if len(parts) < 2:
        return ["" for _ in parts]
    words = [part.prefix.rstrip(".").split(".") for part in parts]
    for start in range(max(map(len, words))):
        heads = [path[start] if start < len(path) else "" for path in words]
        if len(set(heads)) == len(parts) and all(heads):
            return heads
    plain = [".".join(word for word in path if word not in NOISE) for path in words]
    if len(set(plain)) == len(parts) and all(plain):
        return plain
    return [".".join(path) or "the whole file" for path in words]


def without_common_prefix(keys: list[str]) -> dict[str, str]:
    """Names without what all of them begin with, to the names themselves."""
    prefix = ""
    while True:
        words = {key[len(prefix) :].partition(".")[0] for key in keys}
        dotted = all("." in key[len(prefix) :] for key in keys)
        if len(words) != 1 or not dotted or prefix.count(".") >= DEEPEST:
            return {key[len(prefix) :]: key for key in keys}
        prefix += f"{words.pop()}."

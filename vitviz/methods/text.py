"""Words: where on the photo a model that was trained with texts finds them.

    y_i       the vector of patch i in the space of images (``tracing.dense``)
    t_c       the vector of word c, as the model's text tower makes it
    cosine    cos(y_i, t_c)
    above     cos(y_i, t_c) - mean over all words of cos(y_i, t)
    share     softmax over words of scale * cosine; of models that judge each text by itself
              (SigLIP) sigmoid(scale * cosine + bias)

The cosine alone has a great part that all words share: "above" takes it away, so that where several
words are given the map says what speaks for this one. What the last block puts out for patches was
never read by anybody while the model was trained, and often says nearly the opposite of where a
thing is: so patches go by the value path, unless that is chosen otherwise.

Sources: Zhou, Loy and Dai (MaskCLIP), ECCV 2022, arXiv 2112.01071; Hajimiri, Ben Ayed and Dolz
(NACLIP), WACV 2025, arXiv 2404.08181.

Difference from the sources: words are taken as they are typed, without the 80 templates of
ImageNet's names that both average over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vitviz.errors import VitvizError
from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Parameter, ParameterValue, Question
from vitviz.progress import Progress
from vitviz.shapes import Float32, Float64

if TYPE_CHECKING:
    from vitviz.tracing.dense import DensePath
    from vitviz.tracing.trace import Trace

MOST_WORDS = 32

PATHS: dict[str, DensePath] = {
    "value path (MaskCLIP)": "values",
    "neighbours (NACLIP)": "neighbours",
    "as trained": "trained",
}


class Words(NamedTuple):
    """Words as a model reads them.

    Args:
        vectors: Of length 1.
        scale: Of the cosine, learned.
        bias: Added to it; 0 where words are set against each other.
        each: Each word is judged by itself.
    """

    vectors: Float32[np.ndarray, "words numbers"]
    scale: float
    bias: float
    each: bool


def words_of(value: ParameterValue) -> tuple[str, ...]:
    """The words of a text: "a cat; the ground".

    Raises:
        VitvizError: There are none, or too many.
    """
    found = tuple(word.strip() for word in str(value).split(";") if word.strip())
    if not found:
        raise VitvizError("There are no words to look for.", "Type some: “a cat; the ground”.")
    if len(found) > MOST_WORDS:
        raise VitvizError(f"{len(found)} words are too many.", f"Give at most {MOST_WORDS}.")
    return found


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The map of one word, in the last layer.

    Raises:
        VitvizError: Nobody read the words, or there are fewer than the one that is to be shown.
        Cancelled: ``progress`` said so.
    """
    settings = TEXT.settings(question.params)
    named, words = words_of(settings["words"]), question.fitted
    if not isinstance(words, Words):
        raise VitvizError(
            "The words were not read: that needs the model's file, which a trace does not know.",
            "Ask through the engine, the window or the command line.",
        )
    shown = int(settings["shown"]) - 1
    if shown >= len(named):
        raise VitvizError(
            f"There are {len(named)} words, and no number {shown + 1}.",
            "Give more words, separated by semicolons, or show another one.",
        )
    vectors = trace.dense_vectors(PATHS[str(settings["path"])], progress)
    cosines = cosines_of(vectors, words.vectors)
    values, quantity = scored(cosines, words, shown, str(settings["scores"]))
    layer = trace.depth - 1
    prefix = np.zeros(len(trace.outline.prefix), np.float32)
    maps = trace.maps(layer, np.concatenate([prefix, values.astype(np.float32)])[None])
    return Explanation({layer: maps}, "mean", quantity)


def cosines_of(
    patches: Float32[np.ndarray, "patches numbers"], words: Float32[np.ndarray, "words numbers"]
) -> Float64[np.ndarray, "patches words"]:
    """Of each patch with each word, whose vectors have length 1."""
    wide = patches.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    found: Float64[np.ndarray, "patches words"]
    found = wide @ words.astype(np.float64).T / np.where(lengths > 0, lengths, 1.0)
    return found


def scored(
    cosines: Float64[np.ndarray, "patches words"], words: Words, shown: int, scores: str
) -> tuple[Float64[np.ndarray, " patches"], Quantity]:
    """One word's number of each patch, and what that is."""
    if scores == "cosine":
        return cosines[:, shown], Quantity("cosine similarity")
    if scores == "above the others":
        above = cosines[:, shown] - cosines.mean(1)
        return above, Quantity("cosine above the mean of all words", "signed")
    logits = words.scale * cosines + words.bias
    if words.each:
        return 1 / (1 + np.exp(-logits[:, shown])), Quantity("probability")
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares[:, shown] / shares.sum(1), Quantity("share among the words")


def named_word(params: Sequence[tuple[str, ParameterValue]]) -> str:
    """The word that a map is of; "" where there is none."""
    settings = TEXT.settings(dict(params))
    found = [word.strip() for word in str(settings["words"]).split(";") if word.strip()]
    shown = int(settings["shown"]) - 1
    return found[shown] if shown < len(found) else ""


TEXT = Method(
    name="words",
    title="Words",
    source="Zhou et al. 2022, arXiv 2112.01071; Hajimiri et al. 2025, arXiv 2404.08181",
    explain=explain,
    parameters=(
        Parameter(
            "words", "Words", "an animal; plants; the ground",
            "What is looked for, such as “a photo of a cat”; several are separated by semicolons, "
            "and set against each other",
        ),
        Parameter("shown", "Shown", 1, "Which of them the map is of", bounds=(1, MOST_WORDS)),
        Parameter(
            "scores", "Scores", "above the others",
            "The cosine of patch and word; what it is above the mean of all words; or how the "
            "model would choose between them",
            choices=("above the others", "cosine", "share"),
        ),
        Parameter(
            "path", "Last block", "value path (MaskCLIP)",
            "How patches go through the last block. As trained, they take in what belongs to "
            "others, and the map often says the opposite of where a thing is",
            choices=tuple(PATHS),
        ),
    ),
    heads="none",
    needs=frozenset({"text", "states", "sequence"}),
    about_token=False,
    reads="words",
)  # fmt: skip

"""The steps of a network on one photo, as its own numbers: the paper's, one after another.

What a window shows of how a network comes to its answer is made here and nowhere else, so that one
test can hold it against the network itself. Equation numbers are those of Dosovitskiy et al., "An
Image is Worth 16x16 Words", ICLR 2021, arXiv 2010.11929.

Nothing here is tokens x tokens: one token is asked about at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vitviz.models.branches import Convolved, watching
from vitviz.models.network import Bias, softmax_attention
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Float, Float32, Int
from vitviz.tracing.lens import depth_states
from vitviz.tracing.trace import Trace


@dataclass(frozen=True, eq=False)
class Embedding:
    """From pixels to the first state: equation 1. Arrays are read-only.

    Args:
        image: What the network was given, normalised.
        filters: What every window of it is multiplied with.
        bias: What is added to each product; None: nothing.
        stride: From one window to the next, in input pixels.
        margins: Zeros around the image, to the left and above, in input pixels.
        after: What is done to the products, in order.
        products: Of each window and filter, with the bias.
        places: What is added to each token for its place; None: nothing.
        within: How the blocks know of places besides, for people.
        state: The first state, token by token, as the network has it.
    """

    image: Float32[np.ndarray, "3 height width"]
    filters: Float32[np.ndarray, "filters 3 side side"]
    bias: Float32[np.ndarray, " filters"] | None
    stride: int
    margins: tuple[int, int]
    after: tuple[str, ...]
    products: Float32[np.ndarray, "rows cols filters"]
    places: Float32[np.ndarray, "tokens dim"] | None
    within: tuple[str, ...]
    state: Float32[np.ndarray, "state_tokens state_dim"]

    @property
    def side(self) -> int:
        """Of a window, in input pixels."""
        return int(self.filters.shape[-1])

    def window(self, row: int, col: int) -> Float32[np.ndarray, "3 side side"]:
        """The pixels of a window, normalised; zeros where it reaches past the image."""
        left, above = self.margins
        top, first = row * self.stride - above, col * self.stride - left
        found = np.zeros(self.filters.shape[1:], np.float32)
        height, width = self.image.shape[1:]
        rows = slice(max(top, 0), min(top + self.side, height))
        cols = slice(max(first, 0), min(first + self.side, width))
        part = self.image[:, rows, cols]
        found[:, rows.start - top : rows.stop - top, cols.start - first : cols.stop - first] = part
        return found


def embedding(trace: Trace) -> Embedding | None:
    """The first step of what a trace is of; None where the network does not say it.

    Args:
        trace: With its network.
    """
    assert trace.network is not None
    assert trace.image is not None
    network, image, size = trace.network, trace.input(), trace.geometry.input_size
    filters, placing = network.filters(size), network.placing(size)
    if filters is None:
        return None
    with torch.inference_mode():
        products = filters.products(image)
        state = network.as_tokens(trace.kept[0] if trace.kept else network.embed(image))[0]
    return Embedding(
        trace.image, _array(filters.weight), _maybe(filters.bias), filters.stride,
        (filters.padding[0], filters.padding[2]), filters.after, _array(products),
        _maybe(placing.added) if placing else None, placing.within if placing else (),
        _array(state),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class AttentionSteps:
    """One token asks all others, in one layer: equations 5 to 7. Arrays are read-only.

    Where tokens look only at those of their window, ``members`` are these, and all that is "keys"
    long below is of them alone.

    Args:
        layer: From 0.
        query: Index of the token that asks.
        members: Indices of the tokens that it looks at, ascending.
        q: Of the token, in each head.
        k: Of all that it looks at.
        v: Likewise.
        products: q . k.
        bias: What is added after they were divided by the root of head_dim; None: nothing.
        mixed: What the heads put out: the values, weighted.
        padded: The same as ``scaled`` of keys in its window where there is no photo.
    """

    layer: int
    query: int
    members: Int[np.ndarray, " keys"]
    q: Float32[np.ndarray, "heads head_dim"]
    k: Float32[np.ndarray, "heads keys head_dim"]
    v: Float32[np.ndarray, "heads keys head_dim"]
    products: Float32[np.ndarray, "heads keys"]
    bias: Float32[np.ndarray, "heads keys"] | None
    weights: Float32[np.ndarray, "heads keys"]
    mixed: Float32[np.ndarray, "heads head_dim"]
    padded: Float32[np.ndarray, "heads padding"]

    @property
    def divisor(self) -> float:
        """The root of head_dim."""
        return float(np.sqrt(self.q.shape[-1]))

    @property
    def scaled(self) -> Float32[np.ndarray, "heads keys"]:
        """What the softmax is of."""
        scaled: Float32[np.ndarray, "heads keys"] = (self.products / self.divisor).astype(
            np.float32
        )
        return scaled if self.bias is None else scaled + self.bias

    def at_temperature(self, head: int, temperature: float) -> Float32[np.ndarray, " keys"]:
        """The weights that another temperature of the softmax would give; the network's is 1."""
        scores = np.concatenate([self.scaled[head], self.padded[head]])
        return at_temperature(scores, temperature)[: len(self.members)]

    def weighted(self, head: int) -> Float32[np.ndarray, " keys"]:
        """How long what each token adds to the head's mix is: its weight times its value."""
        lengths: Float32[np.ndarray, " keys"] = np.linalg.norm(
            self.weights[head][:, None] * self.v[head], axis=-1
        ).astype(np.float32)
        return lengths


def at_temperature(
    scaled: Float32[np.ndarray, " keys"], temperature: float
) -> Float32[np.ndarray, " keys"]:
    """Softmax of some numbers by a temperature; a network's own is 1."""
    hot = scaled.astype(np.float64) / temperature
    shares = np.exp(hot - hot.max())
    found: Float32[np.ndarray, " keys"] = (shares / shares.sum()).astype(np.float32)
    return found


def attention_steps(
    trace: Trace, layer: int, query: int, progress: Progress = silent
) -> AttentionSteps | None:
    """What happens when one token asks, in one layer; None where the layer has no attention.

    Args:
        trace: With its network.
        layer: From 0.
        query: Index among the tokens of the layer.
        progress: Called before every block, where the network has to run once more.
    """
    assert trace.network is not None
    watch = _Watch(query)
    states = depth_states(trace.network, trace.input(), progress, trace.kept)
    steps = trace.network.steps(trace.geometry.input_size)
    with torch.inference_mode():
        steps[layer](states[layer], watch)
    if watch.seen is None:
        return None
    return watch.seen.steps(layer, query)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What one token's attention is made of, of the slots of its window."""

    tokens: Int[Tensor, " slots"]
    q: Float[Tensor, "heads head_dim"]
    k: Float[Tensor, "heads slots head_dim"]
    v: Float[Tensor, "heads slots head_dim"]
    bias: Float[Tensor, "heads slots"] | None
    mixed: Float[Tensor, "heads head_dim"]

    def steps(self, layer: int, query: int) -> AttentionSteps:
        order = self.tokens.argsort()
        there = order[self.tokens[order] >= 0]
        products = (self.k @ self.q[..., None])[..., 0]
        scaled = products * self.q.shape[-1] ** -0.5
        scaled = scaled if self.bias is None else scaled + self.bias
        weights = scaled.softmax(-1)  # of padding, too
        return AttentionSteps(
            layer, query, _array(self.tokens[there]), _array(self.q), _array(self.k[:, there]),
            _array(self.v[:, there]), _array(products[:, there]),
            None if self.bias is None else _array(self.bias[:, there]), _array(weights[:, there]),
            _array(self.mixed), _array(scaled[:, order[self.tokens[order] < 0]]),
        )  # fmt: skip


class _Watch:
    """An ``Attend`` that keeps what one token's row is made of."""

    def __init__(self, query: int) -> None:
        self._query = query
        self.seen: _Seen | None = None

    def __call__(
        self, q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None,
        windows: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        mixed = softmax_attention(q, k, v, bias, windows)
        window, slot, tokens = 0, self._query, torch.arange(q.shape[2], device=q.device)
        if windows is not None:
            window, slot = (int(at) for at in (windows == self._query).nonzero()[0])
            tokens = windows[window]
        added = None
        if bias is not None:
            rows = bias(slice(slot, slot + 1))
            added = (rows if rows.ndim == 3 else rows[window])[:, 0]
        self.seen = _Seen(
            tokens, q[window, :, slot], k[window], v[window], added, mixed[window, :, slot]
        )
        return mixed


@dataclass(frozen=True, eq=False)
class LayerParts:
    """How long each token is before a layer, and what the layer's parts add; read-only.

    Args:
        layer: From 0.
        before: Of each token that the layer is given; of the tokens of the layer itself where it
            merges patches, and there None.
        added: By the name of the part: "attention", "MLP", "convolution".
        after: Of each token that it puts out.
    """

    layer: int
    before: Float32[np.ndarray, " tokens"] | None
    added: dict[str, Float32[np.ndarray, " tokens"]]
    after: Float32[np.ndarray, " tokens"]


def layer_parts(trace: Trace, progress: Progress = silent) -> Iterator[LayerParts]:
    """How much the parts of each layer write into each token: lengths of vectors.

    Args:
        trace: With its network.
        progress: Called before every block.
    """
    assert trace.network is not None
    network = trace.network
    states = depth_states(network, trace.input(), progress, trace.kept)
    steps = network.steps(trace.geometry.input_size)
    for layer, step in enumerate(steps):
        progress(Stage("block", layer, len(steps)), layer / len(steps))
        with torch.inference_mode(), watching() as said:
            out = step(states[layer], softmax_attention)
        lengths = {name: _lengths(network.as_tokens(x)) for name, x in said.added.items()}
        before, after = (_lengths(network.as_tokens(z)) for z in (states[layer], out))
        yield LayerParts(layer, before if before.shape == after.shape else None, lengths, after)


@dataclass(frozen=True, eq=False)
class ConvolutionSteps:
    """One place of a layer and one of its numbers: a window, its kernel, and their products.

    Args:
        layer: From 0.
        place: Row and column among what the layer puts out.
        channel: Which of the convolution's numbers.
        channels: How many there are.
        strongest: The channels whose numbers are the greatest here, the first one first.
        window: What the convolution is given: of its own channel where channels do not mix, else
            the mean over those that it reads.
        kernel: Likewise.
        products: Summed over the channels that it reads.
        total: Their sum, which is what it puts out, but for a bias.
        plane: What it puts out everywhere.
        reads: How many channels it reads.
        stride: From one window to the next, in places of what it is given.
    """

    layer: int
    place: tuple[int, int]
    channel: int
    channels: int
    strongest: tuple[int, ...]
    window: Float32[np.ndarray, "kernel kernel"]
    kernel: Float32[np.ndarray, "kernel kernel"]
    products: Float32[np.ndarray, "kernel kernel"]
    total: float
    plane: Float32[np.ndarray, "rows cols"]
    reads: int
    stride: int


MOST_STRONGEST = 6


def convolution_steps(
    trace: Trace, layer: int, place: tuple[int, int], channel: int | None = None,
    progress: Progress = silent,
) -> ConvolutionSteps | None:  # fmt: skip
    """What the widest convolution of a layer does at one place; None where none of them looks
    further than its own place.

    Args:
        trace: With its network.
        layer: From 0.
        place: Row and column of a patch of the layer.
        channel: Which of its numbers; None: the strongest there.
        progress: As of ``attention_steps``.
    """
    assert trace.network is not None
    states = depth_states(trace.network, trace.input(), progress, trace.kept)
    steps = trace.network.steps(trace.geometry.input_size)
    with torch.inference_mode(), watching() as said:
        steps[layer](states[layer], softmax_attention)
        grid = trace.outline.layers[layer].grid
        wide = [
            one for one in said.convolved
            if one.weight.shape[-1] > 1 and tuple(one.out.shape[2:]) == grid
        ]  # fmt: skip
        if not wide:
            return None
        widest = max(wide, key=lambda one: one.weight.shape[-1])
        return _at_place(widest, layer, place, channel)


def _at_place(
    convolved: Convolved, layer: int, place: tuple[int, int], channel: int | None
) -> ConvolutionSteps:
    weight, out = convolved.weight, convolved.out[0]
    here = out[:, place[0], place[1]]
    strongest = tuple(here.abs().argsort(descending=True)[:MOST_STRONGEST].tolist())
    chosen = strongest[0] if channel is None else min(max(channel, 0), len(out) - 1)
    kernel, reads = weight.shape[-1], weight.shape[1]
    top, left = (at * convolved.stride for at in place)
    group = chosen // (len(weight) // convolved.groups)
    own = slice(group * reads, (group + 1) * reads)
    window = convolved.given[0, own, top : top + kernel, left : left + kernel]
    products = (window * weight[chosen]).sum(0)
    return ConvolutionSteps(
        layer, place, chosen, len(out), strongest, _array(window.mean(0)),
        _array(weight[chosen].mean(0)), _array(products), float(products.sum()),
        _array(out[chosen]), reads, convolved.stride,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Reading:
    """What one head reads, and some of its class vectors; read-only.

    Args:
        name: Of what it reads, for people.
        features: What it reads.
        vectors: Of each of the classes asked about.
        biases: What is added to each of their products with the features.
    """

    name: str
    features: Float32[np.ndarray, " numbers"]
    vectors: Float32[np.ndarray, "classes numbers"]
    biases: Float32[np.ndarray, " classes"]

    @property
    def products(self) -> Float32[np.ndarray, "classes numbers"]:
        """Number by number: their sum and the bias are the logit of this head."""
        found: Float32[np.ndarray, "classes numbers"] = self.vectors * self.features
        return found


def readings(
    trace: Trace, classes: tuple[int, ...], progress: Progress = silent
) -> tuple[Reading, ...]:
    """What each head of the network reads, and how it comes to the logits of some classes: the
    answer is the mean over heads. Empty where the network has none or does not say.

    Args:
        trace: With its network.
        classes: Indices of the classes.
        progress: As of ``attention_steps``.
    """
    assert trace.network is not None
    states = depth_states(trace.network, trace.input(), progress, trace.kept)
    found, chosen = [], list(classes)
    with torch.inference_mode():
        for reader in trace.network.readers(states[-1]):
            biases = reader.weight.new_zeros(len(chosen))
            if reader.bias is not None:
                biases = reader.bias[chosen]
            vectors = reader.weight[chosen]
            parts = (_array(part) for part in (reader.features, vectors, biases))
            found.append(Reading(reader.name, *parts))
    return tuple(found)


def _lengths(tokens: Float[Tensor, "1 tokens width"]) -> Float32[np.ndarray, " tokens"]:
    # Not vector_norm, which takes 28 times as long where channels lie apart, as a CNN's do.
    return _array(tokens[0].float().square().sum(-1).sqrt())


def _maybe(values: Tensor | None) -> np.ndarray | None:
    return None if values is None else _array(values)


def _array(values: Tensor) -> np.ndarray:
    values = values.detach()
    numbers: Tensor = values if values.dtype == torch.int64 else values.float()
    array: np.ndarray = np.array(numbers.cpu().numpy())  # not a parameter's, which others train
    array.flags.writeable = False
    return array

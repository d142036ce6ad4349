"""What a network did with one photo: enough to answer any question about it.

A trace holds what grows with the number of tokens, and derives what grows with its square on demand
(``vitviz.tracing.attention``). An array of layers x heads x tokens x tokens never exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation, LayerMaps, Quantity
from vitviz.models.network import Network
from vitviz.models.outline import NO_CLASSES, Outline
from vitviz.models.tokens import TokenLayout
from vitviz.progress import Progress, silent
from vitviz.shapes import Bool, Float32
from vitviz.tracing.aim import Aim
from vitviz.tracing.attention import LayerAttention
from vitviz.tracing.dense import DensePath, dense_vectors
from vitviz.tracing.feature_gradients import LayerFeatures, feature_gradients
from vitviz.tracing.forward import run_forward
from vitviz.tracing.gradients import (
    Gradients,
    LayerGradient,
    run_backward,
    run_readouts,
)
from vitviz.tracing.means import mean_column, mean_row, mean_rows_of_kept
from vitviz.tracing.pixels import pixel_gradient
from vitviz.tracing.relevance import Relevance, run_repaired
from vitviz.tracing.values import LayerValues, run_values
from vitviz.tracing.vectors import VectorKind, run_vectors


@dataclass(frozen=True, eq=False)
class Trace:
    """One forward pass, remembered. Layers, heads and tokens count from 0.

    Args:
        outline: The network from outside, at the size of this input.
        geometry: Where the patches of the first layer lie on the photo.
        logits: The network's answer, read-only, on the CPU; None where it has no head.
        attention: Of each layer; None of a layer that has none.
        forward_s: How long the network took, in seconds.
        image: What the network was given, read-only.
        network: What it was given to; None where whoever keeps the trace keeps the network
            elsewhere, and puts it in before asking for gradients or states.
        kept: The state that each layer was given, and what the last one put out, where that is
            little enough to keep (``Cost.keeps_states``): gradients begin with it.
        known: The gradients asked for last, by what they are of.
        device: Where it ran.
        readouts: The logits of each of the outline's ``readouts``, read-only; None where there is
            one head. ``logits`` is their mean.
        norms: Of every token's state after each layer, read-only; none where the network gives no
            states.
    """

    outline: Outline
    geometry: Geometry
    logits: Float32[np.ndarray, " classes"] | None
    attention: tuple[LayerAttention | None, ...]
    forward_s: float = 0.0
    image: Float32[np.ndarray, "3 height width"] | None = None
    network: Network | None = None
    kept: tuple[Tensor, ...] = ()
    known: dict[Aim, Gradients] = field(default_factory=dict)
    device: str = "cpu"
    readouts: Float32[np.ndarray, "readouts classes"] | None = None
    norms: tuple[Float32[np.ndarray, "..."], ...] = ()

    @property
    def depth(self) -> int:
        """Number of layers."""
        return self.outline.depth

    @property
    def heads(self) -> int:
        """Of the layer that has the most."""
        return self.outline.heads

    @property
    def layout(self) -> TokenLayout:
        """Which token is which in the first layer, and in all where the network has one sequence
        of tokens.
        """
        return self.outline.tokens(0)

    @property
    def tokens(self) -> int:
        """Length of that sequence."""
        return self.layout.tokens

    @property
    def nbytes(self) -> int:
        """What it holds on to, in bytes."""
        arrays = sum(array.nbytes for array in (self.logits, self.image) if array is not None)
        gradients = sum(known.nbytes for known in list(self.known.values()))
        kept = sum(tensor.nbytes for tensor in self.kept)
        kept += sum(norms.nbytes for norms in self.norms)
        attention = sum(layer.nbytes for layer in self.attention if layer is not None)
        return attention + arrays + kept + gradients

    def geometry_of(self, layer: int) -> Geometry:
        """Where the patches of one layer lie on the photo."""
        return self.outline.geometry(layer, self.geometry)

    def maps(self, layer: int, values: Float32[np.ndarray, "heads tokens"]) -> LayerMaps:
        """Numbers of one layer's tokens, made read-only, with what places them on the photo."""
        values.flags.writeable = False
        return LayerMaps(values, self.outline.tokens(layer), self.geometry_of(layer))

    def tokens_in(self, layer: int, tokens: tuple[int, ...]) -> tuple[int, ...]:
        """The tokens of a layer that are over the same places as some of the first layer."""
        return self.outline.tokens_in(layer, tokens, self.geometry)

    def attention_of(self, layer: int) -> LayerAttention:
        """The attention of one layer.

        Raises:
            VitvizError: It has none.
        """
        found = self.attention[layer]
        if found is None:
            raise VitvizError(
                f"{self.outline.layers[layer].name.capitalize()} has no attention.",
                "Choose another layer or method.",
            )
        return found

    def row(self, layer: int, query: int) -> Float32[np.ndarray, "heads tokens"]:
        """Where one token looks, in one layer."""
        return _on_cpu(self.attention_of(layer).row(query))

    def column(self, layer: int, key: int) -> Float32[np.ndarray, "heads tokens"]:
        """How much every token looks at one, in one layer."""
        return _on_cpu(self.attention_of(layer).column(key))

    def mean_row(self, layer: int, queries: tuple[int, ...]) -> Float32[np.ndarray, "heads tokens"]:
        """Where some tokens look, in one layer; see ``means.mean_row``."""
        return _on_cpu(mean_row(self.attention_of(layer), queries))

    def mean_column(
        self,
        layer: int,
        keys: tuple[int, ...],
        weights: Float32[Tensor, "heads tokens"] | None = None,
    ) -> Float32[np.ndarray, "heads tokens"]:
        """How much every token looks at some, in one layer; see ``means.mean_column``."""
        return _on_cpu(mean_column(self.attention_of(layer), keys, weights))

    def row_blocks(
        self,
        layer: int,
        *,
        heads: slice = slice(None),
        queries: range | None = None,
        room: Float32[Tensor, " numbers"] | None = None,
    ) -> Iterator[tuple[slice, Float32[Tensor, "heads block tokens"]]]:
        """All rows of one layer, a few at a time: see ``LayerAttention.row_blocks``."""
        return self.attention_of(layer).row_blocks(heads=heads, queries=queries, room=room)

    def window_blocks(
        self,
        layer: int,
        *,
        heads: slice = slice(None),
        queries: range | None = None,
        room: Float32[Tensor, " numbers"] | None = None,
    ) -> Iterator[tuple[slice, Float32[Tensor, "heads block keys"]]]:
        """The same over each row's own window: see ``LayerAttention.window_blocks``."""
        return self.attention_of(layer).window_blocks(heads=heads, queries=queries, room=room)

    def room(self) -> Float32[Tensor, " numbers"]:
        """Memory that any block of ``row_blocks`` and ``window_blocks`` of any layer fits into.

        Whoever goes through many layers makes it once: getting fresh memory takes the system about
        as long as filling it with attention does.
        """
        layers = [layer for layer in self.attention if layer is not None]
        return max(layers, key=lambda layer: layer.block_numbers).room()

    def target(self, wanted: int | None) -> int:
        """The class that is meant: the most probable one where none, or none there is, is wanted.

        Raises:
            VitvizError: The model has no classes.
        """
        if self.logits is None:
            raise VitvizError(
                f"This model has no classes: {NO_CLASSES}.",
                "Choose a method that is not about a class, or a model with a classifier.",
            )
        if wanted is not None and 0 <= wanted < len(self.logits):
            return wanted
        return int(self.logits.argmax())

    def aim(self, wanted: int | None, against: int | None = None) -> Aim:
        """What is to be explained: a class's logit (``target``), or how far it is above another's.

        Args:
            wanted: As of ``target``.
            against: Index of the other class; one that the model does not have is none.

        Raises:
            VitvizError: The model has no classes, or both are one.
        """
        target = self.target(wanted)
        assert self.logits is not None
        if against is None or not 0 <= against < len(self.logits):
            return Aim(target)
        if against == target:
            raise VitvizError(
                "The class of the map and the one that it is set against are the same"
                + (", since it is the most probable one." if wanted is None else "."),
                "Choose another class for one of them.",
            )
        return Aim(target, against)

    def gradients(self, aim: Aim, progress: Progress) -> Gradients:
        """How a number depends on the attention; those asked for last are kept.

        Args:
            aim: Which number.
            progress: Told before every block.

        Raises:
            NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
        """
        found = self.known.get(aim)
        if found is None:
            network, image = self._again()
            found = run_backward(network, image, aim, progress, self.kept)
            self.known.clear()  # while another thread may do the same
            self.known[aim] = found
        return found

    def layer_gradients(
        self, aim: Aim, layers: range, of_all: bool, progress: Progress
    ) -> Iterator[tuple[int, LayerGradient | None]]:
        """How a number, read from what each of some layers puts out as the network reads it from
        the last one, depends on the attention of that layer.

        Args:
            aim: Which number.
            layers: Which layers.
            of_all: It is read from the mean over all tokens, whatever the network's head reads.
            progress: Told before every block.
        """
        network, image = self._again()

        def read(z: Tensor) -> Tensor:
            return aim.value(network, z.mean(1, keepdim=True).expand_as(z) if of_all else z)

        return run_readouts(network, image, read, layers, progress, self.kept)

    def values(self, layers: range, progress: Progress) -> Iterator[LayerValues]:
        """What the heads of some layers mix; see ``run_values``."""
        network, image = self._again()
        return run_values(network, image, layers, progress, self.kept)

    def input(self) -> Float32[Tensor, "1 3 height width"]:
        """What the network was given, normalised, where it ran."""
        return self._again()[1]

    def pixel_gradient(
        self, image: Float32[Tensor, "1 3 height width"], aim: Aim, progress: Progress
    ) -> tuple[float, Float32[Tensor, "3 height width"]]:
        """A number of another input of this size, with its gradient; see ``pixel_gradient``."""
        return pixel_gradient(self._again()[0], image, aim, progress)

    def relevance(self, aim: Aim, progress: Progress) -> Relevance:
        """What every token between the layers adds to a number; see ``run_repaired``."""
        network, image = self._again()
        return run_repaired(network, image, aim, progress, self.kept)

    def feature_gradients(self, aim: Aim, progress: Progress) -> Iterator[LayerFeatures]:
        """The features of each layer and how a number depends on them, from the last
        layer to the first; none of it is kept.

        Args:
            aim: Which number.
            progress: Told before every block.

        Raises:
            NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
        """
        network, image = self._again()
        return feature_gradients(network, image, aim, progress, self.kept)

    def states(
        self, layer: int, progress: Progress = silent
    ) -> Float32[np.ndarray, "tokens width"]:
        """What one layer puts out, token by token: kept, or computed again.

        Raises:
            Cancelled: ``progress`` said so.
        """
        return next(self._states(range(layer, layer + 1), progress))

    def all_states(
        self, progress: Progress = silent
    ) -> Iterator[Float32[np.ndarray, "tokens width"]]:
        """What each layer puts out, one layer after another; see ``states``."""
        return self._states(range(self.depth), progress)

    def vectors(
        self, kind: VectorKind, progress: Progress = silent
    ) -> Iterator[tuple[int, Float32[np.ndarray, "tokens width"]]]:
        """The vector of every token, of each layer that has such vectors; see ``run_vectors``."""
        network, image = self._again()
        for layer, found in run_vectors(network, image, kind, progress, self.kept):
            yield layer, _on_cpu(found)

    def dense_vectors(
        self, path: DensePath, progress: Progress = silent
    ) -> Float32[np.ndarray, "patches numbers"]:
        """The vector that each patch would have in the space of images; see ``dense_vectors``."""
        network, image = self._again()
        return _on_cpu(dense_vectors(network, image, path, progress, self.kept))

    def _states(
        self, layers: range, progress: Progress
    ) -> Iterator[Float32[np.ndarray, "tokens width"]]:
        network, image = self._again()
        kept = self.kept or run_forward(network, image, progress)
        for layer in layers:
            with torch.inference_mode():
                states = network.as_tokens(kept[layer + 1])[0].float()
            yield _on_cpu(states)

    def decoded(
        self, hidden: Bool[np.ndarray, "rows cols"], normalised: bool | None = None
    ) -> tuple[Float32[np.ndarray, "3 height width"], bool]:
        """What the network's decoder makes of the input without some of its patches, normalised as
        the input is; and whether it was taken to predict normalised pixels.
        """
        network, image = self._again()
        with torch.inference_mode():
            mask = torch.tensor(hidden, device=self.device)
            undo = network.normalised_pixels if normalised is None else normalised
            return _on_cpu(network.decode(image, mask, undo)[0].float()), undo

    def attention_of_visible(
        self, hidden: Bool[np.ndarray, "rows cols"], query: tuple[int, ...]
    ) -> Explanation:
        """Where some tokens look when the network is given only the patches that are not hidden.

        Args:
            hidden: Which patches.
            query: Tokens that are there; the mean of their rows.
        """
        network, image = self._again()
        prefix = len(self.outline.prefix)
        stay = np.concatenate([np.ones(prefix, bool), ~hidden.flatten()])
        kept = torch.tensor(np.flatnonzero(stay), device=self.device)
        own = np.flatnonzero(np.isin(np.flatnonzero(stay), query))
        by_layer = {}
        for layer, values in enumerate(mean_rows_of_kept(network, image, kept, own.tolist())):
            everywhere = np.zeros((len(values), len(stay)), np.float32)
            everywhere[:, stay] = values
            by_layer[layer] = self.maps(layer, everywhere)
        return Explanation(by_layer, None, Quantity("attention", "share"))

    def _again(self) -> tuple[Network, Float32[Tensor, "1 3 height width"]]:
        """The network and its input, to go through once more."""
        if self.network is None or self.image is None:
            raise ValueError("this trace does not know its network")
        return self.network, torch.tensor(self.image[None], device=self.device)


def _on_cpu(values: Tensor) -> Float32[np.ndarray, "..."]:
    array: Float32[np.ndarray, "..."] = values.cpu().numpy()
    array.flags.writeable = False
    return array

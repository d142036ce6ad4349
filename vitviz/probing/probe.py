"""A network asked again and again about one photo, each time without some of its patches."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.models.cost import WORKSPACE_BYTES
from vitviz.models.network import Network, softmax_attention
from vitviz.models.outline import Outline
from vitviz.probing.filling import background, filled, pixels_of
from vitviz.probing.removal import Removal, removals
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Bool, Float32, Float64, Int
from vitviz.tracing.forward import move
from vitviz.tracing.memory import refusing, require
from vitviz.tracing.trace import Trace

BATCH_BYTES = 256 << 20
"""What inputs that go through the network together take at most."""

LARGEST_BATCH = 16


class Probe:
    """One network, one photo, one way to take patches from it.

    Without tokens ("drop") the rest of the sequence is exactly as it was: each patch keeps its
    position, and prefix tokens always stay. Sequences of one length go together where the blocks of
    the network do not ask where tokens lie, and inputs that are filled in always, as many as memory
    allows: of half of a small network's tokens that takes three quarters of the time. The numbers
    do not depend on how many go together, beyond rounding.

    Args:
        network: What is asked; is moved to the device.
        image: What it was given, normalised.
        geometry: Whose patches are removed: those of the layer that a map is of. For "drop" they
            are those of the first layer.
        removal: How; None: the first that the network allows.
        seed: Of the noise that "road" adds.
        device: Where it runs.

    Raises:
        VitvizError: The network does not allow this removal.
    """

    def __init__(
        self,
        network: Network,
        image: Float32[np.ndarray, "3 height width"],
        geometry: Geometry,
        removal: Removal | None = None,
        *,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.network, self.geometry, self.device = network, geometry, device
        self.size = (image.shape[1], image.shape[2])
        self.outline: Outline = network.outline(self.size)
        self.removal = removal or removals(self.outline)[0]
        if self.removal not in removals(self.outline):
            raise VitvizError(
                "This model cannot be run without some of its patches.",
                f"Remove them by another way: {', '.join(removals(self.outline))}.",
            )
        if self.removal == "drop" and geometry.grid != self.outline.layers[0].grid:
            raise ValueError(f"{geometry.grid} are not the patches of the first layer")
        self.grid = geometry.grid
        self._image = torch.tensor(image[None], device=device)
        self._behind: Tensor | None = None
        self._first: Tensor | None = None
        self._seed = seed

    @classmethod
    def of(
        cls,
        trace: Trace,
        geometry: Geometry | None = None,
        removal: Removal | None = None,
        *,
        seed: int = 0,
    ) -> Probe:
        """A probe of what a trace is of.

        Args:
            trace: With its network.
            geometry: As of ``Probe``; None: of the first layer.
            removal: As of ``Probe``.
            seed: As of ``Probe``.
        """
        if trace.network is None or trace.image is None:
            raise ValueError("this trace does not know its network")
        where = trace.geometry if geometry is None else geometry
        return cls(
            trace.network, trace.image, where, removal, seed=seed, device=trace.device
        )  # fmt: skip

    @property
    def patches(self) -> int:
        """How many can be removed."""
        return self.grid[0] * self.grid[1]

    def logits(
        self, removed: Bool[np.ndarray, "sets patches"], progress: Progress = silent
    ) -> Float32[np.ndarray, "sets classes"]:
        """The network's answer without each set of patches; its features where it has no head.

        Args:
            removed: Patches row by row; at least one stays in each set where tokens are dropped.
            progress: Told of each set before its forward; may raise ``Cancelled``.

        Raises:
            NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
            VitvizError: An answer is not a number.
        """
        found = list(self._answers(removed, lambda answer: answer.float().cpu(), progress))
        return np.concatenate([part.numpy() for part in found])

    def probabilities(
        self,
        removed: Bool[np.ndarray, "sets patches"],
        target: int,
        progress: Progress = silent,
        against: int | None = None,
    ) -> Float64[np.ndarray, " sets"]:
        """The probability of one class without each set of patches, 0..1; raises as ``logits``.

        In double precision, so that what is left to certainty can still be told apart.

        Args:
            removed: As of ``logits``.
            target: Index of the class.
            progress: As of ``logits``.
            against: Another class: the probability is of the first one among these two, which
                depends on the difference of their logits alone. None: among all.
        """
        among = slice(None) if against is None else [target, against]
        place = target if against is None else 0

        def of_target(answer: Tensor) -> Tensor:
            return answer.double()[:, among].softmax(-1)[:, place].cpu()

        found = list(self._answers(removed, of_target, progress))
        return np.concatenate([part.numpy() for part in found])

    def _answers(
        self,
        removed: Bool[np.ndarray, "sets patches"],
        take: Callable[[Tensor], Tensor],
        progress: Progress,
    ) -> list[Tensor]:
        if removed.shape[1:] != (self.patches,):
            raise ValueError(f"sets of {removed.shape[1:]} among {self.patches} patches")
        cost = self.network.cost(self.size)
        what = f"{cost.tokens:,} tokens"
        each = max(cost.peak_bytes - WORKSPACE_BYTES, 1)
        together = min(LARGEST_BATCH, max(1, BATCH_BYTES // each)) if self._is_alike else 1
        needed = WORKSPACE_BYTES + together * each
        require(needed, what, self.device)
        found: list[Tensor] = [self._image] * len(removed)
        done = 0
        with refusing(needed, what, self.device):
            move(self.network, self.device)
            with torch.inference_mode():
                for places in self._batches(removed, together):
                    for number in range(done, done + len(places)):
                        progress(Stage("removing", number, len(removed)), number / len(removed))
                    answer = take(_finite(self._answer(torch.from_numpy(removed[places]))))
                    for place, one in zip(places.tolist(), answer, strict=True):
                        found[place] = one[None]
                    done += len(places)
        return found

    @property
    def _is_alike(self) -> bool:
        """Whether several sets can go through the network together."""
        if self.removal != "drop":
            return True
        places = self.network.placing(self.size)
        return places is not None and not places.within

    def _batches(
        self, removed: Bool[np.ndarray, "sets patches"], together: int
    ) -> Iterator[Int[np.ndarray, " batch"]]:
        """The indices of sets that go together: where tokens are dropped, those of one length."""
        counts = removed.sum(1) if self.removal == "drop" else np.zeros(len(removed), int)
        order = np.argsort(counts, kind="stable")
        for run in np.split(order, np.flatnonzero(np.diff(counts[order])) + 1):
            for start in range(0, len(run), together):
                yield run[start : start + together]

    def _answer(self, removed: Bool[Tensor, "batch patches"]) -> Tensor:
        """Of a few sets."""
        if self.removal == "drop":
            return self._without_tokens(removed)
        if self._behind is None:
            self._behind = background(self._image, self.removal, self._seed)
        gone = pixels_of(removed.view(-1, *self.grid), self.size, self.geometry.patch)
        changed = filled(self._image, gone.to(self.device), self.removal, self._behind)
        answer: Tensor = self.network(changed)
        return answer

    def _without_tokens(self, removed: Bool[Tensor, "batch patches"]) -> Tensor:
        """Of sets of one size."""
        if bool(removed.all(1).any()):
            raise ValueError("at least one patch has to stay")
        if self._first is None:
            self._first = self.network.embed(self._image)
        prefix = torch.ones(len(self.outline.prefix), dtype=torch.bool)
        kept = [torch.cat([prefix, ~one]).nonzero()[:, 0].to(self.device) for one in removed]
        states = [self.network.keep(self._first, tokens) for tokens in kept]
        if len({state.shape for state in states}) > 1:  # of what is left some was gone before
            parts = zip(states, kept, strict=True)
            return torch.cat([self._through(z, tokens) for z, tokens in parts])
        # Blocks that do not ask where tokens lie do not ask which they are.
        return self._through(torch.cat(states), kept[0])

    def _through(self, z: Tensor, kept: Int[Tensor, " tokens"]) -> Tensor:
        for step in self.network.steps(self.size, kept):
            z = step(z, softmax_attention)
        return self.network.classify(z)


def _finite(answer: Tensor) -> Tensor:
    if not bool(answer.isfinite().all()):
        raise VitvizError(
            "The model's output without some of the patches is not a number.",
            "Choose another model: this one does not bear it.",
        )
    return answer

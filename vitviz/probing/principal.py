"""Principal components of vectors that come a few at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vitviz.shapes import Float32, Float64


@dataclass(frozen=True, eq=False)
class Principal:
    """The directions in which some vectors differ most, as many as were asked for.

    Args:
        mean: Of the vectors.
        axes: Of length one and at right angles, the one of most variance first; each with its
            largest number (by size) above zero, since either sign is right. 0 where the vectors
            have no such direction any more.
        variances: Along each, with the number of vectors less one as divisor.
        total: The variance in all directions.
    """

    mean: Float64[np.ndarray, " width"]
    axes: Float64[np.ndarray, "components width"]
    variances: Float64[np.ndarray, " components"]
    total: float

    @property
    def shares(self) -> tuple[float, ...]:
        """The part of the variance that each holds."""
        return tuple(float(v / self.total) if self.total > 0 else 0.0 for v in self.variances)

    def scores(
        self, vectors: Float32[np.ndarray, "rows width"]
    ) -> Float64[np.ndarray, "rows components"]:
        """How far vectors lie along each, from the mean."""
        found: Float64[np.ndarray, "rows components"] = (vectors - self.mean) @ self.axes.T
        return found


@dataclass
class Sample:
    """Vectors that are added a few at a time: themselves as long as they are fewer than their
    numbers, from then on the sums of their products, so that memory does not grow with them.
    """

    count: int = 0
    _rows: list[Float64[np.ndarray, "rows width"]] = field(default_factory=list)
    _origin: Float64[np.ndarray, " width"] | None = None
    _sum: Float64[np.ndarray, " width"] | None = None
    _products: Float64[np.ndarray, "width width"] | None = None

    def add(self, vectors: Float32[np.ndarray, "rows width"]) -> None:
        """Some more."""
        if not len(vectors):
            return
        rows = vectors.astype(np.float64)
        self.count += len(rows)
        if self._origin is None:
            self._origin = rows.mean(0)
        rows -= self._origin  # so that the sums lose nothing to a mean far from zero
        self._rows.append(rows)
        if self._products is not None or self.count > rows.shape[1]:
            self._fold()

    def _fold(self) -> None:
        rows = np.concatenate(self._rows)
        self._rows = []
        total, products = rows.sum(0), rows.T @ rows
        self._sum = total if self._sum is None else self._sum + total
        self._products = products if self._products is None else self._products + products

    def principal(self, components: int) -> Principal | None:
        """The first components of all vectors; None where there are fewer than two."""
        if self.count < 2 or self._origin is None:
            return None
        degrees = self.count - 1
        if self._products is None:
            rows = np.concatenate(self._rows)
            middle = rows.mean(0)
            _, lengths, axes = np.linalg.svd(rows - middle, full_matrices=False)
            variances = lengths**2 / degrees
        else:
            assert self._sum is not None
            middle = self._sum / self.count
            spread = self._products / degrees
            spread -= np.outer(middle, middle) * (self.count / degrees)
            variances, columns = np.linalg.eigh(spread)
            variances, axes = variances[::-1].clip(min=0), columns.T[::-1]
        return _first(self._origin + middle, axes, variances, components)


def _first(
    mean: Float64[np.ndarray, " width"], axes: Float64[np.ndarray, "all width"],
    variances: Float64[np.ndarray, " all"], components: int,
) -> Principal:  # fmt: skip
    total = float(variances.sum())
    kept = np.zeros((components, axes.shape[1])), np.zeros(components)
    # What rounding leaves of directions in which nothing differs has a direction of no meaning.
    there = variances[:components] > 1e-12 * max(total, 0.0)
    for place in np.flatnonzero(there):
        axis = axes[place]
        kept[0][place] = axis * np.sign(axis[np.abs(axis).argmax()])
        kept[1][place] = variances[place]
    return Principal(mean, *kept, total)

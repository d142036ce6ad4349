"""What a network did with one photo: enough to answer any question about attention.

Interface (to be implemented):

class Trace:
    layout: TokenLayout
    geometry: Geometry
    logits: Float32[np.ndarray, " classes"] | None      read-only numpy on the CPU; None: no head
    depth: int; heads: int
    forward_s: float                                     measured
    nbytes: int                                          what it holds on to
    rows(layer, queries: Sequence[int]) -> Float32[np.ndarray, "heads queries tokens"]
    columns(layer, keys: Sequence[int]) -> Float32[np.ndarray, "heads tokens keys"]
    all_rows(query: int) -> Float32[np.ndarray, "layers heads tokens"]
    all_columns(key: int) -> Float32[np.ndarray, "layers heads tokens"]
    row_blocks(layer) -> Iterator[tuple[slice, Tensor heads x block x tokens]]   softmaxed, bounded memory

run.py:
    cost(card/config, geometry) -> Cost(tokens, flops, peak_bytes)
    run(network: VisionTransformer, image: Float32 "3 height width" numpy, geometry, device, progress) -> Trace
"""
from __future__ import annotations


class Trace: ...

"""What running a network costs, known before it runs."""

from __future__ import annotations

from dataclasses import dataclass

FLOAT_BYTES = 4

WORKSPACE_BYTES = 64 << 20
"""What torch and its libraries take besides tensors. Measured: 20 to 50 MB on the CPU."""

BIAS_BYTES = 32 << 20
"""Of what is added to attention (``models.network.Bias``) and made at once; of a larger one some
rows after others."""

MOST_KEPT_STATES = 64 << 20
"""Bytes; up to these a trace keeps what each layer was given, which saves the gradients of a class
a forward: with ViT-B/16 up to 512 pixels."""


@dataclass(frozen=True)
class Cost:
    """What a network takes at one size of its input.

    Args:
        tokens: Length of its longest sequence, prefix included.
        flops: Floating-point operations of a forward, a multiplication and an addition being two.
        peak_bytes: Memory of a traced forward at its peak, beyond the network itself, what is kept
            of it included.
        backward_bytes: Memory that the gradients of one logit take at their peak, beyond the trace.
        keeps_states: A trace keeps what each layer was given: that is little enough.
    """

    tokens: int
    flops: int
    peak_bytes: int
    backward_bytes: int
    keeps_states: bool

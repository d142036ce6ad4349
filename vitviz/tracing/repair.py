"""A backward in which relevance neither appears nor disappears: repaired gradients.

What makes an ordinary gradient times its input disagree with the output is held constant in the
backward, which leaves the network linear in its input and its biases:

    attention            A V            A is held
    LayerNorm, ...       (x - mean) / s w + b    the deviation s is held
    activation           f(x) = x (f(x) / x)     the gate f(x) / x is held
    gate, norm           sigmoid(x), softmax(x), |x|    held, where they multiply or divide
    product              x y            each factor gets half

Then the logit is exactly the sum of <input, gradient> and of <bias, gradient> over all biases,
and so it is at every layer. What of it was not found again is the completeness error.

The rules stand in a ``TorchFunctionMode``: they hold for whatever torch functions a network is
written with (ViT, Swin, gated MLPs, convolutions), within one call, on one thread, and change no
class or module.

Source: Mehri, Soleymani Baghshah and Pilehvar, "LibraGrad: Balancing Gradient Flow for Universally
Better Vision Transformer Attributions", CVPR 2025, arXiv 2411.16760, section 4; FullGrad and its
sum over biases: Srinivas and Fleuret, NeurIPS 2019, arXiv 1905.00780.

Difference from the source: in a product of two branches (SwiGLU) each gets half of the gradient;
there one of them is held. Saturating activations (ReLU6) have gates, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vitviz.shapes import Float

Rule = Callable[..., Tensor]


class Repair(TorchFunctionMode):
    """The rules, for what is computed inside.

    Args:
        one: A 1 that every bias is multiplied by: its gradient is what the biases add.
    """

    def __init__(self, one: Float[Tensor, ""]) -> None:
        super().__init__()
        self.one = one
        self._rules = {
            function: rule for rule, functions in self._table() for function in functions
        }

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        # What is learned is a constant here, in whatever shape it is used.
        args = tuple(one.detach() if isinstance(one, nn.Parameter) else one for one in args)
        rule = self._rules.get(func)
        if rule is None:
            return func(*args, **(kwargs or {}))
        return rule(func, *args, **(kwargs or {}))

    def _table(self) -> tuple[tuple[Rule, tuple[Any, ...]], ...]:
        return (
            (self._with_bias, (F.linear, F.conv2d, torch.conv2d)),
            (self._layer_norm, (F.layer_norm, torch.layer_norm)),
            (self._group_norm, (F.group_norm, torch.group_norm)),
            (self._rms_norm, (F.rms_norm,)),
            (self._batch_norm, (F.batch_norm,)),
            (self._attention, (F.scaled_dot_product_attention,)),
            (_gated, ACTIVATIONS),
            (_held, HELD),
            (_halved, PRODUCTS),
            (_divided, QUOTIENTS),
            (_normalised, (F.normalize,)),
            (self._added, SUMS),
        )

    def _scaled(self, bias: Tensor | None) -> Tensor | None:
        return None if bias is None else bias.detach() * self.one

    def _with_bias(
        self, func: Any, x: Tensor, weight: Tensor, bias: Tensor | None = None, *rest: Any,
        **named: Any,
    ) -> Tensor:  # fmt: skip
        found: Tensor = func(x, weight, self._scaled(bias), *rest, **named)
        return found

    def _affine(self, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        x = x if weight is None else x * weight.detach()
        shift = self._scaled(bias)
        return x if shift is None else x + shift

    def _layer_norm(
        self, _func: Any, x: Tensor, shape: Sequence[int], weight: Tensor | None = None,
        bias: Tensor | None = None, eps: float = 1e-5, *_: Any,
    ) -> Tensor:  # fmt: skip
        axes = tuple(range(-len(shape), 0))
        centred = x - x.mean(axes, keepdim=True)
        return self._affine(centred * _inverse(centred, axes, eps), weight, bias)

    def _rms_norm(
        self, _func: Any, x: Tensor, shape: Sequence[int], weight: Tensor | None = None,
        eps: float | None = None,
    ) -> Tensor:  # fmt: skip
        axes = tuple(range(-len(shape), 0))
        least = torch.finfo(x.dtype).eps if eps is None else eps
        return self._affine(x * _inverse(x, axes, least), weight, None)

    def _group_norm(
        self, _func: Any, x: Tensor, groups: int, weight: Tensor | None = None,
        bias: Tensor | None = None, eps: float = 1e-5, *_: Any,
    ) -> Tensor:  # fmt: skip
        apart = x.reshape(len(x), groups, -1)
        centred = apart - apart.mean(-1, keepdim=True)
        normal = (centred * _inverse(centred, (-1,), eps)).reshape(x.shape)
        channels = (1, -1, *(1 for _ in x.shape[2:]))
        own = [None if one is None else one.view(channels) for one in (weight, bias)]
        return self._affine(normal, *own)

    def _batch_norm(
        self, _func: Any, x: Tensor, running_mean: Tensor | None, running_var: Tensor | None,
        weight: Tensor | None = None, bias: Tensor | None = None, training: bool = False,
        momentum: float = 0.1, eps: float = 1e-5,
    ) -> Tensor:  # fmt: skip
        """As it was learned: a linear map, since mean and variance are not the photo's own."""
        del momentum
        if training or running_mean is None or running_var is None:
            raise ValueError("a batch norm in training mode has no rule")
        scale = (running_var + eps).rsqrt() * (1 if weight is None else weight)
        shift = (0 if bias is None else bias) - running_mean * scale
        channels = (1, -1, *(1 for _ in x.shape[2:]))
        return self._affine(x, scale.detach().view(channels), shift.detach().view(channels))

    def _attention(
        self, func: Any, q: Tensor, k: Tensor, v: Tensor, *rest: Any, **named: Any
    ) -> Tensor:
        found: Tensor = func(q.detach(), k.detach(), v, *rest, **named)
        return found

    def _added(self, func: Any, x: Any, y: Any, *rest: Any, **named: Any) -> Tensor:
        """A constant that is added to what depends on the input is a bias."""
        if _depends(x) or _depends(y):
            x, y = (one if _depends(one) else one * self.one for one in (x, y))
        found: Tensor = func(x, y, *rest, **named)
        return found


def _inverse(centred: Tensor, axes: tuple[int, ...], eps: float) -> Tensor:
    return (centred.detach().square().mean(axes, keepdim=True) + eps).rsqrt()


def _gated(func: Any, x: Tensor, *rest: Any, **named: Any) -> Tensor:
    """X times what the activation makes of it, the latter held: the same number."""
    named.pop("inplace", None)
    with torch.no_grad():
        near = torch.where(x.abs() < SMALL, SMALL, x)
        gate: Tensor = func(near.clone(), *rest, **named) / near  # it may work in place
    return x * gate


def _held(func: Any, *args: Any, **named: Any) -> Tensor:
    found: Tensor = func(*args, **named).detach()
    return found


def _depends(x: Any) -> bool:
    """Whether it depends on the input: nothing else has a gradient here."""
    return isinstance(x, Tensor) and x.requires_grad


def _halved(func: Any, x: Any, y: Any, *rest: Any, **named: Any) -> Tensor:
    if not (_depends(x) and _depends(y)):
        found: Tensor = func(x, y, *rest, **named)
        return found
    one: Tensor = func(x.detach(), y, *rest, **named)
    other: Tensor = func(x, y.detach(), *rest, **named)
    return (one + other) / 2


def _divided(func: Any, x: Any, y: Any, *rest: Any, **named: Any) -> Tensor:
    found: Tensor = func(x, y.detach() if isinstance(y, Tensor) else y, *rest, **named)
    return found


def _normalised(
    _func: Any, x: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, **_: Any
) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(x.detach(), p, dim, keepdim=True)
    return x / length.clamp(min=eps)


SMALL = 1e-6
"""Nearer to zero than this an activation's gate is that of this number."""

ACTIVATIONS = (
    F.gelu, F.silu, F.mish, F.hardswish, F.relu6, F.hardtanh, F.elu, F.leaky_relu, F.tanh,
    torch.tanh, Tensor.tanh,
)  # fmt: skip
"""Zero at zero. ReLU needs no rule: its gradient is its gate."""

HELD = (
    torch.sigmoid, F.sigmoid, Tensor.sigmoid, F.hardsigmoid, F.softmax, torch.softmax,
    Tensor.softmax, torch.norm, Tensor.norm, torch.linalg.vector_norm, torch.linalg.norm,
)  # fmt: skip

PRODUCTS = (
    torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__, torch.matmul, Tensor.matmul,
    Tensor.__matmul__, torch.bmm, Tensor.bmm,
)  # fmt: skip

QUOTIENTS = (torch.div, Tensor.div, Tensor.__truediv__)

SUMS = (
    torch.add, Tensor.add, Tensor.__add__, Tensor.__radd__, torch.sub, Tensor.sub, Tensor.__sub__,
    Tensor.__rsub__,
)  # fmt: skip

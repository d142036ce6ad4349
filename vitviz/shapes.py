"""Arrays with their shapes, for signatures: ``Float32[np.ndarray, "rows cols"]``.

jaxtyping checks them while the tests run. Nobody checks them in the program, where importing
jaxtyping would take a fifth of the time until the window is there: unless it is loaded already,
the names stand for ``typing.Annotated``, which keeps the words and checks nothing.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

__all__ = ["Bool", "Float", "Float32", "Float64", "Int", "Shaped", "UInt8"]

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Float, Float32, Float64, Int, Shaped, UInt8
else:
    from typing import Annotated as Bool
    from typing import Annotated as Float
    from typing import Annotated as Float32
    from typing import Annotated as Float64
    from typing import Annotated as Int
    from typing import Annotated as Shaped
    from typing import Annotated as UInt8

"""Functions that numba compiles.

Compiled code does not check where it reads and writes: what it gets from a file, it has to compare
with the bounds before it follows it. ``NUMBA_BOUNDSCHECK=1`` has it checked, for tests.

numba takes a while to import: modules that import this one are imported where they are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

BYTES = numba.types.Array(numba.uint8, 1, "C", readonly=True)
TABLE = numba.types.Array(numba.int64, 2, "C", readonly=True)


def compiled(*signatures: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function for some types; other threads run while it does.

    What comes of it is kept beside the function's module, or in the user's cache where that cannot
    be written to, so that the next process need not compile it. It is compiled anew when the
    function's own file changes; so what it takes from others must be what never changes, such as
    the numbers of a file format.
    """

    def compile_it(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(list(signatures), nogil=True, cache=True)(function)
        except (RuntimeError, OSError):
            # Nothing can be written anywhere: every process compiles for itself.
            return numba.njit(list(signatures), nogil=True)(function)

    return compile_it


# What is compiled into the functions that call it.
inlined = numba.njit

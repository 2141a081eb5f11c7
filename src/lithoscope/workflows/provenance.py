"""Which versions a result was made with."""

from __future__ import annotations

import platform
from importlib.metadata import version

_PACKAGES = ("lithoscope", "numpy", "torch", "xraylib", "rosettasciio")


def versions() -> dict[str, str]:
    """Return the versions of Python and the packages a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}

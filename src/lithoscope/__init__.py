"""Lithoscope: from a micro-XRF scan of a rock to a mineral map that says how sure it is.

>>> import lithoscope as ls
>>> spectrum = ls.simulate("spodumene", instrument="m4-tornado")
>>> result = ls.map_minerals(ls.open_scan("sample.bcf"))  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lithoscope.io import load_instrument, open_scan, open_spectra
    from lithoscope.io.signals import as_scan
    from lithoscope.minerals import load_library
    from lithoscope.synthesis.datasets.reading import load_dataset
    from lithoscope.workflows.classify import classify_spectra
    from lithoscope.workflows.dataset import make_dataset
    from lithoscope.workflows.evaluate import evaluate
    from lithoscope.workflows.make_model import make_model
    from lithoscope.workflows.map_minerals import map_minerals
    from lithoscope.workflows.phantom import make_phantom
    from lithoscope.workflows.simulate import simulate
    from lithoscope.workflows.train_on_data import train_on_data

__all__ = [
    "as_scan",
    "classify_spectra",
    "evaluate",
    "load_dataset",
    "load_instrument",
    "load_library",
    "make_dataset",
    "make_model",
    "make_phantom",
    "map_minerals",
    "open_scan",
    "open_spectra",
    "simulate",
    "train_on_data",
]

# Loaded when first used: torch and xarray take seconds, and `lithoscope --help` needs neither.
_HOMES = {
    "as_scan": "lithoscope.io.signals",
    "classify_spectra": "lithoscope.workflows.classify",
    "evaluate": "lithoscope.workflows.evaluate",
    "load_dataset": "lithoscope.synthesis.datasets.reading",
    "load_instrument": "lithoscope.io",
    "load_library": "lithoscope.minerals",
    "make_dataset": "lithoscope.workflows.dataset",
    "make_model": "lithoscope.workflows.make_model",
    "make_phantom": "lithoscope.workflows.phantom",
    "map_minerals": "lithoscope.workflows.map_minerals",
    "open_scan": "lithoscope.io",
    "open_spectra": "lithoscope.io",
    "simulate": "lithoscope.workflows.simulate",
    "train_on_data": "lithoscope.workflows.train_on_data",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lithoscope' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

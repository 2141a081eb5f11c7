"""The networks that can be trained, with their cost, as plain values."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch

from lithoscope.inference.prepare import prepared_for_inference
from lithoscope.inference.throughput import spectra_per_second
from lithoscope.models.cost import multiply_adds, parameter_count
from lithoscope.models.precision import cpu_has_bf16
from lithoscope.models.registry import NETWORKS, build_network
from lithoscope.preprocess.model_axis import ModelAxis

# Inputs as `models.inputs` makes them, classes as the library has groups on the M4 Tornado.
_N_INPUTS, _N_CLASSES = 2, 275
_SECONDS = 0.8


def describe_networks(
    progress: Callable[[int, int], None] = lambda done, total: None, *, seconds: float = _SECONDS
) -> dict[str, Any]:
    """Return the JSON document of ``lithoscope models``.

    Parameters
    ----------
    progress
        Called with networks measured and their number.
    seconds
        How long each is measured.
    """
    n_bins = len(ModelAxis())
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    rows = []
    for number, (name, entry) in enumerate(NETWORKS.items()):
        progress(number, len(NETWORKS))
        network = build_network(name, n_inputs=_N_INPUTS, n_bins=n_bins, n_classes=_N_CLASSES)
        prepared = prepared_for_inference(network.eval())
        rate = spectra_per_second(prepared, n_inputs=_N_INPUTS, n_bins=n_bins, seconds=seconds)
        rows.append(
            {
                "name": name,
                "summary": entry.summary,
                "source": entry.source,
                "takes": entry.takes,
                "parameters": parameter_count(network),
                "multiply_adds": multiply_adds(network, n_inputs=_N_INPUTS, n_bins=n_bins),
                "spectra_per_s": round(rate),
            }
        )
    progress(len(NETWORKS), len(NETWORKS))
    return {
        "networks": rows,
        "n_inputs": _N_INPUTS,
        "n_bins": n_bins,
        "n_classes": _N_CLASSES,
        "measured": {
            "precision": "bfloat16" if cpu_has_bf16() else "float32",
            "threads": torch.get_num_threads(),
            "seconds_each": seconds,
            "load_before": load,
        },
    }

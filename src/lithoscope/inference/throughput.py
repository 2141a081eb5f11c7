"""How many spectra a second a network classifies here and now."""

from __future__ import annotations

import time

import torch

from lithoscope.inference.prepare import CHUNK, PreparedNetwork


def spectra_per_second(
    network: PreparedNetwork, *, n_inputs: int, n_bins: int, seconds: float
) -> float:
    """Measure a network on random inputs, with as many threads as torch uses.

    The fastest of all chunks after three to warm up: what other work on the machine does to the
    rest says nothing of the network.

    Parameters
    ----------
    network
        The network, prepared.
    n_inputs, n_bins
        Shape of one spectrum.
    seconds
        How long to measure.
    """
    inputs = torch.rand(CHUNK, n_inputs, n_bins), torch.rand(CHUNK, 1)
    fastest = float("inf")
    with torch.inference_mode():
        for _ in range(3):
            network(*inputs)
        end = time.perf_counter() + seconds
        while fastest == float("inf") or time.perf_counter() < end:
            start = time.perf_counter()
            network(*inputs)
            fastest = min(fastest, time.perf_counter() - start)
    return CHUNK / fastest

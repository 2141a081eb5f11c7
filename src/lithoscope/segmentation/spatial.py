"""Smoothing by a network that has learnt on phantoms what surroundings say.

The network (`lithoscope.models.spatial`) is shown, of each class and pixel, what the spectrum says
and what the Potts model makes of it, and corrects the latter: it has seen that a line of a third
mineral between two others is a mixture, and what grains look like. It works on tiles with margins
as wide as it sees, so that the map is the same as if it had seen all of it at once.
"""

from __future__ import annotations

import functools
from importlib import resources

import numpy as np
import torch
from numpy.typing import NDArray

from lithoscope.core.labels import VOID
from lithoscope.inference.posteriors import Posteriors
from lithoscope.inference.priors import ScanPriors
from lithoscope.models.spatial import ALIGNMENT, CHANNELS, SpatialNetwork, load_spatial
from lithoscope.segmentation.potts import (
    classes_to_try,
    evidence_of_classes,
    potts_probabilities,
)

# Logarithms of probabilities end here: e^-12 is six wrong pixels in a million.
_LEAST_LOG = -12.0
_LARGEST_ODDS = 8.0
_SCALE = 4.0
_TILE = 96


@functools.cache
def shipped_network() -> SpatialNetwork:
    """Return the network that ships; ``python -m benchmarks.map_smoother`` trains it."""
    source = resources.files("lithoscope") / "segmentation" / "data" / "unet.safetensors"
    with resources.as_file(source) as path:
        return load_spatial(path)


def class_maps(
    posteriors: Posteriors,
    priors: ScanPriors,
    classes: NDArray[np.int16],
    speaks: NDArray[np.bool_],
    rows: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what the network is shown of a band of rows.

    Parameters
    ----------
    posteriors, priors
        Of the whole scan.
    classes
        Classes to choose among.
    speaks
        Pixels that are neither void nor unknown, shape (y, x).
    rows
        First row of the band, and the one after its last.

    Returns
    -------
    maps : ndarray, shape (class, `CHANNELS`, row, x)
        Logarithm of the probability by the spectrum alone, under the scan's priors and under even
        ones; that probability; logarithm of its ratio to the best other class; probability by the
        Potts model; whether the pixel speaks.
    guess : ndarray, shape (class, row, x)
        Logarithm of the probability by the Potts model.
    """
    first, last = rows
    scored = evidence_of_classes(posteriors.rows(first, last), priors, classes)
    under_priors = _log_softmax(scored)
    shares = np.log(np.maximum(priors.shares[classes], 1e-30)).astype(np.float32)
    even = _log_softmax(scored - shares)
    marginals = potts_probabilities(posteriors, priors, classes, speaks, rows)
    maps = np.empty((classes.size, CHANNELS, last - first, speaks.shape[1]), dtype=np.float32)
    guess = np.log(np.maximum(marginals, np.exp(_LEAST_LOG)))
    channels = (
        np.maximum(under_priors, _LEAST_LOG) / _SCALE,
        np.maximum(even, _LEAST_LOG) / _SCALE,
        np.exp(under_priors),
        np.clip(_odds(scored), -_LARGEST_ODDS, _LARGEST_ODDS) / _SCALE,
        marginals,
        np.broadcast_to(speaks[first:last, :, None], marginals.shape),
    )
    for number, channel in enumerate(channels):
        maps[:, number] = np.moveaxis(channel, 2, 0)
    # A pixel that does not speak is seen by none.
    maps *= speaks[first:last]
    return maps, np.ascontiguousarray(np.moveaxis(guess, 2, 0))


def _log_softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    above = scores - scores.max(axis=2, keepdims=True)
    return np.asarray(above - np.log(np.exp(above).sum(axis=2, keepdims=True)))


def _odds(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithm of the ratio of each class to the best other one, shape (y, x, class)."""
    if scores.shape[2] == 1:
        return np.full_like(scores, _LARGEST_ODDS)
    best_two = np.partition(scores, -2, axis=2)[..., -2:]
    others = np.where(scores == best_two[..., 1:], best_two[..., :1], best_two[..., 1:])
    return np.asarray(scores - others)


def network_smoothed(
    posteriors: Posteriors,
    priors: ScanPriors,
    network: SpatialNetwork,
    *,
    void: NDArray[np.bool_],
    silent: NDArray[np.bool_],
    tile: int = _TILE,
) -> NDArray[np.int16]:
    """Return the most probable class of each pixel, given its spectrum and its surroundings.

    Parameters
    ----------
    posteriors
        Under even priors, shape (y, x).
    priors
        The scan's.
    network
        A trained one.
    void
        Pixels of no class, shape (y, x); they stay.
    silent
        Pixels that no other heeds, such as unknown ones, shape (y, x).
    tile
        Side of the squares that are worked on at a time, a multiple of 4.

    Returns
    -------
    ndarray, shape (y, x)
    """
    classes = classes_to_try(posteriors, priors, ~void)
    smoothed = np.full(posteriors.shape, VOID, dtype=np.int16)
    if not classes.size:
        return smoothed
    speaks = ~(void | silent)
    height, width = posteriors.shape
    reach = network.shape.reach
    for top in range(0, height, tile):
        first, last = max(0, top - reach), min(height, top + tile + reach)
        maps, guess = class_maps(posteriors, priors, classes, speaks, (first, last))
        for left in range(0, width, tile):
            begin, end = max(0, left - reach), min(width, left + tile + reach)
            scores = _scores(network, maps[..., begin:end], guess[..., begin:end])
            inner = scores[:, top - first :, left - begin :][:, :tile, :tile]
            rows, columns = inner.shape[1:]
            smoothed[top : top + rows, left : left + columns] = classes[inner.argmax(axis=0)]
    return np.where(void, np.int16(VOID), smoothed)


def _scores(
    network: SpatialNetwork, maps: NDArray[np.float32], guess: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Logits of a tile, shape (class, y, x), padded for the network and cut again."""
    height, width = guess.shape[1:]
    padding = (0, -width % ALIGNMENT, 0, -height % ALIGNMENT)
    with torch.inference_mode():
        found = network(
            torch.nn.functional.pad(torch.from_numpy(maps), padding)[None],
            torch.nn.functional.pad(torch.from_numpy(guess), padding)[None],
        )
    return np.asarray(found[0, :, :height, :width].numpy())

"""Whether a measured scan is of the kind that a model saw in training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.conditions import Condition

# A channel is dead if it is empty where its neighbours have so many counts; by chance that happens
# to one channel in 1e9.
_SURELY_COUNTED = 20.0
_NEIGHBOURS = 9
# From so many dead channels on, a spectrum is not what it was taken for.
_DEAD_SHARE = 0.05
# What of the model's axis may be missing where the sum spectrum still has signal at the end.
_MISSING_KEV = 1.0
_SIGNAL = 1e-3
_MOST_BEYOND = 0.5
_SHOWN = 5


def dead_channels(sum_spectrum: NDArray[np.generic]) -> NDArray[np.int64]:
    """Channels that are empty in a sum spectrum though those around them are not.

    Parameters
    ----------
    sum_spectrum
        Shape (channel,).

    Returns
    -------
    ndarray, shape (dead channel,)
    """
    values = np.asarray(sum_spectrum, dtype=np.float64)
    around = median_filter(values, size=_NEIGHBOURS, mode="nearest")
    return np.flatnonzero((values == 0) & (around > _SURELY_COUNTED))


def check_harmony(
    *,
    sum_spectrum: NDArray[np.generic],
    counts: NDArray[np.floating],
    axis: EnergyAxis,
    model_axis: ModelAxis,
    condition: Condition,
) -> str | None:
    """Compare a scan with what a model saw: energies, counts, dead channels.

    Parameters
    ----------
    sum_spectrum
        Sum of all pixels, shape (channel,).
    counts
        Counts of each pixel on the model's axis, any shape.
    axis
        The scan's axis.
    model_axis, condition
        What the model was trained on.

    Returns
    -------
    str or None
        One line that names all that differs; ``None`` where nothing does.

    Raises
    ------
    PreprocessingError
        If more than 5 % of the channels that should have counts are dead: no answer would mean
        anything.
    """
    found = [
        *_missing_energies(sum_spectrum, axis, model_axis),
        *_strange_counts(counts, condition),
        *_dead(sum_spectrum, axis, model_axis),
    ]
    return None if not found else "the scan is not what the model saw: " + "; ".join(found)


def _missing_energies(
    sum_spectrum: NDArray[np.generic], axis: EnergyAxis, model_axis: ModelAxis
) -> list[str]:
    edges = axis.edges_keV
    found = []
    if edges[0] > model_axis.low_keV + 0.1:
        found.append(f"it begins at {edges[0]:.2f} keV, the model at {model_axis.low_keV} keV")
    values = np.asarray(sum_spectrum, dtype=np.float64)
    last = values[axis.energies_keV > edges[-1] - _MISSING_KEV].mean()
    if edges[-1] < model_axis.high_keV - _MISSING_KEV and last > _SIGNAL * values.max() > 0:
        found.append(
            f"it ends at {edges[-1]:.1f} keV, where it still has counts; the model goes to "
            f"{model_axis.high_keV} keV"
        )
    return found


def _strange_counts(counts: NDArray[np.floating], condition: Condition) -> list[str]:
    low, high = condition.counts
    seen = counts[counts >= low]
    beyond = float((seen > high).mean()) if seen.size else 0.0
    if beyond > _MOST_BEYOND:
        return [f"{beyond:.0%} of the pixels have more than the {high:,.0f} counts it saw at most"]
    return []


def _dead(sum_spectrum: NDArray[np.generic], axis: EnergyAxis, model_axis: ModelAxis) -> list[str]:
    dead = dead_channels(sum_spectrum)
    energies = axis.energies_keV
    inside = (energies >= model_axis.low_keV) & (energies <= model_axis.high_keV)
    dead = dead[inside[dead]]
    if not dead.size:
        return []
    places = ", ".join(f"{energies[channel]:.2f}" for channel in dead[:_SHOWN].tolist())
    more = f" and {dead.size - _SHOWN} more" if dead.size > _SHOWN else ""
    lively = np.count_nonzero(np.asarray(sum_spectrum)[inside]) + dead.size
    if dead.size > _DEAD_SHARE * lively:
        raise PreprocessingError(
            f"{dead.size} of {lively} channels are empty though their neighbours are not, at "
            f"{places} keV{more}.",
            expected="counts in every channel, as the model saw in training",
            remedy="check how the file was made: were channels joined, scaled or cut?",
        )
    return [f"dead channels at {places} keV{more}"]

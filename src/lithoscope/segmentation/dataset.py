"""A mineral map as an xarray Dataset, and on disk as zarr."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lithoscope.core.labels import VOID, LabelSet
from lithoscope.inference.answer import LEVELS
from lithoscope.segmentation.answers import NO_ANSWER, MapAnswers

if TYPE_CHECKING:
    import xarray as xr


_LONG_NAMES = {
    "mineral": "most probable mineral",
    "mineral_smoothed": "most probable mineral, smoothed",
    "mineral_with_priors": "most probable mineral under the scan's own frequencies",
    "confidence_with_priors": "probability of the mineral under the scan's own frequencies",
    "confidence": "probability of the mineral",
    "unknown": "like nothing the model was trained on",
    "ood_score": "out-of-distribution score, higher is stranger",
    "counts": "total counts on the model's axis, zero peak left out",
}


def map_dataset(
    *,
    classes: NDArray[np.int16],
    smoothed: NDArray[np.int16],
    confidence: NDArray[np.float32],
    unknown: NDArray[np.bool_],
    ood_score: NDArray[np.float32],
    counts: NDArray[np.float32],
    labels: LabelSet,
    coordinates: tuple[NDArray[np.float64], NDArray[np.float64]],
    units: str,
    attributes: dict[str, Any],
    with_priors: tuple[NDArray[np.int16], NDArray[np.float32]] | None = None,
) -> xr.Dataset:
    """Put the layers of a mineral map together, with CF flag meanings.

    Parameters
    ----------
    classes, smoothed, confidence, unknown, ood_score, counts
        Layers, shape (y, x).
    labels
        The classes.
    coordinates
        Pixel centres along y and x.
    units
        ``mm``, or ``pixel`` where the pixel size is unknown.
    attributes
        Facts about the run.
    with_priors
        Most probable class under the scan's priors and its probability, shape (y, x) each.
    """
    import xarray as xr

    flags: dict[str, Any] = {
        "flag_values": [VOID, *range(len(labels))],
        "flag_meanings": " ".join(["void", *map(_flag_meaning, labels.labels)]),
        "long_names": json.dumps(list(labels.labels), ensure_ascii=False),
    }
    layers: dict[str, tuple[NDArray[Any], dict[str, Any]]] = {
        "mineral": (classes.astype(np.int16), flags),
        "mineral_smoothed": (smoothed.astype(np.int16), flags),
        "confidence": (confidence.astype(np.float32), {"units": "1"}),
        "unknown": (unknown.astype(bool), {}),
        "ood_score": (ood_score.astype(np.float32), {"units": "1"}),
        "counts": (counts.astype(np.float32), {"units": "1"}),
    }
    if with_priors is not None:
        layers["mineral_with_priors"] = with_priors[0].astype(np.int16), flags
        layers["confidence_with_priors"] = with_priors[1].astype(np.float32), {"units": "1"}
    return xr.Dataset(
        {
            name: (("y", "x"), values, {"long_name": _LONG_NAMES[name], **attrs})
            for name, (values, attrs) in layers.items()
        },
        coords={
            "y": ("y", coordinates[0], {"units": units}),
            "x": ("x", coordinates[1], {"units": units}),
        },
        attrs={
            "long_names": json.dumps(list(labels.labels), ensure_ascii=False),
            "units": units,
            **attributes,
        },
    )


def with_answers(dataset: xr.Dataset, found: MapAnswers) -> xr.Dataset:
    """Add the finest answer of each pixel as `answer`, and its level as `answer_level`.

    Parameters
    ----------
    dataset
        From `map_dataset`.
    found
        The answers; unknown pixels have one as well.
    """
    labels = [str(answer.label) for answer in found.answers]
    numbers = {
        "long_name": "as fine an answer as the counts allow",
        "flag_values": [NO_ANSWER, *range(len(labels))],
        "flag_meanings": " ".join(["none", *map(_flag_meaning, labels)]),
        "long_names": json.dumps(labels, ensure_ascii=False),
    }
    levels = {
        "long_name": "how fine the answer is",
        "flag_values": list(range(len(LEVELS))),
        "flag_meanings": " ".join(map(_flag_meaning, LEVELS)),
    }
    return dataset.assign(
        answer=(("y", "x"), found.numbers, numbers),
        answer_level=(("y", "x"), found.levels, levels),
    )


def with_element_maps(dataset: xr.Dataset, maps: Mapping[str, NDArray[np.floating]]) -> xr.Dataset:
    """Add net counts of lines as `net_counts`, on (line, y, x).

    Parameters
    ----------
    dataset
        From `map_dataset`.
    maps
        Net counts by line name, shape (y, x) each.
    """
    if not maps:
        return dataset
    values = np.stack([np.asarray(counts, dtype=np.float32) for counts in maps.values()])
    attributes = {"long_name": "net counts of a line above the background beside it", "units": "1"}
    return dataset.assign_coords(line=("line", list(maps))).assign(
        net_counts=(("line", "y", "x"), values, attributes)
    )


def _flag_meaning(label: str) -> str:
    """CF flag meanings are words without blanks; members of a group are joined by ``+``."""
    return label.replace(" ", "_").replace("/", "+")


def write_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write a Dataset as zarr (format 2, which older readers open too)."""
    dataset.to_zarr(path, mode="w", zarr_format=2, consolidated=True)

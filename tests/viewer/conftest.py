"""A result of 4 x 5 pixels, worked out by hand, and its scan."""

import json
from importlib.metadata import version

import numpy as np
import pytest
import xarray as xr

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.labels import Group, LabelSet
from lithoscope.core.scan import Scan
from lithoscope.io.stored_results import StoredMap
from lithoscope.viewer.source import Source

LABELS = LabelSet((Group(("quartz",)), Group(("calcite", "aragonite")), Group(("pyrite",))))
MINERAL = np.array([[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [0, 1, 1, 1, -1], [0, 0, 0, 2, -1]])
SMOOTHED = np.array([[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [0, 0, 1, 1, -1], [0, 0, 0, 0, -1]])
UNKNOWN = np.zeros((4, 5), dtype=bool)
UNKNOWN[0, 0] = UNKNOWN[2, 4] = True
CONFIDENCE = np.linspace(0, 0.95, 20).reshape(4, 5)
AXIS = EnergyAxis(0.0, 0.01, 1000)


def small_counts():
    """A flat background of 1, and 100 y + 10 x + 7 counts in the channel of Fe Kα (6.40 keV)."""
    counts = np.ones((4, 5, 1000), dtype=np.uint16)
    y, x = np.mgrid[:4, :5]
    counts[..., 640] += (100 * y + 10 * x + 7).astype(np.uint16)
    return counts


@pytest.fixture
def scan():
    return Scan.from_counts(small_counts(), AXIS, pixel_size_mm=(0.1, 0.2), title="four by five")


@pytest.fixture
def stored(tmp_path):
    return StoredMap(tmp_path, LABELS, MINERAL, SMOOTHED, CONFIDENCE, UNKNOWN)


@pytest.fixture
def source(scan, stored):
    return Source(scan, stored, {"energy_axis": {"channels": 1000}, "model": "default"})


@pytest.fixture
def result_folder(tmp_path):
    """The same on disk, as `map` lays it out, with its scan beside it."""
    from lithoscope.segmentation.dataset import write_dataset

    path = tmp_path / "scan.npz"
    np.savez(path, counts=small_counts(), energy_keV=AXIS.energies_keV)
    folder = tmp_path / "result"
    folder.mkdir()
    layers = {
        "mineral": MINERAL.astype(np.int16),
        "mineral_smoothed": SMOOTHED.astype(np.int16),
        "confidence": CONFIDENCE.astype(np.float32),
        "unknown": UNKNOWN,
        "ood_score": CONFIDENCE.astype(np.float32),
        "counts": CONFIDENCE.astype(np.float32),
    }
    dataset = xr.Dataset(
        {name: (("y", "x"), values) for name, values in layers.items()},
        coords={"y": np.arange(4.0), "x": np.arange(5.0)},
        attrs={"long_names": json.dumps(list(LABELS.labels)), "units": "mm"},
    )
    write_dataset(dataset, folder / "result.zarr")
    run = {
        "input": str(path),
        "title": "four by five",
        "model": "default",
        "energy_axis": {"offset_keV": 0.0, "gain_keV": 0.01, "channels": 1000},
        "instrument": {"name": "m4-tornado", "voltage_kV": 50.0},
        "versions": {"lithoscope": version("lithoscope")},
    }
    (folder / "run.json").write_text(json.dumps(run))
    return folder

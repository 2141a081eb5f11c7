"""Signals in memory: a stand-in with HyperSpy's attributes, and RosettaSciIO's dictionaries."""

from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pytest
from rsciio.hspy import file_reader

import lithoscope as ls
from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError
from lithoscope.io.signals import as_scan

DEMO_SCAN = files("lithoscope") / "demo_data" / "laguna_salinas.hspy"
COUNTS = np.arange(2 * 3 * 5, dtype=np.uint16).reshape(2, 3, 5)


def axis(place, name, **facts):
    given = {"offset": 0.0, "scale": 1.0, "units": "mm", "navigate": True} | facts
    return SimpleNamespace(index_in_array=place, name=name, **given)


def signal(data=COUNTS, metadata=None, **energy):
    """HyperSpy lists navigated axes as (x, y), against the order of the array."""
    given = {"offset": -50.0, "scale": 10.0, "units": "eV", "navigate": False} | energy
    return SimpleNamespace(
        data=data,
        axes_manager=SimpleNamespace(
            navigation_axes=(axis(1, "x", scale=20.0, units="µm"), axis(0, "y", scale=0.03)),
            signal_axes=(axis(2, "Energy", **given),),
        ),
        metadata=SimpleNamespace(
            as_dictionary=lambda: metadata or {"General": {"title": "a rock"}}
        ),
    )


def test_axes_of_a_signal_are_those_of_its_array_in_keV_and_mm():
    scan = as_scan(signal())
    assert scan.shape == (2, 3)
    assert scan.axis == EnergyAxis(-0.05, 0.01, 5)
    assert scan.pixel_size_mm == pytest.approx((0.03, 0.02))
    assert scan.title == "a rock"
    assert np.array_equal(scan.rows(1, 2), COUNTS[1:])


def test_of_a_lazy_signal_only_the_rows_at_hand_are_computed():
    dask_array = pytest.importorskip("dask.array")
    computed = []

    def block(block_info=None):
        computed.append(block_info[None]["array-location"][0])
        return COUNTS[slice(*computed[-1])]

    lazy = dask_array.map_blocks(block, chunks=((1, 1), (3,), (5,)), dtype=np.uint16)
    counts = as_scan(signal(lazy)).rows(1, 2)
    assert np.array_equal(counts, COUNTS[1:])
    assert computed == [(1, 2)]


def test_a_dictionary_of_rosettasciio_gives_the_scan_of_open_scan():
    document = file_reader(str(DEMO_SCAN))[0]
    scan, opened = as_scan(document), ls.open_scan(DEMO_SCAN)
    assert scan.axis == opened.axis
    assert scan.pixel_size_mm == pytest.approx(opened.pixel_size_mm)
    assert np.array_equal(scan.rows(3, 5), opened.rows(3, 5))


def test_a_map_of_a_signal_is_that_of_its_scan(tiny_model):
    pixels = [ls.simulate(name, counts=2000, seed=1).counts for name in ("quartz", "calcite")]
    own = ls.simulate("quartz").axis
    data = np.array([pixels, pixels])
    made = ls.map_minerals(
        signal(data, offset=own.offset_keV, scale=own.gain_keV, units="keV"), model=tiny_model
    )
    direct = ls.map_minerals(Scan.from_counts(data, own), model=tiny_model)
    assert np.array_equal(made.dataset["mineral"], direct.dataset["mineral"])
    assert len(np.unique(made.dataset["mineral"])) == 2


def test_a_scan_stays_as_it_is():
    scan = Scan.from_counts(COUNTS, EnergyAxis(0.0, 0.01, 5))
    assert as_scan(scan) is scan


def test_an_electron_microscope_is_recognised():
    metadata = {"Acquisition_instrument": {"SEM": {"beam_energy": 15}}}
    assert as_scan(signal(metadata=metadata)).electron_beam


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("sample.bcf", "A str is no scan"),
        (COUNTS, "A ndarray is no scan"),
        ({"data": COUNTS}, "A dict is no scan"),
        (signal(COUNTS[0]), "no map of spectra"),
        (signal(units="<undefined>"), "no energy calibration"),
        (signal(scale=0.0), "no usable energy calibration"),
        (signal(navigate=True), "only axis of energy"),
    ],
)
def test_what_is_no_map_of_spectra_is_refused_with_a_way_out(given, message):
    with pytest.raises(ScanError, match=message):
        as_scan(given)


@pytest.mark.parametrize("bad", [COUNTS.astype(float) - 1, np.full((2, 3, 5), np.nan), COUNTS > 3])
def test_bad_counts_are_refused_when_they_are_read(bad):
    with pytest.raises(ScanError):
        as_scan(signal(bad)).rows(0, 2)

"""Machines are changed as their parameters say."""

import dataclasses

import numpy as np
import pytest

from lithoscope.core.instrument import Atmosphere, Layer
from lithoscope.physics.detector import fwhm_from_energy
from lithoscope.synthesis.distortions import DISTORTIONS
from lithoscope.synthesis.distortions.air import Air
from lithoscope.synthesis.distortions.base import MachineDistortion
from lithoscope.synthesis.distortions.optic import Optic
from lithoscope.synthesis.distortions.resolution import Resolution
from lithoscope.synthesis.distortions.tail import Tail
from lithoscope.synthesis.distortions.tube_filter import FILTERS, TubeFilter
from lithoscope.synthesis.distortions.voltage import Voltage

MACHINE_KINDS = [kind for kind in DISTORTIONS if issubclass(kind, MachineDistortion)]


def drawn(distortion, instrument, number=2000):
    """Parameters of many machines, by name, shape (machine,)."""
    rng = np.random.default_rng(0)
    rows = [distortion.sample(instrument, rng) for _ in range(number)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.parametrize("kind", MACHINE_KINDS, ids=lambda kind: kind.name)
def test_every_draw_is_an_instrument_and_seeded(kind, tornado):
    for severity in (0.5, 2.0, 5.0):
        distortion = kind(severity)
        once, again = (np.random.default_rng(7) for _ in range(2))
        for _ in range(100):
            parameters = distortion.sample(tornado, once)
            assert parameters == distortion.sample(tornado, again)
            # Instruments check themselves when made.
            distortion.apply(tornado, parameters)


def test_voltage(tornado):
    values = drawn(Voltage(2.0), tornado)["voltage_kV"]
    assert 25 <= values.min() < 25.5
    assert 49.5 < values.max() <= 50
    assert drawn(Voltage(5.0), tornado)["voltage_kV"].min() >= 15
    changed = Voltage(2.0).apply(tornado, {"voltage_kV": 31.5})
    assert changed == dataclasses.replace(
        tornado, tube=dataclasses.replace(tornado.tube, voltage_kV=31.5)
    )


def test_filter(tornado):
    values = drawn(TubeFilter(2.0), tornado)
    used = values["filter"] >= 0
    assert used.mean() == pytest.approx(0.1, abs=0.02)
    assert set(values["filter"][used]) == set(range(len(FILTERS)))
    changed = TubeFilter().apply(tornado, {"filter": 3.0, "relative_thickness": 1.1})
    assert [foil.formula for foil in changed.tube.filters] == ["Al", "Ti"]
    assert [foil.thickness_um for foil in changed.tube.filters] == pytest.approx([110, 27.5])
    assert TubeFilter().apply(tornado, {"filter": -1.0, "relative_thickness": 1.1}) == tornado
    own = dataclasses.replace(
        tornado, tube=dataclasses.replace(tornado.tube, filters=(Layer("Cu", 5.0, 8.96),))
    )
    changed = TubeFilter().apply(own, {"filter": 0.0, "relative_thickness": 1.0})
    assert [foil.formula for foil in changed.tube.filters] == ["Al", "Cu"]


def test_optic(tornado):
    values = drawn(Optic(2.0), tornado)
    for name, spread in (
        ("rise", 0.2),
        ("fall_keV", 0.08),
        ("steepness", 0.06),
        ("k_line_factor", 0.2),
    ):
        assert np.log(values[name]).std() == pytest.approx(spread, rel=0.06)
        assert np.log(values[name]).mean() == pytest.approx(0, abs=0.1 * spread)
    assert values["bare"].mean() == pytest.approx(0.05, abs=0.015)
    factors = {"rise": 1.1, "fall_keV": 0.9, "steepness": 1.05, "k_line_factor": 0.8, "bare": 0.0}
    changed = Optic().apply(tornado, factors)
    assert changed.tube.k_line_factor == pytest.approx(0.8 * tornado.tube.k_line_factor)
    for name in ("rise", "fall_keV", "steepness"):
        assert getattr(changed.optic, name) == pytest.approx(
            factors[name] * getattr(tornado.optic, name)
        )
    assert changed.optic.convergence_deg == tornado.optic.convergence_deg
    assert Optic().apply(tornado, {**factors, "bare": 1.0}).optic is None
    # A lens that fell less steeply than it rises would be none.
    changed = Optic().apply(tornado, {**factors, "rise": 5.0, "steepness": 0.3})
    assert changed.optic.steepness > changed.optic.rise


def test_air(tornado):
    left = drawn(Air(2.0), tornado)["pressure_mbar"]
    assert 19 < left.max() <= 20
    full = drawn(Air(4.0), tornado)["pressure_mbar"] == 1013
    assert full.mean() == pytest.approx(0.2, abs=0.03)
    changed = Air().apply(tornado, {"pressure_mbar": 12.0}).atmosphere
    assert (changed.gas, changed.pressure_mbar) == ("air", 12.0)
    assert changed.detection_path_mm == tornado.atmosphere.detection_path_mm
    helium = dataclasses.replace(tornado, atmosphere=Atmosphere("helium"))
    assert Air().apply(helium, {"pressure_mbar": 12.0}) == helium


def test_resolution(tornado):
    values = drawn(Resolution(2.0), tornado)["relative_width"]
    assert 0.95 <= values.min() < 0.951
    assert 1.049 < values.max() <= 1.05
    changed = Resolution().apply(tornado, {"relative_width": 1.04})
    energies = np.array([0.5, 1.74, 6.4, 20.0])
    np.testing.assert_allclose(
        fwhm_from_energy(detector=changed.detector, energies_keV=energies),
        1.04 * fwhm_from_energy(detector=tornado.detector, energies_keV=energies),
    )


def test_tail(tornado):
    values = drawn(Tail(2.0), tornado)
    for name in ("tail_fraction", "shelf_fraction", "electron_loss"):
        assert np.log(values[name]).std() == pytest.approx(0.3, rel=0.06)
    factors = {"tail_fraction": 1.5, "shelf_fraction": 2.0, "electron_loss": 0.5}
    shelved = dataclasses.replace(
        tornado, detector=dataclasses.replace(tornado.detector, shelf_fraction=0.02)
    )
    changed = Tail().apply(shelved, factors).detector
    assert changed.tail_fraction == pytest.approx(1.5 * tornado.detector.tail_fraction)
    assert changed.shelf_fraction == pytest.approx(0.04)
    assert changed.electron_loss == pytest.approx(0.5 * tornado.detector.electron_loss)
    assert Tail().apply(shelved, {**factors, "tail_fraction": 99.0}).detector.tail_fraction == 0.2

"""A distortion of severity 0 changes nothing at all, and other severities are checked."""

import numpy as np
import pytest
import torch

from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.distortions import DISTORTIONS, NAMES, distortions_from_severities
from lithoscope.synthesis.distortions.base import (
    CountsDistortion,
    MachineDistortion,
    SpectrumDistortion,
    SurfaceDistortion,
)
from lithoscope.synthesis.distortions.energy import true_energies
from lithoscope.synthesis.surface import Surface


def of_kind(base):
    """Give a test each class of a kind, under its name."""
    kinds = [kind for kind in DISTORTIONS if issubclass(kind, base)]
    return pytest.mark.parametrize("kind", kinds, ids=[kind.name for kind in kinds])


@of_kind(MachineDistortion)
def test_a_machine_stays(kind, tornado):
    off, rng = kind(0.0), np.random.default_rng(0)
    for _ in range(20):
        assert off.apply(tornado, off.sample(tornado, rng)) == tornado


@of_kind(SurfaceDistortion)
def test_a_surface_stays(kind, tornado):
    before = Surface.ideal(50, np.linspace(1.0, 50.0, 30), tornado.geometry)
    off = kind(0.0)
    after = off.apply(before, off.sample(before, tornado, np.random.default_rng(0)), tornado)
    for name in ("diffuse_share", "mass_thickness_g_cm2", "incidence_deg", "take_off_deg"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


@of_kind(SpectrumDistortion)
def test_spectra_stay(kind, ideal, draws):
    off = kind(0.0)
    assert torch.equal(off.apply(ideal.spectra(), off.sample(ideal, draws), ideal), ideal.spectra())


@of_kind(CountsDistortion)
def test_counts_stay(kind, ideal, draws):
    off = kind(0.0)
    counts = ideal.spectra() * 1000
    assert torch.equal(off.apply(counts, off.sample(draws), ideal.edges_keV), counts)


def test_calibration_and_counting_stay(ideal, draws):
    energy, poisson = (distortion_of(name)(0.0) for name in ("energy", "poisson"))
    true = true_energies(ideal.edges_keV, energy.sample(draws))
    assert torch.equal(true, ideal.edges_keV.expand(len(ideal), -1))
    assert energy.reach(-0.5, 40.0) == (-0.5, 40.0)
    assert torch.equal(poisson.apply(ideal.spectra(), poisson.sample(draws)), ideal.spectra())


def distortion_of(name):
    return DISTORTIONS[NAMES.index(name)]


def test_all_kinds_are_tested_above():
    kinds = (MachineDistortion, SurfaceDistortion, SpectrumDistortion, CountsDistortion)
    others = {kind.name for kind in DISTORTIONS if not issubclass(kind, kinds)}
    assert others == {"energy", "poisson"}
    assert len(set(NAMES)) == len(DISTORTIONS) == 22


def test_a_stream_of_severity_0_is_ideal(make_stream):
    off, ideal = make_stream(dict.fromkeys(NAMES, 0.0)).batch(1), make_stream({}).batch(1)
    assert torch.equal(off.counts, ideal.counts)
    assert off.parameters == {}


@pytest.mark.parametrize("kind", DISTORTIONS, ids=NAMES)
@pytest.mark.parametrize("severity", [-0.1, 5.01, float("nan")])
def test_severities_out_of_range_are_refused(kind, severity):
    with pytest.raises(
        InvalidValueError, match=rf"{kind.name} at severity .*\n.*0 \(nothing\) to 5"
    ):
        kind(severity)


def test_unknown_distortions_are_refused():
    with pytest.raises(InvalidValueError, match=r"no distortion 'brag'.\nExpected: one of bragg"):
        distortions_from_severities({"brag": 1.0})


def test_distortions_act_in_their_order():
    made = distortions_from_severities({"poisson": 1.0, "tilt": 2.0, "bragg": 0.0, "voltage": 3.0})
    assert [(one.name, one.severity) for one in made] == [
        ("voltage", 3.0),
        ("tilt", 2.0),
        ("poisson", 1.0),
    ]

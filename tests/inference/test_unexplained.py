"""What is expected of minerals, mixtures of them, and peaks that are left."""

import numpy as np
import pytest
from scipy.stats import chi2, norm

from lithoscope.core.labels import Group, LabelSet
from lithoscope.errors import InvalidValueError, MineralError
from lithoscope.inference.abundance import find_abundances
from lithoscope.inference.energy_warp import EnergyWarp
from lithoscope.inference.expected_banks import ExpectedBanks
from lithoscope.inference.expected_fit import fit_expected, sum_spectrum
from lithoscope.inference.mixture_fit import significance_of_gain
from lithoscope.inference.nearest_pairs import nearest_pairs
from lithoscope.inference.peak_candidates import artefacts_at, principal_lines_at
from lithoscope.inference.unexplained import UnexplainedPeak, find_unexplained
from lithoscope.io import load_instrument
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.workflows.simulate import simulate

AXIS = ModelAxis()
USED = np.ones(len(AXIS), dtype=bool)


@pytest.fixture(scope="module")
def banks():
    names = ("quartz", "albite", "calcite", "hematite", "galena", "pyrite")
    labels = LabelSet(tuple(Group((name,)) for name in names))
    return ExpectedBanks(load_instrument("m4-tornado"), labels, AXIS.edges_keV)


def _binned(spectrum):
    return AXIS.rebinner(spectrum.axis)(spectrum.counts[None, :])[0].astype(float)


def _expected(name, **options):
    return _binned(simulate(name, **options))


def _drawn(expected, counts, seed=0):
    rng = np.random.default_rng(seed)
    return rng.poisson(expected * counts / expected.sum()).astype(float)


def test_a_bank_starts_with_the_ideal_spectrum_and_is_the_same_again(banks):
    (quartz,) = banks.of_classes([0])
    # The simulator's own axis has 12 eV channels, cut at the ends of the model's bins.
    np.testing.assert_allclose(quartz.total[0], _expected("quartz"), rtol=0.05, atol=2)
    assert quartz.total[0].sum() == pytest.approx(_expected("quartz").sum(), rel=1e-3)
    again = ExpectedBanks(banks.instrument, banks.labels, AXIS.edges_keV).of_classes([1, 0])[1]
    np.testing.assert_allclose(again.total, quartz.total, rtol=1e-4, atol=1e-3)


def test_an_unknown_mineral_has_no_bank():
    labels = LabelSet.of_minerals(["unobtainite"])
    with pytest.raises(MineralError):
        ExpectedBanks(load_instrument("m4-tornado"), labels, AXIS.edges_keV).of_classes([0])


def test_a_natural_composition_is_fitted_within_noise(banks):
    expected = _expected("albite", sampled=True, seed=11)
    fit = fit_expected(100_000 * expected / expected.sum(), banks, [1], used=USED)
    chi = (fit.expected - 1e5 * expected / expected.sum()) ** 2 / np.maximum(fit.expected, 1)
    # Of 460 bins: a tenth of what counting noise would add.
    assert chi.sum() < 46


def test_a_shifted_spectrum_is_shifted_back(banks):
    expected = _expected("hematite")
    shifted = EnergyWarp(offset=1.5, gain=-0.5, variance=1.0).applied(expected, AXIS.edges_keV)
    fit = fit_expected(1e5 * shifted / shifted.sum(), banks, [3], used=USED)
    assert fit.warp.offset == pytest.approx(1.5, abs=0.4)
    assert fit.warp.gain == pytest.approx(-0.5, abs=0.4)
    assert fit.warp.variance == pytest.approx(1.0, abs=0.4)


def test_a_warp_moves_the_mean_and_widens_as_it_says():
    centres = (AXIS.edges_keV[1:] + AXIS.edges_keV[:-1]) / 2
    peak = np.diff(norm.cdf(AXIS.edges_keV, 10.0, 0.075))
    moved = EnergyWarp(offset=1, gain=2).applied(peak, AXIS.edges_keV)
    assert moved @ centres - peak @ centres == pytest.approx(0.012 + 0.06, abs=2e-3)
    wide = EnergyWarp(variance=2).applied(peak, AXIS.edges_keV)
    spread = [one @ (centres - 10) ** 2 for one in (peak, wide)]
    fwhm2 = 0.0754**2 + 2.563e-3 * 10
    assert spread[1] - spread[0] == pytest.approx(0.2 * fwhm2 / (8 * np.log(2)), rel=0.05)


def test_photons_that_meet_have_the_sum_of_their_energies():
    centres = (AXIS.edges_keV[1:] + AXIS.edges_keV[:-1]) / 2
    peaks = np.diff(norm.cdf(AXIS.edges_keV, 3.0, 0.04)) + np.diff(
        norm.cdf(AXIS.edges_keV, 6, 0.06)
    )
    sums = sum_spectrum(peaks, AXIS.edges_keV)
    shares = [sums[np.abs(centres - energy) < 0.6].sum() for energy in (6.0, 9.0, 12.0)]
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.01)
    assert sums @ centres == pytest.approx(9.0, abs=0.01)


@pytest.mark.parametrize(("counts", "seed"), [(1_000, 1), (30_000, 2), (300_000, 3)])
def test_a_pure_mineral_leaves_nothing(banks, counts, seed):
    spectrum = _drawn(_expected("albite", sampled=True, seed=seed), counts, seed)
    assert find_unexplained(spectrum, banks, [1], used=USED).peaks == ()


@pytest.mark.parametrize(
    ("host", "index", "foreign", "energy"),
    [("quartz", 0, "Cu", 8.04), ("calcite", 2, "Pb", 10.55), ("albite", 1, "Zn", 8.63)],
)
def test_a_foreign_element_is_found_and_named(banks, host, index, foreign, energy):
    one, other = _expected(host), _expected(foreign)
    mixed = one / one.sum() + 0.05 * other / other.sum()
    peaks = find_unexplained(_drawn(mixed, 50_000), banks, [index], used=USED).peaks
    assert peaks
    assert peaks[0].energy_keV == pytest.approx(energy, abs=0.06)
    assert peaks[0].elements[0] == foreign
    assert peaks[0].text.startswith(f"{peaks[0].energy_keV:.2f} keV, ")


def test_a_line_without_its_partners_is_no_element(banks):
    quartz = _expected("quartz")
    bragg = np.diff(norm.cdf(AXIS.edges_keV, 10.55, 0.075))
    counts = _drawn(quartz / quartz.sum() + 0.05 * bragg, 200_000)
    peaks = find_unexplained(counts, banks, [0], used=USED).peaks
    assert peaks[0].energy_keV == pytest.approx(10.55, abs=0.03)
    assert peaks[0].elements == ()
    assert "Bragg" in peaks[0].note


def test_lines_that_the_tube_cannot_excite_are_no_candidates():
    lines = principal_lines_at(10.55, edges_keV=AXIS.edges_keV, voltage_kV=50)
    assert {"As Kα", "Pb Lα"} <= {line.label for line in lines}
    at_12_kV = principal_lines_at(10.55, edges_keV=AXIS.edges_keV, voltage_kV=12.5)
    assert [line.label for line in at_12_kV if line.element in ("As", "Pb")] == ["As Kα"]


@pytest.mark.parametrize(
    ("energy", "said"),
    [(6.40 - 1.74, "escape"), (12.81, "sum peak"), (20.21, "scattered Rh Kα")],
)
def test_artefacts_of_iron(energy, said):
    found = artefacts_at(
        energy,
        counts=_expected("hematite"),
        edges_keV=AXIS.edges_keV,
        instrument=load_instrument("m4-tornado"),
    )
    assert any(said in name for name in found)


def test_a_boundary_pixel_is_two_minerals(banks):
    mixed = 0.6 * _expected("quartz") + 0.4 * _expected("albite")
    found = find_abundances(_drawn(mixed, 30_000), banks, [3, 2, 4, 5, 1, 0], used=USED)
    assert found.classes == (0, 1)
    assert found.area_shares[0] == pytest.approx(0.6, abs=0.05)
    assert found.significance > 10


def test_shares_of_area_are_not_those_of_counts(banks):
    # Pyrite sends out several times the counts of quartz.
    mixed = 0.8 * _expected("quartz") + 0.2 * _expected("pyrite")
    found = find_abundances(_drawn(mixed, 30_000), banks, [0, 5, 1, 2, 3, 4], used=USED)
    assert found.classes == (0, 5)
    assert found.area_shares[1] == pytest.approx(0.2, abs=0.02)
    counts = 0.2 * _expected("pyrite").sum() / mixed.sum()
    assert found.count_shares[1] == pytest.approx(counts, abs=0.03)
    assert counts > 0.3


def test_a_pure_mineral_stays_one(banks):
    for seed in range(5):
        spectrum = _drawn(_expected("albite", sampled=True, seed=seed), 10_000, seed)
        assert find_abundances(spectrum, banks, [1, 0, 2, 3, 4, 5], used=USED).classes == (1,)


def test_nearest_pairs_are_those_of_least_squares():
    rng = np.random.default_rng(5)
    templates = rng.gamma(0.6, 1.0, (12, 60))
    counts = 300 * templates[4] + 100 * templates[9]
    (pair,) = nearest_pairs(counts=counts, templates=templates, log_priors=np.zeros(12), number=1)
    assert pair == (4, 9)


@pytest.mark.parametrize(("gain", "freedom"), [(30.0, 1), (100.0, 5), (499.9, 3)])
def test_significance_is_the_normal_quantile(gain, freedom):
    assert significance_of_gain(gain=gain, freedom=freedom) == pytest.approx(
        norm.isf(chi2.sf(gain, freedom))
    )


def test_significance_goes_on_where_tails_are_too_small_for_floats():
    below, above = (significance_of_gain(gain=g, freedom=4) for g in (499.999, 500.001))
    assert above == pytest.approx(below, rel=1e-3)
    assert significance_of_gain(gain=1e6, freedom=4) == pytest.approx(1000, rel=1e-3)


def test_impossible_peaks_are_refused():
    with pytest.raises(InvalidValueError, match="positive"):
        UnexplainedPeak(-1.0, 5.0, (), (), "")

"""The energy axis found from lines, for axes that are off by known amounts."""

import dataclasses
import functools

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import PreprocessingError
from lithoscope.io import load_instrument, open_spectra
from lithoscope.minerals import load_library
from lithoscope.physics.compile import compile_instrument, mass_fraction_matrix
from lithoscope.preprocess.energy_calibration import calibrate_energy
from lithoscope.workflows.demo import PEGMATITE

ROCKS = {
    "pegmatite": PEGMATITE,
    "ore": {"pyrite": 0.3, "chalcopyrite": 0.2, "sphalerite": 0.2, "galena": 0.2, "quartz": 0.1},
    "basalt": {"labradorite": 0.5, "augite": 0.3, "forsterite": 0.1, "ilmenite": 0.1},
    "baryte vein": {"baryte": 0.3, "calcite": 0.4, "fluorite": 0.2, "quartz": 0.1},
}
MACHINE = load_instrument("m4-tornado-40kev")


@functools.cache
def expected(rock, instrument="m4-tornado-40kev"):
    library, shares = load_library(), ROCKS[rock]
    compositions = [library.get(name).composition for name in shares]
    symbols = sorted({symbol for item in compositions for symbol in item.elements})
    compiled = compile_instrument(instrument=load_instrument(instrument), symbols=symbols)
    mean = np.array(list(shares.values())) @ compiled.spectra(
        mass_fraction_matrix(compositions, symbols)
    )
    return mean / mean.sum()


def stated(axis, gain, offset_keV):
    """The axis that a file states when ``true = offset + gain stated``."""
    return EnergyAxis((axis.offset_keV - offset_keV) / gain, axis.gain_keV / gain, axis.n_channels)


@pytest.mark.parametrize("rock", sorted(ROCKS))
@pytest.mark.parametrize(("gain", "offset_eV"), [(1.01, 30), (0.99, -30), (1.0, 0)])
def test_known_shifts_are_recovered(rock, gain, offset_eV):
    counts = np.random.default_rng(7).poisson(expected(rock) * 1e6)
    found = calibrate_energy(counts, stated(MACHINE.axis, gain, offset_eV / 1e3), MACHINE)
    assert found.gain == pytest.approx(gain, abs=5e-4)
    assert 1e3 * found.offset_keV == pytest.approx(offset_eV, abs=2)
    assert found.gain_sigma < 5e-4
    assert found.axis.gain_keV == pytest.approx(MACHINE.axis.gain_keV, rel=5e-4)


def test_the_stated_uncertainty_is_that_of_repeats():
    rng = np.random.default_rng(1)
    runs = [
        calibrate_energy(rng.poisson(expected("pegmatite") * 2e5), MACHINE.axis, MACHINE)
        for _ in range(8)
    ]
    spread = np.std([run.gain for run in runs])
    assert 0.3 < spread / np.mean([run.gain_sigma for run in runs]) < 1.5
    assert max(abs(run.gain - 1) / run.gain_sigma for run in runs) < 4


def test_a_line_that_is_not_where_it_should_be_is_left_out():
    """A Bragg peak beside iron's line, as only a crystal makes it."""
    energies = MACHINE.axis.energies_keV
    counts = np.random.default_rng(2).poisson(
        expected("basalt") * 1e6 + 30_000 / 15 * np.exp(-0.5 * ((energies - 3.75) / 0.06) ** 2)
    )
    found = calibrate_energy(counts, MACHINE.axis, MACHINE)
    assert found.gain == pytest.approx(1, abs=5e-4)
    assert found.offset_keV == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize("counts", [np.zeros(4096), np.ones(4096), None])
def test_too_little_to_fit_is_refused(counts):
    if counts is None:
        counts = np.random.default_rng(0).poisson(expected("basalt") * 3000)
    with pytest.raises(PreprocessingError, match="cannot be checked"):
        calibrate_energy(counts, MACHINE.axis, MACHINE)


@pytest.mark.parametrize("counts", [np.ones(12), np.full(4096, np.nan), np.full(4096, -1.0)])
def test_bad_spectra(counts):
    with pytest.raises(PreprocessingError, match="sum spectrum"):
        calibrate_energy(counts, MACHINE.axis, MACHINE)


@pytest.mark.filterwarnings("ignore")
def test_a_real_machine_that_is_well_calibrated_is_found_so(request):
    """Titanium on a Bruker XS-52; the tube's scatter gives the other lines."""
    folder = request.path.parents[1] / "data"
    spectrum = open_spectra(folder / "Ti.msa")[0]
    found = calibrate_energy(spectrum.counts, spectrum.axis, MACHINE)
    titanium = next(line for line in found.lines if line.label == "Ti Kα")
    assert titanium.used
    assert titanium.measured_keV == pytest.approx(4.509, abs=0.003)
    assert found.gain == pytest.approx(1, abs=1e-3)


def test_another_voltage_and_detector():
    machine = load_instrument("pixl-breadboard")
    counts = np.random.default_rng(3).poisson(expected("basalt", "pixl-breadboard") * 1e6)
    found = calibrate_energy(counts, stated(machine.axis, 1.005, -0.02), machine)
    assert found.gain == pytest.approx(1.005, abs=5e-4)
    assert found.offset_keV == pytest.approx(-0.02, abs=2e-3)
    assert dataclasses.asdict(found)["lines"]

"""The bank and the stream: statistics, shifts, seeds, coverage."""

import numpy as np
import pytest
import torch

from lithoscope.core.instrument import Geometry, Instrument, Polycapillary
from lithoscope.core.labels import LabelSet
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError
from lithoscope.preprocess.model_axis import ModelAxis
from lithoscope.synthesis.bank import SpectrumBank, bank_edges, build_bank
from lithoscope.synthesis.conditions import MeasurementRange, draw_instrument
from lithoscope.synthesis.stream import SpectrumStream

AXIS = ModelAxis()
DRAWN = ("rows", "shares", "gains", "offsets_keV", "totals")
MINERALS = [
    Mineral("quartz", "SiO2", 2.65),
    Mineral(
        "forsterite",
        "Mg2SiO4",
        3.3,
        end_members={"Mg2SiO4": (0.5, 1.0), "Fe2SiO4": (0.0, 0.5)},
    ),
    Mineral("hematite", "Fe2O3", 5.2),
]
LABELS = LabelSet.of_minerals([mineral.name for mineral in MINERALS])
MACHINE = Instrument("test", optic=Polycapillary(1.2, 9.0, 4.4), geometry=Geometry(50, 50, 130))


def make_bank(seed=0):
    return build_bank(
        minerals=MINERALS,
        labels=LABELS,
        instruments=[MACHINE],
        conditions=MeasurementRange(),
        settings=2,
        compositions=3,
        edges_keV=bank_edges(
            low_keV=AXIS.low_keV,
            high_keV=AXIS.high_keV,
            noise_keV=AXIS.noise_keV,
            fano_keV=AXIS.fano_keV,
        ),
        seed=seed,
    )


@pytest.fixture(scope="module")
def bank():
    return make_bank()


def stream(bank, *, seed=0, batch_size=64, **conditions):
    return SpectrumStream(
        bank, MeasurementRange(**conditions), AXIS.edges_keV, batch_size=batch_size, seed=seed
    )


def test_bank_is_normalised_and_seeded(bank):
    np.testing.assert_allclose(bank.spectra.sum(axis=1), 1, rtol=1e-5)
    assert bank.spectra.shape[0] == 2 * 3 * 3
    np.testing.assert_array_equal(bank.spectra, make_bank().spectra)
    assert not np.array_equal(bank.spectra, make_bank(seed=1).spectra)


def test_solid_solutions_vary_and_fixed_formulas_only_with_the_machine(bank):
    def spread(name):
        rows = [
            spectrum
            for spectrum, mineral, setting in zip(
                bank.spectra, bank.minerals, bank.settings, strict=True
            )
            if mineral == name and setting == 0
        ]
        iron = np.abs((bank.edges_keV[1:] + bank.edges_keV[:-1]) / 2 - 6.4) < 0.1
        shares = np.array(rows)[:, iron].sum(axis=1)
        return shares.std() / shares.mean()

    assert spread("forsterite") > 0.05
    assert spread("hematite") < 0.05


def test_machines_differ_within_their_range():
    rng = np.random.default_rng(0)
    drawn = [draw_instrument(MACHINE, MeasurementRange(), rng) for _ in range(50)]
    voltages = [machine.tube.voltage_kV for machine in drawn]
    assert min(voltages) >= 25
    assert max(voltages) <= 50
    assert np.std(voltages) > 4
    assert np.std([machine.optic.fall_keV for machine in drawn]) > 0.3
    still = draw_instrument(MACHINE, MeasurementRange(voltages_kV=(50, 50), optic_spread=0.0), rng)
    assert still == MACHINE


def test_poisson_mean_and_variance(bank):
    source = stream(bank, batch_size=4000, counts=(1000, 1000))
    draw = source.sample(1)
    many = type(draw)(
        draw.rows.repeat(4000, 1),
        draw.shares.repeat(4000, 1),
        draw.gains.repeat(4000),
        draw.offsets_keV.repeat(4000),
        draw.totals.repeat(4000),
        draw.bragg,
    )
    expected = source.expected(many)
    counts = torch.poisson(expected, generator=torch.Generator().manual_seed(1))
    mean, variance = counts.mean(dim=0).numpy(), counts.var(dim=0).numpy()
    bright = expected[0].numpy() > 5
    np.testing.assert_allclose(mean[bright], expected[0].numpy()[bright], rtol=0.05)
    np.testing.assert_allclose(variance[bright] / mean[bright], 1, atol=0.15)
    assert expected[0].sum() == pytest.approx(1000, rel=1e-4)


def test_shift_moves_a_line_by_the_stated_energy(bank):
    source = stream(bank)
    row = int(np.flatnonzero(np.array(bank.minerals) == "hematite")[0])

    def centroid(gain, offset):
        draw = source.sample(1)
        moved = type(draw)(
            torch.tensor([[row, row, row]]),
            torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64),
            torch.tensor([gain], dtype=torch.float64),
            torch.tensor([offset], dtype=torch.float64),
            draw.totals,
            draw.bragg,
        )
        counts = source.expected(moved)[0].numpy()
        middles = (AXIS.edges_keV[1:] + AXIS.edges_keV[:-1]) / 2
        near = np.abs(middles - 6.404) < 0.3
        return counts[near] @ middles[near] / counts[near].sum()

    still = centroid(1.0, 0.0)
    assert centroid(1.0, 0.015) - still == pytest.approx(0.015, abs=0.001)
    assert centroid(1.004, 0.0) - still == pytest.approx(0.004 * 6.404, abs=0.002)


def test_mixtures_add_up_and_the_named_mineral_leads(bank):
    source = stream(bank, mixed_probability=1.0, mixed_share=0.4)
    draw = source.sample(500)
    np.testing.assert_allclose(draw.shares.sum(dim=1), 1)
    assert draw.shares[:, 0].min() >= 0.6
    assert draw.shares[:, 0].max() < 1
    settings = torch.from_numpy(bank.settings)
    assert (settings[draw.rows] == settings[draw.rows[:, :1]]).all()
    one = type(draw)(*(getattr(draw, name)[:1] for name in DRAWN), draw.bragg)
    apart = [
        source.expected(
            type(draw)(
                one.rows[:, [part] * 3],
                torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64),
                one.gains,
                one.offsets_keV,
                one.totals,
                one.bragg,
            )
        )[0]
        for part in range(3)
    ]
    together = sum(share * part for share, part in zip(one.shares[0], apart, strict=True))
    np.testing.assert_allclose(source.expected(one)[0], together, rtol=2e-3, atol=1e-3)


def test_pure_spectra_hold_one_mineral(bank):
    draw = stream(bank, mixed_probability=0.0).sample(100)
    assert (draw.shares[:, 0] == 1).all()


def test_batches_are_seeded_balanced_and_in_range(bank):
    one, same, other = (
        stream(bank, seed=seed, batch_size=3000, counts=(30, 1e6)).batch() for seed in (3, 3, 4)
    )
    assert torch.equal(one.counts, same.counts)
    assert not torch.equal(one.counts, other.counts)
    shares = np.bincount(one.classes.numpy()) / 3000
    np.testing.assert_allclose(shares, 1 / 3, atol=0.04)
    assert 30 <= one.draw.totals.min() < 60
    assert 5e5 < one.draw.totals.max() <= 1e6
    assert one.draw.gains.min() >= 0.995
    assert one.draw.offsets_keV.abs().max() <= 0.015


def test_an_axis_beyond_the_bank_is_refused(bank):
    with pytest.raises(InvalidValueError, match="reach from"):
        SpectrumStream(bank, MeasurementRange(), np.array([0.1, 1.0, 2.0]), batch_size=1, seed=0)
    with pytest.raises(InvalidValueError, match="Batches of 0"):
        stream(bank, batch_size=0)


def test_a_bank_must_hold_every_class(bank):
    chosen = bank.classes != 1
    with pytest.raises(InvalidValueError, match="no spectrum of forsterite"):
        SpectrumBank(
            bank.edges_keV,
            bank.spectra[chosen],
            bank.classes[chosen],
            tuple(np.array(bank.minerals)[chosen]),
            bank.settings[chosen],
            bank.instruments,
            LABELS,
        )
    with pytest.raises(InvalidValueError, match="one class"):
        SpectrumBank(
            bank.edges_keV,
            bank.spectra,
            bank.classes[:-1],
            bank.minerals,
            bank.settings,
            bank.instruments,
            LABELS,
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"voltages_kV": (60, 50)}, "Tube voltages"),
        ({"counts": (100, 10)}, "Counts from"),
        ({"gain_error": 0.5}, "gain error"),
        ({"offset_error_keV": -1}, "offset error"),
        ({"optic_spread": -0.1}, "optic spread"),
        ({"diffuse_share": (0.5, 0.2)}, "Diffuse"),
        ({"mass_thickness_g_cm2": (0.0, 1.0)}, "thicknesses"),
        ({"mixed_probability": 1.5}, "mixture"),
        ({"mixed_share": 0.5}, "mixed share"),
    ],
)
def test_impossible_conditions(change, message):
    with pytest.raises(InvalidValueError, match=message):
        MeasurementRange(**change)

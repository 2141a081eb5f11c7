"""Natural compositions: stoichiometric, within their ranges, evenly spread, repeatable."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.core.elements import atomic_weight, symbols
from lithoscope.core.formula import parse_formula
from lithoscope.core.mineral import Mineral
from lithoscope.errors import InvalidValueError, MineralError
from lithoscope.minerals import load_library, sample_compositions
from lithoscope.minerals.sampling import sample_mass_fractions, sample_mole_fractions

SEEDS = st.integers(0, 2**32 - 1)


def _moles(mineral: Mineral, n: int = 50, seed: int = 0) -> list[dict[str, float]]:
    """Atoms of each drawn composition, up to a factor."""
    drawn = sample_compositions(mineral, n, np.random.default_rng(seed))
    return [{key: w / atomic_weight(key) for key, w in composition} for composition in drawn]


@given(st.sampled_from(load_library().names), SEEDS)
def test_invariants_of_every_entry(name: str, seed: int) -> None:
    mineral = load_library().get(name)
    drawn = sample_compositions(mineral, 3, np.random.default_rng(seed))
    assert len(drawn) == 3
    formulas = list(mineral.end_members) or [mineral.formula]
    allowed = {symbol for formula in formulas for symbol in parse_formula(formula)}
    for composition in drawn:
        assert set(composition.elements) <= allowed | set(mineral.traces)
        assert sum(composition.mass_fractions.values()) == pytest.approx(1, abs=1e-12)
        for element, (low, high) in mineral.traces.items():
            fraction = composition.mass_fractions[element]
            assert fraction >= low * (1 - 1e-9)
            if element not in allowed:
                assert fraction <= high * (1 + 1e-9)


@st.composite
def _ranges(draw: st.DrawFn) -> list[tuple[float, float]]:
    """Ranges around a point whose fractions sum to one."""
    weights = draw(st.lists(st.integers(0, 100), min_size=1, max_size=7).filter(sum))
    point = [weight / sum(weights) for weight in weights]
    below = [draw(st.floats(0, 1)) for _ in point]
    above = [draw(st.floats(0, 1)) for _ in point]
    return [(x * (1 - b), min(1.0, x + a)) for x, b, a in zip(point, below, above, strict=True)]


@given(_ranges(), SEEDS)
def test_mole_fractions_stay_in_their_ranges(ranges: list[tuple[float, float]], seed: int) -> None:
    drawn = sample_mole_fractions(ranges, 5, np.random.default_rng(seed))
    low, high = np.array(ranges).T
    assert drawn.shape == (5, len(ranges))
    assert (drawn >= low).all()
    assert (drawn <= high).all()
    np.testing.assert_allclose(drawn.sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize(
    "name",
    ["labradorite", "almandine", "forsterite", "magnesio-hornblende", "monazite-(ce)", "steel"],
)
def test_spread_is_that_of_rejection_sampling(name: str) -> None:
    """Uniform over the polytope: equal to drawing all but one in its box, and rejecting."""
    ranges = list(load_library().get(name).end_members.values())
    rng = np.random.default_rng(5)
    drawn = sample_mole_fractions(ranges, 4000, rng)
    low, high = np.array(ranges).T
    widest = int(np.argmax(high - low))
    boxes = rng.uniform(low, high, size=(150_000, len(ranges)))
    boxes[:, widest] = 0
    boxes[:, widest] = 1 - boxes.sum(axis=1)
    kept = boxes[(boxes[:, widest] >= low[widest]) & (boxes[:, widest] <= high[widest])]
    assert len(kept) > 500
    for column in range(len(ranges)):
        assert scipy.stats.ks_2samp(drawn[:, column], kept[:, column]).pvalue > 1e-3
    np.testing.assert_allclose(
        np.cov(drawn.T), np.cov(kept.T), atol=0.1 * np.var(kept, axis=0).max()
    )


def test_two_end_members_are_uniform() -> None:
    drawn = sample_mole_fractions([(0.5, 1.0), (0.0, 0.5)], 5000, np.random.default_rng(0))
    assert scipy.stats.kstest(drawn[:, 1], scipy.stats.uniform(0, 0.5).cdf).pvalue > 0.01


def test_ranges_with_a_single_point() -> None:
    drawn = sample_mole_fractions([(0.3, 0.3), (0.7, 0.7)], 2, np.random.default_rng(0))
    np.testing.assert_allclose(drawn, [[0.3, 0.7], [0.3, 0.7]])


def test_end_members_mix_in_moles_per_formula_unit() -> None:
    """Olivine: (Mg,Fe)2SiO4 has two metals and four oxygens per silicon, whatever the mixture."""
    olivine = Mineral("x1", "MgFeSiO4", 3.5, end_members={"Mg2SiO4": (0, 1), "Fe2SiO4": (0, 1)})
    shares = []
    for atoms in _moles(olivine):
        assert atoms["O"] / atoms["Si"] == pytest.approx(4)
        assert (atoms["Mg"] + atoms["Fe"]) / atoms["Si"] == pytest.approx(2)
        shares.append(atoms["Fe"] / (atoms["Mg"] + atoms["Fe"]))
    assert min(shares) < 0.1
    assert max(shares) > 0.9
    assert np.mean(shares) == pytest.approx(0.5, abs=0.1)


def test_plagioclase_keeps_charge_coupled() -> None:
    for atoms in _moles(load_library().get("andesine")):
        assert atoms["Al"] - atoms["Ca"] == pytest.approx(atoms["Si"] / 2 - atoms["Al"] / 2, abs=1)
        assert (atoms["Al"] + atoms["Si"]) / atoms["O"] == pytest.approx(0.5, rel=0.01)


def test_traces_are_log_normal_and_the_rest_makes_room() -> None:
    """The range is the central 95 % of the distribution, and where it is cut off."""
    mineral = Mineral("x1", "FeS2", 5.0, traces={"Rb": (1e-5, 1e-1)})
    drawn = sample_compositions(mineral, 4000, np.random.default_rng(1))
    rubidium = np.array([composition.mass_fractions["Rb"] for composition in drawn])
    sigma = np.log(1e4) / 2 / 1.959964
    spread = scipy.stats.truncnorm(-1.959964, 1.959964, loc=np.log(1e-3), scale=sigma)
    assert scipy.stats.kstest(np.log(rubidium), spread.cdf).pvalue > 0.01
    ideal = mineral.composition.mass_fractions["Fe"]
    for composition, trace in zip(drawn, rubidium, strict=True):
        assert composition.mass_fractions["Fe"] == pytest.approx(ideal * (1 - trace))


def test_traces_bring_the_oxygen_that_balances_them() -> None:
    mineral = Mineral("x1", "SiO2", 2.65, traces={"Al": (0.01, 0.01), "Cl": (0.001, 0.001)})
    (drawn,) = sample_compositions(mineral, 1, np.random.default_rng(0))
    atoms = {symbol: w / atomic_weight(symbol) for symbol, w in drawn}
    assert atoms["O"] == pytest.approx(2 * atoms["Si"] + 1.5 * atoms["Al"])
    assert drawn.mass_fractions["Al"] == pytest.approx(0.01)


def test_a_share_is_pure_and_half_of_that_ideal() -> None:
    ranges = {"Mg2SiO4": (0.5, 1.0), "Fe2SiO4": (0.0, 0.5)}
    olivine = Mineral("x1", "Mg2SiO4", 3.3, end_members=ranges, traces={"Ni": (1e-4, 1e-3)})
    names, drawn = sample_mass_fractions(olivine, 4000, np.random.default_rng(1), pure_share=0.2)
    assert drawn.sum(axis=1) == pytest.approx(1, abs=1e-12)
    pure = drawn[:, names.index("Ni")] == 0
    ideal = np.array([olivine.composition.mass_fractions.get(name, 0.0) for name in names])
    exact = np.isclose(drawn, ideal, rtol=1e-12, atol=0).all(axis=1)
    assert scipy.stats.binomtest(int(pure.sum()), 4000, 0.2).pvalue > 0.01
    assert scipy.stats.binomtest(int(exact.sum()), 4000, 0.1).pvalue > 0.01
    assert pure[exact].all()
    # The other half of the pure ones vary as all do.
    iron = drawn[pure & ~exact, names.index("Fe")]
    others = drawn[~pure, names.index("Fe")]
    assert scipy.stats.ks_2samp(iron, others).pvalue > 0.01


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    quartz = load_library().get("quartz")
    with pytest.raises(InvalidValueError, match="without traces"):
        sample_mass_fractions(quartz, 1, np.random.default_rng(0), pure_share=share)


def test_nine_of_ten_are_typical() -> None:
    ranges = {"Mg2SiO4": (0.5, 1.0), "Fe2SiO4": (0.0, 0.5)}
    olivine = Mineral("x1", "Mg2SiO4", 3.3, end_members=ranges, typical={"Fe2SiO4": (0.1, 0.2)})
    iron = np.array([atoms.get("Fe", 0) for atoms in _moles(olivine, 5000)])
    iron /= np.array([atoms["Fe"] + atoms["Mg"] for atoms in _moles(olivine, 5000)])
    typical = (iron >= 0.1) & (iron <= 0.2)
    # A fifth of the rest falls there too.
    assert typical.mean() == pytest.approx(0.9 + 0.1 * 0.2, abs=0.015)
    assert scipy.stats.kstest(iron[typical], scipy.stats.uniform(0.1, 0.1).cdf).pvalue > 0.01
    assert iron.max() > 0.45


@pytest.mark.parametrize(
    ("typical", "says"),
    [
        ({"Fe2SiO4": (0.1, 0.6)}, "Fe2SiO4 is typically 0.1 to 0.6"),
        ({"Fe2SiO4": (0.2, 0.1)}, "typically 0.2 to 0.1"),
        ({"Ca2SiO4": (0.0, 0.1)}, "Ca2SiO4 has a typical range and is no end member"),
        ({"Fe2SiO4": (0.0, 0.1), "Mg2SiO4": (0.5, 0.8)}, "typical ranges sum to"),
    ],
)
def test_typical_ranges_that_cannot_be(typical: dict[str, tuple[float, float]], says: str) -> None:
    ranges = {"Mg2SiO4": (0.5, 1.0), "Fe2SiO4": (0.0, 0.5)}
    with pytest.raises(MineralError, match=says):
        Mineral("x1", "Mg2SiO4", 3.3, end_members=ranges, typical=typical)


def test_trace_of_an_element_that_is_there_already_adds_to_it() -> None:
    mineral = Mineral("x1", "FeS2", 5.0, traces={"Fe": (0.1, 0.1)})
    (drawn,) = sample_compositions(mineral, 1, np.random.default_rng(0))
    ideal = mineral.composition.mass_fractions["Fe"]
    assert drawn.mass_fractions["Fe"] == pytest.approx(0.9 * ideal + 0.1)


def test_without_ranges_the_ideal_composition() -> None:
    mineral = Mineral("x1", "LiAlSi4O10", 2.4)
    drawn = sample_compositions(mineral, 3, np.random.default_rng(0))
    for composition in drawn:
        assert dict(composition) == pytest.approx(dict(mineral.composition))


def test_the_seed_decides_and_the_first_is_not_special() -> None:
    mineral = load_library().get("almandine")
    first = sample_compositions(mineral, 4, np.random.default_rng(3))
    assert first == sample_compositions(mineral, 4, np.random.default_rng(3))
    assert first != sample_compositions(mineral, 4, np.random.default_rng(4))
    iron = [_moles(mineral, 1, seed)[0] for seed in range(200)]
    share = [
        atoms["Fe"] / (atoms["Fe"] + atoms["Mg"] + atoms["Mn"] + atoms["Ca"]) for atoms in iron
    ]
    later = [
        atoms["Fe"] / (atoms["Fe"] + atoms["Mg"] + atoms["Mn"] + atoms["Ca"])
        for atoms in _moles(mineral, 200, 7)
    ]
    assert scipy.stats.ks_2samp(share, later).pvalue > 0.01


def test_bad_requests() -> None:
    quartz = load_library().get("quartz")
    rng = np.random.default_rng(0)
    assert sample_compositions(quartz, 0, rng) == []
    with pytest.raises(InvalidValueError, match="-1 compositions"):
        sample_compositions(quartz, -1, rng)
    heavy = dict.fromkeys(symbols()[:11], (0.05, 0.1))
    with pytest.raises(MineralError, match="add up to 1"):
        sample_compositions(Mineral("x1", "SiO2", 2.65, traces=heavy), 1, rng)

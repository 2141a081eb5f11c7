"""Corrected shares and their intervals, against maps whose truth is known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lithoscope.core.labels import Group, LabelSet
from lithoscope.errors import InvalidValueError
from lithoscope.inference.posteriors import posteriors_from_probabilities
from lithoscope.inference.priors import estimate_priors
from lithoscope.segmentation.corrected import (
    corrected_shares,
    estimated_shares,
    share_intervals,
)
from lithoscope.segmentation.quantify import block_numbers
from lithoscope.segmentation.share_errors import (
    QUANTILES,
    ShareErrors,
    fit_share_errors,
    share_errors_from_data,
    shipped_share_errors,
)

LABELS = LabelSet((Group(("quartz",)), Group(("albite",)), Group(("gold",)), Group(("zircon",))))
DENSITIES = {"quartz": 2.65, "albite": 2.62, "gold": 19.3, "zircon": 4.7}
FLAT = ShareErrors((0.1,), (0.5,), ((-0.2, -0.4),) * 2, ((0.1, 0.3),) * 2, (1.0, 2.0), 10)


def map_of(truth, right=0.9):
    """Posteriors of pixels that are named right as often as they say, and use of all of them."""
    rng = np.random.default_rng(0)
    confused = rng.random(truth.shape) > right
    said = np.where(confused, (truth + 1) % len(LABELS), truth)
    # Only the next class is ever taken for it, and the posterior says so.
    dense = np.full((*truth.shape, len(LABELS)), 1e-4, dtype=np.float32)
    np.put_along_axis(dense, said[..., None], right, axis=2)
    np.put_along_axis(dense, ((said - 1) % len(LABELS))[..., None], 1 - right, axis=2)
    dense /= dense.sum(axis=2, keepdims=True)
    flat = posteriors_from_probabilities(dense.reshape(-1, len(LABELS)), allowed=range(4))
    return flat.reshaped(*truth.shape), said


def estimate(truth, **options):
    posteriors, said = map_of(truth, **options)
    use = np.ones(truth.shape, bool)
    priors = estimate_priors(posteriors, n_classes=len(LABELS), use=use)
    return estimated_shares(posteriors, priors, use), said


def test_known_confusions_are_given_back():
    truth = np.where(np.random.default_rng(1).random((60, 80)) < 0.7, 0, 2)
    found, said = estimate(truth)
    counted = np.bincount(said.ravel(), minlength=4) / said.size
    true = np.bincount(truth.ravel(), minlength=4) / truth.size
    assert abs(counted[0] - true[0]) > 0.05
    np.testing.assert_allclose(found.shares, true, atol=0.02)
    assert found.found[[0, 2]].all()
    assert found.shares[[1, 3]].max() < 0.02


def test_doubt_is_the_chance_of_another_class():
    found, _ = estimate(np.zeros((30, 30), int), right=0.9999)
    assert found.doubts[0] < 1e-3
    truth = np.where(np.random.default_rng(2).random((60, 80)) < 0.5, 0, 1)
    doubtful, _ = estimate(truth, right=0.7)
    assert doubtful.doubts[:2].min() > 0.1


def test_block_errors_are_those_of_the_bootstrap():
    truth = np.zeros((64, 64), int)
    truth[:, 40:] = 1
    truth[10:30, 5:12] = 2
    found, _ = estimate(truth, right=0.9999)
    blocks = block_numbers(truth.shape)
    table = np.stack([np.bincount(blocks[truth == k], minlength=64) for k in range(3)], axis=1)
    rng = np.random.default_rng(3)
    draws = rng.multinomial(64, np.full(64, 1 / 64), size=4000) @ table
    shares = draws / draws.sum(axis=1, keepdims=True)
    expected = shares.std(axis=0) / shares.mean(axis=0)
    np.testing.assert_allclose(found.block_errors[:3], expected, rtol=0.05)


def test_intervals_by_hand():
    found, _ = estimate(np.where(np.indices((20, 50)).sum(axis=0) % 2, 0, 1), right=0.9999)
    scan, rock = share_intervals(found, FLAT)
    half = 0.5 / 1000
    assert scan[0, 0] == pytest.approx((0.5 + half) * np.exp(-0.2) - 2 * half, abs=1e-4)
    assert scan[1, 0] == pytest.approx((0.5 + half) * np.exp(0.1), abs=1e-4)
    width = 1.96 * 2 * found.block_errors[0]
    assert rock[1, 0] == pytest.approx((0.5 + half) * np.exp(np.hypot(0.1, width)), abs=1e-4)
    assert (rock[0] <= scan[0]).all()
    assert (rock[1] >= scan[1]).all()
    assert scan.min() >= 0
    assert rock.max() <= 1


def test_weight_goes_by_density_and_intervals_follow():
    truth = np.where(np.indices((20, 50))[1] < 25, 0, 2)
    found, _ = estimate(truth, right=0.9999)
    rows = corrected_shares(found, FLAT, labels=LABELS, densities_g_cm3=DENSITIES)
    assert set(rows) == {"quartz", "gold"}
    gold = rows["gold"]
    assert gold.weight == pytest.approx(100 * 19.3 / (19.3 + 2.65), abs=0.1)
    low = gold.area_of_scan[0] / 100
    expected = 100 * 19.3 * low / (19.3 * low + 2.65 * (1 - low))
    assert gold.weight_of_scan[0] == pytest.approx(expected, abs=0.1)
    for row in rows.values():
        area, *ends = row.values()[:5]
        assert ends[2] <= ends[0] <= area <= ends[1] <= ends[3]
    assert sum(row.area for row in rows.values()) == pytest.approx(100, abs=0.1)


def test_one_mineral_alone_is_all_of_the_weight():
    found, _ = estimate(np.zeros((20, 20), int), right=0.9999)
    row = corrected_shares(found, FLAT, labels=LABELS, densities_g_cm3=DENSITIES)["quartz"]
    assert row.weight == pytest.approx(100, abs=0.1)
    assert row.weight_of_scan[1] == pytest.approx(100)


def test_nothing_to_count_gives_no_share():
    posteriors, _ = map_of(np.zeros((4, 4), int))
    use = np.zeros((4, 4), bool)
    found = estimated_shares(posteriors, estimate_priors(posteriors, n_classes=4, use=use), use)
    assert corrected_shares(found, FLAT, labels=LABELS, densities_g_cm3=DENSITIES) == {}
    with pytest.raises(InvalidValueError, match="same shape"):
        estimated_shares(posteriors, estimate_priors(posteriors, n_classes=4), use[:2])


def test_fitted_bounds_hold_what_they_were_fitted_to_hold():
    rng = np.random.default_rng(5)
    shares, doubts = rng.uniform(0, 0.3, 20_000), rng.uniform(0, 0.3, 20_000)
    errors = rng.normal(size=20_000) * (0.05 + doubts)
    fitted = fit_share_errors(
        errors=errors, shares=shares, doubts=doubts, block_factors=(1, 1, 1), scans=5
    )
    low, high = fitted.bounds(shares, doubts)
    held = (low <= errors) & (errors <= high)
    assert held.mean() == pytest.approx(QUANTILES[1] - QUANTILES[0], abs=0.005)
    doubtful = doubts > 0.15
    assert held[doubtful].mean() == pytest.approx(held[~doubtful].mean(), abs=0.01)
    assert (high - low)[doubtful].mean() > 2 * (high - low)[~doubtful].mean()


def test_what_ships_reads_back():
    shipped = shipped_share_errors()
    assert share_errors_from_data(json.loads(json.dumps(shipped.as_data()))) == shipped
    # Doubtful pixels are no surer than certain ones.
    assert all(row[0] < row[-1] for row in shipped.high)


def test_errors_that_do_not_fit_are_refused():
    with pytest.raises(InvalidValueError, match="rows"):
        replace(FLAT, low=FLAT.low[:1])
    with pytest.raises(InvalidValueError, match="leave out the estimate"):
        replace(FLAT, high=((-0.1, 0.3),) * 2)
    with pytest.raises(InvalidValueError, match="Block factors"):
        replace(FLAT, block_factors=(1.0, 0.0))
    with pytest.raises(InvalidValueError, match="errors in a stratum"):
        fit_share_errors(
            errors=np.zeros(50),
            shares=np.full(50, 0.5),
            doubts=np.zeros(50),
            block_factors=(1, 1, 1),
            scans=1,
        )

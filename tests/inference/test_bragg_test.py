import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.errors import InvalidValueError
from lithoscope.inference.bragg_test import discoveries, two_sided_p_values


def by_enumeration(k, n, eta, tau):
    mean = 1 / (1 + np.exp(-eta))
    if tau == 0:
        law = scipy.stats.binom(n, mean)
    else:
        both = 1 / (mean * (1 - mean) * tau**2) - 1
        law = scipy.stats.betabinom(n, mean * both, (1 - mean) * both)
    masses = law.pmf(np.arange(n + 1))
    return min(1.0, 2 * (masses[: k + 1] if k < n * mean else masses[k:]).sum())


@pytest.mark.parametrize("tau", [0.0, 0.02, 0.1, 0.5])
@pytest.mark.parametrize("eta", [-2.0, 0.0, 0.7])
@pytest.mark.parametrize("n", [1, 2, 17, 300])
def test_every_tail_is_that_of_enumeration(n, eta, tau):
    k = np.arange(n + 1)
    found = two_sided_p_values(counts=k, trials=n, log_odds=eta, spread=tau)
    due = [by_enumeration(int(one), n, eta, tau) for one in k]
    np.testing.assert_allclose(found, due, rtol=1e-6, atol=1e-290)


@pytest.mark.parametrize("tau", [0.003, 0.03, 0.2])
@pytest.mark.parametrize("sigmas", [0.0, 0.3, 1.0, 3.0, 6.0, 12.0])
@pytest.mark.parametrize("n", [20_000, 300_000])
def test_long_tails_are_those_of_enumeration(n, sigmas, tau):
    mean, eta = 0.4, np.log(0.4 / 0.6)
    sd = np.sqrt(n * mean * (1 - mean) * (1 + n * mean * (1 - mean) * tau**2))
    for sign in (-1, 1):
        k = round(n * mean + sign * sigmas * sd)
        if not 0 <= k <= n:
            continue
        found = two_sided_p_values(counts=k, trials=n, log_odds=eta, spread=tau)
        assert found == pytest.approx(by_enumeration(k, n, eta, tau), rel=1e-5)


def test_a_far_tail_of_the_binomial():
    # All of 40 counts in one detector: 2 / 2^40.
    found = two_sided_p_values(counts=40, trials=40, log_odds=0.0, spread=0.0)
    assert found == pytest.approx(2 / 2.0**40, rel=1e-12)


@pytest.mark.parametrize("tau", [0.0, 0.1])
@pytest.mark.parametrize("n", [30, 1000])
def test_p_values_of_the_null_are_uniform_but_for_their_steps(n, tau):
    rng = np.random.default_rng(5)
    mean = 0.45
    shares = np.full(40_000, mean)
    if tau:
        both = 1 / (mean * (1 - mean) * tau**2) - 1
        shares = rng.beta(mean * both, (1 - mean) * both, shares.size)
    counts = rng.binomial(n, shares)
    eta = np.log(mean / (1 - mean))
    found = two_sided_p_values(counts=counts, trials=n, log_odds=eta, spread=tau)
    step = by_enumeration(round(n * mean), n, eta, tau) - by_enumeration(
        round(n * mean) + 1, n, eta, tau
    )
    for level in (0.3, 0.1, 0.03, 0.01):
        share, noise = np.mean(found <= level), np.sqrt(level / found.size)
        assert share < level + 4 * noise
        assert share > level - step - 4 * noise


@given(
    st.integers(0, 500),
    st.integers(0, 500),
    st.floats(-3, 3),
    st.floats(0, 0.8),
)
def test_exchange_of_detectors_and_a_wider_spread(k, more, eta, tau):
    n = k + more
    found = two_sided_p_values(counts=k, trials=n, log_odds=eta, spread=tau)
    other = two_sided_p_values(counts=more, trials=n, log_odds=-eta, spread=tau)
    assert 0 <= found <= 1
    assert found == pytest.approx(other, rel=1e-6)
    # Far out, less certainty of the share means less certainty of the peak.
    if found < 0.01:
        wider = two_sided_p_values(counts=k, trials=n, log_odds=eta, spread=tau + 0.2)
        assert wider >= found


@pytest.mark.parametrize(
    ("counts", "trials", "eta", "tau"),
    [(-1, 5, 0, 0), (6, 5, 0, 0), (1.5, 5, 0, 0), (1, 5, np.nan, 0), (1, 5, 0, -0.1)],
)
def test_what_cannot_be_is_refused(counts, trials, eta, tau):
    with pytest.raises(InvalidValueError):
        two_sided_p_values(counts=counts, trials=trials, log_odds=eta, spread=tau)


@given(st.lists(st.floats(0, 1), max_size=60), st.integers(0, 100))
def test_discoveries_are_those_of_scipy(values, unseen):
    p_values = np.array(values)
    padded = np.concatenate([p_values, np.ones(unseen)])
    found = discoveries(p_values=p_values, tests=padded.size, rate=0.05)
    if padded.size:
        adjusted = scipy.stats.false_discovery_control(padded)[: p_values.size]
        clear = np.abs(adjusted - 0.05) > 1e-9
        assert (found[clear] == (adjusted < 0.05)[clear]).all()


def test_false_discoveries_stay_below_the_rate():
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(300):
        p_values = np.concatenate([rng.uniform(size=900), rng.uniform(size=100) ** 8 * 1e-3])
        found = discoveries(p_values=p_values, tests=1000, rate=0.1)
        shares.append(found[:900].sum() / max(found.sum(), 1))
    assert np.mean(shares) == pytest.approx(0.09, abs=0.01)


def test_a_rate_that_is_none_and_too_many_p_values_are_refused():
    with pytest.raises(InvalidValueError, match="rate"):
        discoveries(p_values=np.zeros(1), tests=1, rate=1.0)
    with pytest.raises(InvalidValueError, match="p-values"):
        discoveries(p_values=np.zeros(3), tests=2, rate=0.1)

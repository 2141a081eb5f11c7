import numpy as np
import pytest
from scipy import stats

from lithoscope.errors import InvalidValueError
from lithoscope.evaluation.corruption_error import corruption_errors, mean_corruption_error
from lithoscope.evaluation.paired_test import PairedTest, paired_t_test


@pytest.mark.parametrize("count", [2, 3, 12])
def test_paired_test_agrees_with_scipy(count):
    rng = np.random.default_rng(count)
    first, second = rng.normal(0.9, 0.01, count), rng.normal(0.89, 0.01, count)
    found, known = paired_t_test(first, second), stats.ttest_rel(first, second)
    assert found.p == pytest.approx(known.pvalue, rel=1e-9)
    assert found.mean == pytest.approx(np.mean(first - second))
    assert found.deviation == pytest.approx(np.std(first - second, ddof=1))


def test_equal_pairs_show_nothing():
    assert paired_t_test([0.5, 0.7], [0.5, 0.7]).p == 1.0


@pytest.mark.parametrize(("first", "second"), [([1.0], [1.0]), ([1.0, 2.0], [1.0])])
def test_pairs_that_are_none_are_refused(first, second):
    with pytest.raises(InvalidValueError, match="two pairs"):
        paired_t_test(first, second)


def test_impossible_test_is_refused():
    with pytest.raises(InvalidValueError):
        PairedTest(3, 0.0, -1.0, 0.5)


def test_corruption_error_by_hand():
    errors = {"bragg": [0.1, 0.2], "tail": [0.3, 0.3]}
    sam = {"bragg": [0.2, 0.4], "tail": [0.2, 0.2]}
    # 0.3 / 0.6 and 0.6 / 0.4; their mean.
    assert corruption_errors(errors, sam) == pytest.approx({"bragg": 0.5, "tail": 1.5})
    assert mean_corruption_error(errors, sam) == pytest.approx(1.0)


@pytest.mark.parametrize("sam", [{"tail": [0.1]}, {"bragg": [0.1, 0.1]}, {"bragg": [0.0]}], ids=str)
def test_errors_that_cannot_be_compared_are_refused(sam):
    with pytest.raises(InvalidValueError):
        mean_corruption_error({"bragg": [0.2]}, sam)

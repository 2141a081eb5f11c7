"""Named conditions."""

import pytest

from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.conditions import CONDITIONS, Condition, find_condition
from lithoscope.synthesis.distortions import NAMES


def severities(condition):
    return {one.name: one.severity for one in condition.distortions}


def test_what_the_named_ones_hold():
    assert set(CONDITIONS) == {"ideal", "poisson", "calibration", "bragg", "realistic", "harsh"}
    assert severities(CONDITIONS["ideal"]) == {}
    assert severities(CONDITIONS["calibration"]) == {"energy": 2.0, "poisson": 2.0}
    assert severities(CONDITIONS["realistic"]) == dict.fromkeys(NAMES, 2.0)
    assert severities(CONDITIONS["harsh"]) == dict.fromkeys(NAMES, 4.0)
    assert all(find_condition(name) is condition for name, condition in CONDITIONS.items())


def test_one_distortion_and_its_severity():
    condition = find_condition("bragg@3")
    assert condition.name == "bragg@3"
    assert severities(condition) == {"bragg": 3.0, "poisson": 2.0}


def test_changed_conditions_say_so():
    changed = CONDITIONS["realistic"].with_severities({"mixture": 0.0, "bragg": 4.0})
    assert changed.name == "realistic+mixture=0,bragg=4"
    expected = {**dict.fromkeys(NAMES, 2.0), "bragg": 4.0}
    expected.pop("mixture")
    assert severities(changed) == expected
    assert changed.at(300).counts == (300, 300)
    assert changed.at(300).severities == changed.severities


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("realstic", "no condition 'realstic'.\nExpected: one of realistic"),
        ("bragg@high", "'high' is no severity"),
        ("bragg@", "'' is no severity"),
        ("bragg@6", "bragg at severity 6"),
        ("bragg@nan", "bragg at severity nan"),
        ("brag@2", "no distortion 'brag'"),
    ],
)
def test_unknown_conditions_are_refused(name, message):
    with pytest.raises(InvalidValueError, match=message):
        find_condition(name)


@pytest.mark.parametrize("counts", [(0.5, 10), (100, 10), (10, 1e10), (float("nan"), 10)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(InvalidValueError, match="Counts from"):
        Condition("odd", {}, counts)

"""Measured spectra among simulated ones, and which regions are kept for a test."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.core.labels import LabelSet
from lithoscope.errors import InvalidValueError
from lithoscope.synthesis.conditions import CONDITIONS
from lithoscope.training.finetune import ReplayBatches, regions_for_test
from lithoscope.training.on_data import BinnedSplit


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), min_size=1, max_size=60))
def test_no_region_is_on_both_sides_and_each_class_keeps_one(pairs):
    # A region's class is decided by its number, so that regions hold one class.
    regions = np.array([number for _, number in pairs])
    classes = regions % 4
    kept = regions_for_test(classes, regions, share=1 / 3, seed=0)
    assert not set(regions[kept]) & set(regions[~kept])
    for label in np.unique(classes):
        number = len(set(regions[classes == label]))
        tested = len(set(regions[kept & (classes == label)]))
        assert tested == (0 if number == 1 else min(max(1, round(number / 3)), number - 1))


def test_a_share_of_all_is_refused():
    with pytest.raises(InvalidValueError):
        regions_for_test(np.zeros(2, int), np.arange(2), share=1.0, seed=0)


def batches(seed=0, number=50, started_from="a"):
    # Ninety spectra of class 0 and ten of class 2, none like another.
    counts = np.arange(100, dtype=np.float32)[:, None] + np.array([0, 1000], dtype=np.float32)
    measured = BinnedSplit(counts, np.repeat([0, 2], [90, 10]))
    simulated = SimpleNamespace(
        labels=LabelSet.of_minerals(["a", "b", "c"]),
        condition=CONDITIONS["poisson"],
        seed=seed,
        batch_size=30,
        batch=lambda number: SimpleNamespace(
            counts=torch.full((30, 2), float(number)), classes=torch.ones(30, dtype=torch.int64)
        ),
    )
    return ReplayBatches(measured, simulated, measured_per_batch=number, started_from=started_from)


def test_a_batch_holds_both_and_measured_ones_as_they_are():
    made = batches()
    batch = made.batch(7)
    assert made.batch_size == len(batch.classes) == 80
    assert (batch.counts[:30] == 7).all()
    first = batch.counts[30:, 0].numpy()
    np.testing.assert_array_equal(batch.counts[30:, 1], first + 1000)
    np.testing.assert_array_equal(batch.classes[30:], np.where(first < 90, 0, 2))


def test_rare_classes_come_as_often_as_others():
    classes = torch.cat([batches().batch(number).classes[30:] for number in range(40)])
    # 2 000 draws of one half: a standard deviation of 1.1 %.
    assert (classes == 2).float().mean() == pytest.approx(0.5, abs=0.05)


def test_a_batch_depends_on_seed_and_number():
    one = batches().batch(3).counts
    assert torch.equal(one, batches().batch(3).counts)
    assert not torch.equal(one[30:], batches().batch(4).counts[30:])
    assert not torch.equal(one[30:], batches(seed=1).batch(3).counts[30:])


def test_another_start_or_other_spectra_are_another_run():
    assert batches().condition == batches().condition
    assert batches().condition != batches(started_from="b").condition


def test_batches_without_measured_spectra_are_refused():
    with pytest.raises(InvalidValueError):
        batches(number=0)

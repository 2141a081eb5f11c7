"""Sums of regions against sums that are taken of the whole scan at once."""

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.scan import Scan
from lithoscope.workflows.region_sums import rows_read, sums_of_regions

HEIGHT, WIDTH, CHANNELS = 9, 5, 8


@pytest.fixture(scope="module")
def counts():
    return np.random.default_rng(2).poisson(4.0, (HEIGHT, WIDTH, CHANNELS))


def test_all_rows(counts):
    regions = np.random.default_rng(3).integers(-1, 6, (HEIGHT, WIDTH))
    scan = Scan.from_counts(counts, EnergyAxis(0.0, 0.1, CHANNELS))
    sums, pixels = sums_of_regions(scan, regions, [4, 0], most_rows=HEIGHT)
    for place, region in enumerate((4, 0)):
        assert (sums[place] == counts[regions == region].sum(axis=0)).all()
        assert pixels[place] == (regions == region).sum()


def test_some_rows(counts):
    regions = np.repeat(np.arange(HEIGHT)[:, None], WIDTH, axis=1)
    scan = Scan.from_counts(counts, EnergyAxis(0.0, 0.1, CHANNELS))
    sums, pixels = sums_of_regions(scan, regions, range(HEIGHT), most_rows=3)
    assert rows_read(HEIGHT, 3) == [0, 4, 8]
    assert pixels.tolist() == [WIDTH, 0, 0, 0, WIDTH, 0, 0, 0, WIDTH]
    assert (sums[4] == counts[4].sum(axis=0)).all()


def test_no_region(counts):
    scan = Scan.from_counts(counts, EnergyAxis(0.0, 0.1, CHANNELS))
    sums, pixels = sums_of_regions(scan, np.full((HEIGHT, WIDTH), -1), [], most_rows=HEIGHT)
    assert sums.shape == (0, CHANNELS)
    assert pixels.size == 0

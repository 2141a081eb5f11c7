import csv

import numpy as np
import pytest

from lithoscope.core.scan import Scan
from lithoscope.workflows.map_minerals import map_minerals
from lithoscope.workflows.map_unexplained import COLUMNS
from lithoscope.workflows.simulate import simulate


@pytest.fixture(scope="module")
def scan():
    """Quartz, and 2 % of copper's counts in its lower half beside calcite."""
    rng = np.random.default_rng(0)
    spectra = {name: simulate(name).counts for name in ("quartz", "calcite", "Cu")}
    quartz, calcite, copper = (one / one.sum() for one in spectra.values())
    expected = np.tile(quartz, (8, 8, 1))
    expected[:, 4:] = calcite
    expected[4:, 4:] = 0.98 * calcite + 0.02 * copper
    return Scan.from_counts(
        rng.poisson(5000 * expected).astype(np.uint16), simulate("quartz").axis, title="test"
    )


def test_an_element_that_no_mineral_holds_is_listed_for_its_region(scan, tmp_path):
    result = map_minerals(scan, instrument="m4-tornado", minerals=["quartz", "calcite", "albite"])
    files = result.save(tmp_path / "map")
    with files["unexplained"].open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    named = [row for row in rows if "Cu" in row["elements"].split(";")]
    assert named
    assert all("calcite" in row["region"] or row["region"] == "unknown" for row in named)
    assert float(named[0]["energy_keV"]) == pytest.approx(8.05, abs=0.05)
    assert not [row for row in rows if "quartz" in row["region"]]
    assert "Cu Kα" in files["report"].read_text(encoding="utf-8")


def test_a_map_that_is_explained_has_an_empty_table(scan, tmp_path):
    quartz = Scan.from_counts(scan.rows(0, 8)[:, :4], scan.axis, title="quartz")
    result = map_minerals(quartz, instrument="m4-tornado")
    assert result.unexplained == ()
    files = result.save(tmp_path / "map")
    assert files["unexplained"].read_text() == ",".join(COLUMNS) + "\n"
    assert "What no mineral explains" not in files["report"].read_text(encoding="utf-8")


def test_a_map_of_nothing_has_no_regions(scan):
    nothing = Scan.from_counts(np.zeros((3, 3, scan.axis.n_channels), dtype=np.uint16), scan.axis)
    assert map_minerals(nothing, instrument="m4-tornado").unexplained == ()

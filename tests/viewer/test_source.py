import json

import numpy as np
import pytest

from lithoscope.core.scan import Scan
from lithoscope.errors import FileFormatError, ScanError
from lithoscope.viewer.source import Source, open_source

from .conftest import AXIS, MINERAL


def rewrite(folder, **changes):
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_result_is_opened_with_its_scan(result_folder):
    source = open_source(result_folder)
    assert source.title == "four by five"
    assert np.array_equal(source.stored.mineral, MINERAL)
    assert source.scan.spectrum(3, 4).counts[640] == 348


def test_a_scan_alone_has_no_map(result_folder):
    source = open_source(result_folder.parent / "scan.npz")
    assert source.stored is None
    assert source.scan.shape == (4, 5)


def test_a_scan_that_has_moved_is_named_with_the_way_out(result_folder, tmp_path):
    moved = (tmp_path / "scan.npz").rename(tmp_path / "elsewhere.npz")
    with pytest.raises(ScanError, match=r"scan\.npz, is not there[\s\S]*--scan PATH"):
        open_source(result_folder)
    assert open_source(result_folder, scan=moved).scan.shape == (4, 5)


@pytest.mark.parametrize("other", ["0.0.9", "7.2.0", "1"])
def test_a_result_of_another_version_is_refused(result_folder, other):
    rewrite(result_folder, versions={"lithoscope": other})
    with pytest.raises(FileFormatError, match=rf"written by lithoscope {other}[\s\S]*anew"):
        open_source(result_folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"versions": 3}', "[" * 100_000])
def test_a_damaged_record_is_told(result_folder, text):
    (result_folder / "run.json").write_text(text)
    with pytest.raises(FileFormatError, match=r"run\.json cannot be read"):
        open_source(result_folder)


@pytest.mark.parametrize("options", [7, "smooth", [1]])
def test_options_that_are_none_are_told(result_folder, options):
    rewrite(result_folder, options=options)
    with pytest.raises(FileFormatError, match=r"run\.json cannot be read"):
        open_source(result_folder)


def test_another_scan_is_refused(stored):
    run = {"energy_axis": {"channels": 1000}}
    with pytest.raises(ScanError, match="4 x 5 pixels and the scan 3 x 5"):
        Source(Scan.from_counts(np.ones((3, 5, 1000), np.uint8), AXIS), stored, run)
    scan = Scan.from_counts(np.ones((4, 5, 1000), np.uint8), AXIS)
    with pytest.raises(ScanError, match="999 channels, and the scan has 1000"):
        Source(scan, stored, {"energy_axis": {"channels": 999}})


def test_a_scan_beside_a_scan_is_refused(tmp_path, result_folder):
    path = tmp_path / "scan.npz"
    with pytest.raises(FileFormatError, match="is no result"):
        open_source(path, scan=path)

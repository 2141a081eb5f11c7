"""Compiled code: kept for the next process where that can be, and compiled anew where not."""

from __future__ import annotations

import os
import subprocess
import sys

import numba
import numpy as np

from lithoscope.core.compiled import BYTES, compiled

FIRST_ROW = """
import sys
from lithoscope.io import open_scan
scan = open_scan(sys.argv[1])
assert "numba" not in sys.modules, "opening a map needs nothing compiled"
print(int(scan.rows(0, 1).sum()))
"""


def test_what_cannot_be_kept_is_compiled_nevertheless():
    made: dict = {}
    # Code without a file has no place where its compiled form could be kept.
    exec("def last(window): return window[window.size - 1]", made)
    last = compiled(numba.uint8(BYTES))(made["last"])
    assert last(np.array([3, 4, 5], dtype=np.uint8)) == 5
    assert last.nopython_signatures


def test_what_was_compiled_is_kept(tmp_path, write_bcf):
    path = write_bcf(tmp_path / "a.bcf", np.full((2, 3, 10), 2))
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    sizes = []
    for _ in range(2):
        command = [sys.executable, "-c", FIRST_ROW, str(path)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert ran.stdout.split() == ["60"]
        kept = sorted(tmp_path.glob("kept/**/*.nbc"))
        sizes.append([(file.name, file.stat().st_mtime_ns) for file in kept])
    # The walk and the adding; nothing was written anew.
    assert len(sizes[0]) == 2
    assert sizes[0] == sizes[1]

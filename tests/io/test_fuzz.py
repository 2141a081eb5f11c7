"""Damaged .bcf maps: each gives the counts that its bytes still hold, or one error.

Files are changed as disks, cables and bad hands change them. What is read back is right if the
map and its channels are as large as before, if counts differ in no row but those whose bytes were
changed, and if hardly any are lost or won where only heads of pixels were. Anything else has to be
refused, with a `ScanError`, soon, and in little memory.

``LITHOSCOPE_FUZZ=20000 pytest tests/io/test_fuzz.py`` tries more changes than the usual 1000, and
``LITHOSCOPE_FUZZ_SEED=4711`` others.
"""

from __future__ import annotations

import os
import signal
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lithoscope.core.energy import EnergyAxis
from lithoscope.core.instrument import Instrument
from lithoscope.core.scan import Scan
from lithoscope.errors import ScanError
from lithoscope.io import open_scan, write_bcf

N_CHANGES = int(os.environ.get("LITHOSCOPE_FUZZ", "1000"))
FIRST_SEED = int(os.environ.get("LITHOSCOPE_FUZZ_SEED", "0"))
LIMIT_S = 5
LIMIT_BYTES = 1 << 30
# Three pulses of 12 bits take as many bytes as four: a number of them that is off by one cannot be
# told from a right one. A change touches three fields at most, or a bit here and there.
MAX_UNSEEN = 3

HEAD, PAYLOAD, OVERHEAD = 0x118, 0x138, 32
ITEM = struct.Struct("<iQ24xIi176x?3x256s32x")
PIXEL = struct.Struct("<IHHIHHHI")
FIRST_ROW, FIRST_BLOCK = 0x1A0, 0x80


def words(raw: bytes, at: int, number: int) -> tuple[int, ...]:
    return struct.unpack_from(f"<{number}I", raw, at)


class Layout:
    """Where things stand in a sound file.

    Attributes
    ----------
    fields
        Places of numbers that lead somewhere: sizes, pointers, counts.
    row
        The row of the map that each byte belongs to, -1 where to none.
    is_header
        Whether each byte belongs to ``HeaderData``.
    is_spectrum
        Whether each byte belongs to the pulses or runs of a pixel.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        (self.chunk,) = words(raw, 0x128, 1)
        self.fields = list(range(0x124, 0x14C, 4))
        self.row = np.full(len(raw), -1)
        self.is_header, self.is_spectrum = np.zeros((2, len(raw)), dtype=bool)
        self.chunk_of_pointer: dict[int, int] = {}
        tree, n_items = words(raw, 0x140, 2)
        for number in range(n_items):
            at = tree * self.chunk + PAYLOAD + number * ITEM.size
            table, size, _, _, is_folder, name = ITEM.unpack_from(raw, at)
            self.fields += [at, at + 4, at + 8, at + 40]
            if not is_folder:
                places = self._places(table, size)
                self._note_file(name.strip(b"\0").decode(), places)

    def _places(self, table: int, size: int) -> np.ndarray:
        """Return where each byte of a file stands; its pointers fit into one chunk."""
        usable = self.chunk - OVERHEAD
        at = table * self.chunk + PAYLOAD
        self.fields.append(table * self.chunk + HEAD)
        places = []
        for number, pointer in enumerate(words(self.raw, at, -(-size // usable))):
            self.fields.append(at + 4 * number)
            self.chunk_of_pointer[at + 4 * number] = pointer
            places.append(pointer * self.chunk + PAYLOAD + np.arange(usable))
        return np.concatenate(places)[:size]

    def _note_file(self, name: str, places: np.ndarray) -> None:
        content = np.frombuffer(self.raw, dtype=np.uint8)[places].tobytes()
        if name == "HeaderData":
            self.is_header[places] = True
        if content.startswith(b"AACS"):
            self.fields += [int(places[at]) for at in (0, 4, 12, FIRST_BLOCK)]
        elif name.startswith("SpectrumData"):
            self._note_rows(content, places)

    def _note_rows(self, content: bytes, places: np.ndarray) -> None:
        height, _ = words(content, 0, 2)
        self.fields += [int(places[0]), int(places[4])]
        at = FIRST_ROW
        for row in range(height):
            first = at
            (n_pixels,) = words(content, at, 1)
            self.fields.append(int(places[at]))
            at += 4
            for _ in range(n_pixels):
                _, _, _, _, flag, _, n_pulses, size = PIXEL.unpack_from(content, at)
                self.fields += [int(places[at + field]) for field in (0, 4, 12, 14, 16, 18)]
                spectrum = at + PIXEL.size
                at = spectrum + size + (2 * n_pulses if flag > 1 else 0)
                self.is_spectrum[places[spectrum:at]] = True
            self.row[places[first:at]] = row


@dataclass(frozen=True, eq=False)
class Original:
    """A sound file, and what is in it."""

    raw: bytes
    layout: Layout
    counts: np.ndarray
    axis: EnergyAxis
    warnings: tuple[str, ...]


Change = Callable[[np.random.Generator, Original, bytearray], bytearray]


def flip_bits(rng: np.random.Generator, original: Original, raw: bytearray) -> bytearray:
    for at in rng.integers(len(raw), size=rng.integers(1, 9)):
        raw[at] ^= 1 << int(rng.integers(8))
    return raw


def overwrite_fields(rng: np.random.Generator, original: Original, raw: bytearray) -> bytearray:
    fields = original.layout.fields
    for at in rng.choice(fields, size=rng.integers(1, 4)):
        old = int.from_bytes(raw[at : at + 4], "little")
        usual = [0, 1, 2, 3, 4096, old + 1, old - 1, old * 2, old // 2]
        extreme = [(1 << 31) - 1, 1 << 31, (1 << 32) - 1, int(rng.integers(1 << 32))]
        small = [int(rng.integers(len(raw) // original.layout.chunk + 2))]
        new = int(rng.choice([*usual, *extreme, *small])) & 0xFFFFFFFF
        width = int(rng.choice([1, 2, 4]))
        raw[at : at + width] = new.to_bytes(4, "little")[:width]
    return raw


def truncate(rng: np.random.Generator, original: Original, raw: bytearray) -> bytearray:
    return raw[: rng.integers(len(raw))]


def insert_or_delete(rng: np.random.Generator, original: Original, raw: bytearray) -> bytearray:
    at, length = int(rng.integers(len(raw))), int(rng.integers(1, 100))
    if rng.random() < 0.5:
        del raw[at : at + length]
    else:
        raw[at:at] = rng.bytes(length)
    return raw


def swap_chunks(rng: np.random.Generator, original: Original, raw: bytearray) -> bytearray:
    """Swap two chunks, or write one over another, or empty it."""
    size = original.layout.chunk
    one, other = (
        slice(HEAD + number * size, HEAD + (number + 1) * size)
        for number in rng.integers((len(raw) - HEAD) // size, size=2)
    )
    first, second = bytes(raw[one]), bytes(raw[other])
    first, second = [(second, first), (first, first), (bytes(size), second)][rng.integers(3)]
    raw[one], raw[other] = first, second
    return raw


CHANGES: tuple[Change, ...] = (
    flip_bits,
    overwrite_fields,
    overwrite_fields,
    truncate,
    insert_or_delete,
    swap_chunks,
)


def written(path: Path, **changes) -> bytes:
    rng = np.random.default_rng(1)
    counts = rng.poisson(rng.choice([0.02, 0.3, 4.0], (9, 7, 2, 1)), (9, 7, 2, 400))
    missing = rng.random((9, 7)) < 0.1
    counts[missing] = 0
    write_bcf(
        path,
        rows=[counts],
        shape=(9, 7),
        axis=EnergyAxis(-0.955, 0.1, 400),
        instrument=Instrument("probe"),
        pixel_size_mm=(0.02, 0.02),
        title="probe",
        detectors=2,
        missing=missing,
        **changes,
    )
    return path.read_bytes()


SOURCES = {
    "over16bit.bcf": None,
    "16x16_12bit_packed_8bit.bcf": None,
    "mixed": {},
    "pulses16": {"encoding": "pulses16"},
    "late pulses": {"encoding": "runs+pulses"},
    "compressed": {"compressed": True},
    "large chunks": {"chunk_bytes": 65536},
}


def opened(path: Path, *, salvage: bool = False) -> tuple[Scan, np.ndarray]:
    scan = open_scan(path, salvage=salvage)
    return scan, np.concatenate([counts for _, counts in scan.blocks(4)])


@pytest.fixture(scope="session")
def original(request, tmp_path_factory, data_folder) -> Original:
    changes = SOURCES[request.param]
    path = tmp_path_factory.mktemp("fuzz") / "a.bcf"
    if changes is None:
        path.write_bytes((data_folder / request.param).read_bytes())
    else:
        written(path, **changes)
    raw = path.read_bytes()
    scan, counts = opened(path)
    return Original(raw, Layout(raw), counts, scan.axis, scan.warnings)


class TooSlow(BaseException):
    """Not an `Exception`, so that nothing on the way catches it."""


@contextmanager
def bounded() -> Iterator[None]:
    """Allow `LIMIT_S` and `LIMIT_BYTES`."""

    def stop(signal_number, frame):
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
        assert peak < LIMIT_BYTES
    finally:
        tracemalloc.stop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def changed_bytes(original: Original, raw: bytes) -> np.ndarray:
    """Tell of each byte of the sound file whether it was changed, or is not led to any more."""
    layout = original.layout
    old, new = (np.frombuffer(data, dtype=np.uint8) for data in (original.raw, raw))
    common = min(len(old), len(new))
    changed = np.ones(len(old), dtype=bool)
    changed[:common] = old[:common] != new[:common]
    for at, chunk in layout.chunk_of_pointer.items():
        if changed[at : at + 4].any():
            start = chunk * layout.chunk + PAYLOAD
            changed[start : start + layout.chunk - OVERHEAD] = True
    return changed


def complaint(original: Original, path: Path) -> str:
    """Return what is wrong with what a changed file gives, empty where nothing is."""
    with bounded():
        try:
            scan, counts = opened(path)
        except ScanError:
            return ""
    if any("taken as their sum" in line for line in scan.warnings):
        return ""
    layout, changed = original.layout, changed_bytes(original, path.read_bytes())
    if counts.shape != original.counts.shape:
        return f"counts of shape {counts.shape} instead of {original.counts.shape}"
    is_compressed = not layout.is_spectrum.any()
    if scan.axis != original.axis and (is_compressed or not changed[layout.is_header].any()):
        return f"{scan.axis} instead of {original.axis}"
    wrong = np.flatnonzero((counts != original.counts).any(axis=(1, 2))).tolist()
    rows = set(layout.row[changed].tolist()) - {-1}
    if set(wrong) - rows:
        return f"other counts in rows {wrong}, but changed bytes in {sorted(rows)}"
    rows = set(layout.row[changed & layout.is_spectrum].tolist())
    sums = counts.sum(axis=(1, 2)), original.counts.sum(axis=(1, 2))
    won = sums[0].astype(np.int64) - sums[1].astype(np.int64)
    other = [row for row in wrong if abs(won[row]) > MAX_UNSEEN and row not in rows]
    return f"more or fewer counts in rows {other}, but changed heads only" if other else ""


def salvage_complaint(original: Original, path: Path) -> str:
    """Return what is wrong with what is salvaged: counts made up, or lost without a warning."""
    with bounded():
        try:
            scan, counts = opened(path, salvage=True)
        except ScanError:
            return ""
    if not set(scan.warnings) - set(original.warnings):
        return complaint(original, path)
    if counts.shape != original.counts.shape:
        return ""
    changed = changed_bytes(original, path.read_bytes())
    made_up = (counts > original.counts).any(axis=(1, 2))
    made_up[list(set(original.layout.row[changed].tolist()) - {-1})] = False
    return f"counts made up in rows {np.flatnonzero(made_up).tolist()}" if made_up.any() else ""


@pytest.mark.parametrize(
    ("judge", "share"), [(complaint, 1.0), (salvage_complaint, 0.2)], ids=["read", "salvage"]
)
@pytest.mark.parametrize("original", SOURCES, indirect=True)
@pytest.mark.filterwarnings("ignore")
def test_damage_is_refused_or_stays_where_it_is(original, tmp_path, judge, share):
    path = tmp_path / "changed.bcf"
    complaints = []
    for seed in range(FIRST_SEED, FIRST_SEED + round(share * N_CHANGES / len(SOURCES))):
        rng = np.random.default_rng(seed)
        change = CHANGES[rng.integers(len(CHANGES))]
        path.write_bytes(change(rng, original, bytearray(original.raw)))
        try:
            said = judge(original, path)
        except (Exception, TooSlow) as error:
            said = f"{type(error).__name__}: {error}"
        if said:
            complaints.append(f"seed {seed}, {change.__name__}: {said}")
    assert not complaints, "\n".join(complaints)

"""Data sets from elsewhere: the three layouts, and files that lie."""

import json

import h5py
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from lithoscope.core.energy import EnergyAxis
from lithoscope.errors import LithoscopeError, SpectrumError
from lithoscope.io.hspy_writer import NavigatedAxis, hspy_counts
from lithoscope.synthesis.datasets.reading import load_dataset
from lithoscope.synthesis.datasets.records import SplitMaker
from lithoscope.synthesis.stream import SpectrumBatch

AXIS = EnergyAxis(0.0, 0.02, 1024)
NAMES = np.array(["quartz", "halite", "quartz", "halite"])
COUNTS = np.random.default_rng(0).poisson(4.0, (4, 1024)).astype(np.uint16)


def write_npz(path, **changes):
    arrays = {"counts": COUNTS, "energy_keV": AXIS.energies_keV, "mineral": NAMES, **changes}
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


def write_zarr(path, attributes=None, **changes):
    group = zarr.open_group(str(path), mode="w")
    group.attrs.update({"minerals": ["halite", "quartz"], **(attributes or {})})
    arrays = {
        "counts": COUNTS,
        "energy_keV": AXIS.energies_keV,
        "mineral": np.array([1, 0, 1, 0]),
        **changes,
    }
    for name, values in arrays.items():
        if values is not None:
            group.create_array(name, data=np.asarray(values))


def write_hspy(path, names=NAMES):
    with hspy_counts(
        path,
        navigated=[NavigatedAxis("spectrum", len(names))],
        axis=AXIS,
        dtype=COUNTS.dtype,
        chunks=(2, AXIS.n_channels),
        title="measured",
        minerals=list(names),
    ) as counts:
        counts[:] = COUNTS[: len(names)]


def folder_of(tmp_path, write, suffix, **arguments):
    for split in ("training", "test"):
        write(tmp_path / f"{split}{suffix}", **arguments)
    return tmp_path


@pytest.mark.parametrize(
    ("write", "suffix"), [(write_npz, ".npz"), (write_zarr, ".zarr"), (write_hspy, ".hspy")]
)
def test_the_three_layouts_say_the_same(tmp_path, write, suffix):
    dataset = load_dataset(folder_of(tmp_path, write, suffix))
    assert dataset.labels.labels == ("halite", "quartz")
    assert dataset.condition is None
    assert not dataset.is_noise_free
    for split in ("training", "test"):
        np.testing.assert_array_equal(dataset.classes(split), [1, 0, 1, 0])
        spectra = dataset.splits[split]
        np.testing.assert_array_equal(spectra.read(1, 3), COUNTS[1:3])
        assert spectra.axis == AXIS


def test_names_as_hyperspy_stores_lists_tuples_and_arrays(tmp_path):
    folder_of(tmp_path, write_hspy, ".hspy")
    with h5py.File(tmp_path / "test.hspy", "a") as file:
        sample = file["Experiments/measured/metadata/Sample"]
        sample.move("_list_mineral", "_tuple_mineral")
    with h5py.File(tmp_path / "training.hspy", "a") as file:
        sample = file["Experiments/measured/metadata/Sample"]
        del sample["_list_mineral"]
        sample["mineral"] = NAMES.astype("S")
    dataset = load_dataset(tmp_path)
    for split in ("training", "test"):
        np.testing.assert_array_equal(dataset.classes(split), [1, 0, 1, 0])


def test_groups_are_classes_and_unused_names_are_none(tmp_path):
    names = ["kyanite/andalusite", "quartz", "never seen"]
    folder_of(tmp_path, write_zarr, ".zarr", attributes={"minerals": names})
    dataset = load_dataset(tmp_path)
    assert dataset.labels.labels == ("kyanite/andalusite", "quartz")
    assert dataset.labels.index_of("andalusite") == 0
    np.testing.assert_array_equal(dataset.classes("test"), [1, 0, 1, 0])


def bad_npz():
    return [
        ({"mineral": None}, "no 'mineral'"),
        ({"mineral": NAMES[:3]}, "mineral of shape"),
        ({"mineral": np.array(NAMES, dtype=object)}, "mineral"),
        ({"counts": COUNTS[0]}, "shape"),
        ({"counts": COUNTS.astype(float) - 3}, "holds counts down to"),
        ({"counts": np.where(COUNTS > 7, np.nan, COUNTS)}, "NaN"),
        ({"energy_keV": np.sort(np.sqrt(AXIS.energies_keV))}, "straight line"),
        ({"energy_keV": AXIS.energies_keV[:9]}, "energy_keV of shape"),
        ({"mineral": np.array(["quartz"] * 4)}, "1 mineral"),
        ({"mineral": np.array(["quartz", "", "halite", "halite"])}, "names a mineral"),
        ({"mineral": np.array(["quartz", "a\x1b[2J", "halite", "halite"])}, "names a mineral"),
        ({"mineral": np.array(["quartz", "a/a", "halite", "halite"])}, "group"),
        ({"mineral": np.array(["quartz", "quartz/opal", "halite", "halite"])}, "two groups"),
    ]


@pytest.mark.parametrize(("changes", "message"), bad_npz())
def test_bad_npz(tmp_path, changes, message):
    folder_of(tmp_path, write_npz, ".npz", **changes)
    with pytest.raises(LithoscopeError, match=message):
        _read_all(tmp_path)


def _read_all(folder):
    dataset = load_dataset(folder)
    assert len(dataset.labels) > 1
    for spectra in dataset.splits.values():
        spectra.read(0, len(spectra))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mineral": None}, "another layout"),
        ({"mineral": np.array([0, 1, 2, 0])}, "labels from 0 to 2"),
        ({"mineral": np.array([0, 1, -1, 0])}, "labels from -1"),
        ({"mineral": np.array([0.0, 1.0, 0.0, 1.0])}, "types"),
        ({"mineral": np.array([0, 1])}, "shapes"),
        ({"counts": COUNTS[0]}, "shapes"),
        ({"attributes": {"minerals": "quartz"}}, "no list of names"),
        ({"attributes": {"minerals": ["halite", 7]}}, "no list of names"),
        ({"attributes": {"minerals": ["halite", "halite"]}}, "twice"),
        ({"attributes": {"source": "simulated", "condition": {"name": "x"}}}, "condition"),
        ({"attributes": {"source": "simulated", "condition": [1]}}, "condition"),
        (
            {
                "attributes": {
                    "source": "simulated",
                    "condition": {"name": "x", "severities": {"bragg": 99}, "counts": [1, 2]},
                }
            },
            "condition",
        ),
    ],
)
def test_bad_zarr(tmp_path, changes, message):
    folder_of(tmp_path, write_zarr, ".zarr", **changes)
    with pytest.raises(SpectrumError, match=message):
        _read_all(tmp_path)


def test_bad_hspy(tmp_path):
    folder_of(tmp_path, write_hspy, ".hspy")
    with h5py.File(tmp_path / "test.hspy", "a") as file:
        del file["Experiments/measured/metadata/Sample/_list_mineral"]
    with pytest.raises(SpectrumError, match=r"0?none names .*\n.*Sample.mineral"):
        load_dataset(tmp_path)
    (tmp_path / "test.hspy").write_bytes(b"not HDF5")
    with pytest.raises(SpectrumError, match=r"test\.hspy"):
        load_dataset(tmp_path)


def test_damaged_chunks_are_found_when_read(tmp_path):
    folder_of(tmp_path, write_zarr, ".zarr")
    for chunk in (tmp_path / "test.zarr" / "counts" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"rubbish")
    with pytest.raises(SpectrumError, match="damaged"):
        _read_all(tmp_path)


def test_a_zarr_that_declares_more_than_it_stores_is_refused(tmp_path):
    folder_of(tmp_path, write_zarr, ".zarr")
    for name, size in (("counts", [1 << 24, 1024]), ("mineral", [1 << 24])):
        path = tmp_path / "training.zarr" / name / "zarr.json"
        document = json.loads(path.read_text())
        document["shape"] = size
        path.write_text(json.dumps(document))
    with pytest.raises(SpectrumError, match="declares"):
        load_dataset(tmp_path)


def test_splits_that_do_not_fit_together(tmp_path):
    with pytest.raises(SpectrumError, match="no folder"):
        load_dataset(tmp_path / "none")
    with pytest.raises(SpectrumError, match="no training and no test"):
        load_dataset(tmp_path)
    write_npz(tmp_path / "training.npz")
    with pytest.raises(SpectrumError, match="no test"):
        load_dataset(tmp_path)
    write_npz(tmp_path / "test.npz", mineral=np.array(["quartz", "quartz", "quartz", "galena"]))
    with pytest.raises(SpectrumError, match="galena"):
        load_dataset(tmp_path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """One folder of each layout, small enough to damage often."""
    folders = []
    for write, suffix in ((write_npz, ".npz"), (write_zarr, ".zarr"), (write_hspy, ".hspy")):
        folders.append(folder_of(tmp_path_factory.mktemp("sound"), write, suffix))
    return folders


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_anywhere_is_an_error_of_ours_or_harmless(sound, data):
    folder = data.draw(st.sampled_from(sound))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    junk = data.draw(st.binary(max_size=8))
    path.write_bytes(whole[:place] + junk + whole[place + data.draw(st.integers(0, 8)) :])
    try:
        dataset = load_dataset(folder)
        for spectra in dataset.splits.values():
            spectra.read(0, len(spectra))
    except LithoscopeError:
        pass
    finally:
        path.write_bytes(whole)


class _RepeatingStream:
    """The same eight compositions over and over, then new ones."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        import torch

        for number in self.batches:
            classes = torch.arange(8) % 2
            first = torch.full((8,), float(number)) + torch.arange(8) / 10
            yield SpectrumBatch(
                counts=torch.ones(8, 3),
                expected=torch.ones(8, 3),
                classes=classes,
                minerals=classes,
                fractions=torch.stack([first, 1 - first], dim=1),
                totals=torch.ones(8),
                parameters={},
            )


def test_a_composition_of_an_earlier_split_is_passed_over():
    maker = SplitMaker(np.array([True, True]))
    quotas = np.array([3, 3])
    first = list(maker.records(_RepeatingStream([0]), quotas))
    second = list(maker.records(_RepeatingStream([0, 1]), quotas))
    kept = [np.concatenate([part.columns["composition"] for part in s]) for s in (first, second)]
    assert [len(part) for part in kept] == [6, 6]
    assert not {row.tobytes() for row in kept[0]} & {row.tobytes() for row in kept[1]}
    # Of the eight of the first batch the two that the first split did not take are free.
    assert (kept[1][:, 0] < 1).sum() == 2


def test_a_mineral_of_one_composition_may_repeat():
    maker = SplitMaker(np.array([False, False]))
    for _ in range(2):
        parts = list(maker.records(_RepeatingStream([0]), np.array([4, 4])))
        assert sum(map(len, parts)) == 8

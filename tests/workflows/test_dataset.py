"""Data sets end to end: what is on disk, that it is the same again, and what is refused."""

import csv
import dataclasses
import hashlib
from collections import Counter, namedtuple

import numpy as np
import pytest
import zarr

from lithoscope.core.composition import Composition
from lithoscope.errors import InvalidValueError, OutputError
from lithoscope.io import load_instrument, open_spectra
from lithoscope.minerals import load_library
from lithoscope.physics.simulate import spectrum_from_composition
from lithoscope.synthesis.conditions import find_condition
from lithoscope.synthesis.datasets.reading import hash_of_dataset, load_dataset
from lithoscope.synthesis.datasets.records import Records
from lithoscope.synthesis.datasets.splits import Splits
from lithoscope.synthesis.datasets.writing import estimated_size, write_split
from lithoscope.workflows.dataset import DatasetPlan, make_dataset

NAMES = ("forsterite", "quartz", "acrylic")
SPLITS = ("training", "validation", "test")


def planned(condition="poisson", *, spectra=60, seed=3, counts=(100.0, 1e5), split="70,15,15"):
    library = load_library()
    return DatasetPlan(
        tuple(library.get(name) for name in NAMES),
        load_instrument("m4-tornado-40kev"),
        dataclasses.replace(find_condition(condition), counts=counts),
        Splits.from_text(split),
        spectra,
        seed,
    )


@pytest.fixture(scope="session")
def counted_set(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "counted"
    return folder, make_dataset(planned(), folder)


@pytest.fixture(scope="session")
def ideal_set(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "ideal"
    make_dataset(planned("ideal", spectra=30, split="50,50"), folder)
    return folder


def tree_hashes(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_split_holds_every_class_alike(counted_set):
    folder, facts = counted_set
    assert facts["splits"] == {"training": 42, "validation": 9, "test": 9}
    with (folder / "labels.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert Counter((row["split"], row["mineral"]) for row in rows) == {
        (split, name): {"training": 14}.get(split, 3) for split in SPLITS for name in NAMES
    }
    for split in SPLITS:
        group = zarr.open_group(str(folder / f"{split}.zarr"), mode="r")
        named = [group.attrs["minerals"][number] for number in group["mineral"][:]]
        assert named == [row["mineral"] for row in rows if row["split"] == split]


def test_zarr_and_hspy_hold_the_same(counted_set):
    from rsciio.hspy import file_reader

    folder, _ = counted_set
    for split in SPLITS:
        group = zarr.open_group(str(folder / f"{split}.zarr"), mode="r")
        signal = file_reader(folder / f"{split}.hspy")[0]
        np.testing.assert_array_equal(signal["data"], group["counts"][:])
        assert signal["data"].dtype == group["counts"].dtype
        names = [group.attrs["minerals"][number] for number in group["mineral"][:]]
        assert list(signal["metadata"]["Sample"]["mineral"]) == names
        energy = signal["axes"][1]
        assert (energy["offset"], energy["scale"], energy["units"]) == (-0.955, 0.01, "keV")
        spectra = open_spectra(folder / f"{split}.hspy")
        np.testing.assert_array_equal(spectra[-1].counts, group["counts"][-1])
        np.testing.assert_allclose(spectra[0].axis.energies_keV, group["energy_keV"][:])


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(counted_set, tmp_path):
    folder, facts = counted_set
    again = make_dataset(planned(), tmp_path / "elsewhere" / "again")
    assert tree_hashes(tmp_path / "elsewhere" / "again") == tree_hashes(folder)
    assert again == facts
    other = make_dataset(planned(seed=4), tmp_path / "other")
    assert other["sha256"] != facts["sha256"]


def test_no_composition_is_in_two_splits(counted_set):
    folder, facts = counted_set
    assert facts["one_composition"] == ["acrylic"]
    assert "acrylic" in (folder / "CARD.md").read_text().split("Of one composition")[1]
    rows = []
    for split in SPLITS:
        group = zarr.open_group(str(folder / f"{split}.zarr"), mode="r")
        composition, minerals = group["composition"][:], group["mineral"][:]
        np.testing.assert_allclose(composition.sum(axis=1), 1, atol=1e-5)
        rows += [row.tobytes() for row in composition[minerals != NAMES.index("acrylic")]]
        assert len(np.unique(composition[minerals == NAMES.index("acrylic")], axis=0)) == 1
    assert len(set(rows)) == len(rows) == 40


def test_counts_are_of_the_recorded_compositions(ideal_set):
    """Against the one-spectrum simulation, which shares no code with the stream's batches."""
    group = zarr.open_group(str(ideal_set / "test.zarr"), mode="r")
    assert group["counts"].dtype == np.float32
    counts = group["counts"][:].astype(np.float64)
    np.testing.assert_allclose(counts.sum(axis=1), group["expected_counts"][:], rtol=1e-4)
    assert 100 <= group["expected_counts"][:].min() <= group["expected_counts"][:].max() <= 1e5
    symbols = group.attrs["symbols"]
    for number in (0, 4, 9):
        fractions = dict(zip(symbols, map(float, group["composition"][number]), strict=True))
        held = {symbol: value for symbol, value in fractions.items() if value > 0}
        expected = spectrum_from_composition(
            composition=Composition({s: v / sum(held.values()) for s, v in held.items()}),
            instrument=load_instrument("m4-tornado-40kev"),
            mass_thickness_g_cm2=np.inf,
        )
        difference = np.abs(counts[number] / counts[number].sum() - expected / expected.sum())
        assert difference.sum() < 0.01


def test_counts_have_the_smallest_type_and_fewer_bytes_than_were_asked_for(counted_set, ideal_set):
    folder, _ = counted_set
    for split in SPLITS:
        counts = zarr.open_group(str(folder / f"{split}.zarr"), mode="r")["counts"]
        assert counts.dtype == np.min_scalar_type(int(counts[:].max()))
    for made, plan in (
        (folder, planned()),
        (ideal_set, planned("ideal", spectra=30, split="50,50")),
    ):
        size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
        assert size < plan.size


def test_the_card_is_honest(counted_set):
    text = (counted_set[0] / "CARD.md").read_text()
    for part in ("not measured", "| quartz | 14 | 3 | 3 |", "poisson 2", "seed 3", "4096 channels"):
        assert part in text


def test_an_interrupted_data_set_is_absent_and_a_stale_one_replaced(tmp_path):
    stale = tmp_path / "cut.partial"
    stale.mkdir()
    (stale / "old.txt").write_text("left by a run that was killed")

    def interrupt(stage, done, total, note):
        if stage == "validation, packed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_dataset(planned(), tmp_path / "cut", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_more_than_the_disk_holds_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(1 << 40, 0, 1 << 30))
    with pytest.raises(OutputError, match=r"100,000,000 spectra .* are free"):
        make_dataset(planned(spectra=100_000_000), tmp_path / "huge")
    assert list(tmp_path.iterdir()) == []


def test_the_estimate_is_above_what_spectra_of_a_million_counts_take_and_not_far(tmp_path):
    records = np.random.default_rng(0).poisson(1e6 / 4096, (512, 4096)).astype(np.float32)
    columns = {"mineral": np.zeros(512, dtype=np.uint16)}
    axis = load_instrument("m4-tornado").axis
    write_split(
        tmp_path,
        "test",
        [Records(records, columns)],
        axis=axis,
        minerals=["flat"],
        whole=True,
        attributes={"title": "flat"},
    )
    kept = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    estimated = estimated_size(512, 4096, (1e6, 1e6), whole=True)
    # Kept are two copies of three.
    assert 1.5 * kept < estimated < 4 * kept


def test_a_folder_that_holds_something_is_left_alone(counted_set, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    for folder in (tmp_path, counted_set[0]):
        before = tree_hashes(folder)
        with pytest.raises(OutputError, match="not an empty folder"):
            make_dataset(planned(), folder)
        assert tree_hashes(folder) == before


def test_plans_that_make_no_sense():
    with pytest.raises(InvalidValueError, match=r"at least 18 spectra"):
        planned(spectra=15)
    with pytest.raises(InvalidValueError, match="two or more"):
        dataclasses.replace(planned(), minerals=planned().minerals[:1])
    with pytest.raises(InvalidValueError, match="seed"):
        planned(seed=-1)


def test_the_hash_changes_with_a_byte(counted_set, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(counted_set[0], copy)
    before = hash_of_dataset(load_dataset(copy))
    assert before == counted_set[1]["sha256"]
    (copy / "labels.csv").write_text("")
    assert hash_of_dataset(load_dataset(copy)) == before
    attributes = copy / "test.zarr" / "zarr.json"
    attributes.write_text(attributes.read_text().replace("poisson", "Poisson"))
    assert hash_of_dataset(load_dataset(copy)) != before


def test_the_command(lithoscope, tmp_path):
    import json

    arguments = ["dataset", "--minerals", "quartz,halite", "-n", 12, "--split", "50,50"]
    options = ["--condition", "poisson", "--counts", "30,200", "--seed", 2, "--json"]
    status, out, err = lithoscope(*arguments, *options, "-o", tmp_path / "two")
    assert status == 0, err
    facts = json.loads(out)
    assert facts["splits"] == {"training": 6, "test": 6}
    assert facts["condition"]["counts"] == [30, 200]
    made = zarr.open_group(str(tmp_path / "two" / "test.zarr"), mode="r")
    assert made["counts"].dtype == np.uint8
    assert made["counts"].shape == (6, 4096)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--split", "70,15,14"], ["70,15,14", "100"]),
        (["--split", "70,30,0"], ["70,30,0"]),
        (["-n", "5"], ["at least 12 spectra", "-n"]),
        (["--minerals", "quartz"], ["two or more"]),
        (["--minerals", "quartz,quarz"], ["quartz"]),
        (["--condition", "realstic"], ["realistic"]),
        (["--condition", "bragg@7"], ["7", "5"]),
        (["--counts", "high"], ["high", "30,1000000"]),
        (["--counts", "500,30"], ["500"]),
        (["--instrument", "m5"], ["m4-tornado"]),
        (["-n", "999999999999"], ["GB"]),
    ],
)
def test_bad_input_is_one_message(lithoscope, tmp_path, options, expected):
    given = {"--minerals": "quartz,halite", "-n": "40", "-o": tmp_path / "out"}
    given |= dict(zip(options[::2], options[1::2], strict=True))
    status, out, err = lithoscope("dataset", *[part for pair in given.items() for part in pair])
    assert status == 2, err
    assert out == ""
    assert "Traceback" not in err
    for part in expected:
        assert part in err
    assert list(tmp_path.iterdir()) == []

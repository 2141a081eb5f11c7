"""Tables and maps of labels, and stored results: what is read, and what is refused."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lithoscope.errors import FileFormatError, LabelError
from lithoscope.io.label_maps import UNLABELLED, read_label_map
from lithoscope.io.label_tables import read_label_table
from lithoscope.io.stored_results import open_stored_map, read_answers


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_pixels(tmp_path):
    table = read_label_table(write(tmp_path / "l.csv", "y,x,mineral,region\n3,4,quartz,a\n"))
    assert table.of_pixels
    assert table.has_regions
    assert (table.labels[0].place, table.labels[0].mineral) == ((3, 4), "quartz")


def test_a_table_of_spectra_without_index_means_the_first(tmp_path):
    table = read_label_table(write(tmp_path / "l.csv", "file,mineral\na.msa,quartz\n"))
    assert not table.of_pixels
    assert table.labels[0].place == (0,)
    assert not table.has_regions


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "nothing"),
        ("y,x\n1,2\n", "y,x"),
        ("y,x,index,mineral\n1,2,3,quartz\n", "y,x,index"),
        ("y,x,mineral,colour\n1,2,quartz,red\n", "colour"),
        ("y,x,mineral\n", "no labels"),
        ("y,x,mineral\n1,2\n", "line 2"),
        ("y,x,mineral\n1,-2,quartz\n", "'-2'"),
        ("y,x,mineral\n1,2.5,quartz\n", "'2.5'"),
        ("y,x,mineral,region\n1,2,quartz,\n", "region"),
        ("y,x,mineral\n1,2,quartz\n1,2,calcite\n", "line 3"),
    ],
)
def test_other_tables_are_refused(tmp_path, text, told):
    with pytest.raises(LabelError, match=told):
        read_label_table(write(tmp_path / "l.csv", text))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_table_or_one_of_our_errors(tmp_path, content):
    path = tmp_path / "any.csv"
    path.write_bytes(b"y,x,mineral\n" + content)
    try:
        table = read_label_table(path)
    except LabelError:
        return
    assert table.labels


def mask(folder, values, legend="value,mineral\n1,quartz\n2,calcite\n", mode="P"):
    picture = Image.fromarray(np.array(values, dtype=np.uint8))
    if mode == "P":
        picture.putpalette([0, 0, 0, 255, 0, 0, 255, 0, 0])
    picture.convert(mode).save(folder / "mask.png")
    if legend is not None:
        write(folder / "mask.csv", legend)
    return folder / "mask.png"


@pytest.mark.parametrize("mode", ["P", "L"])
def test_a_mask_and_its_legend(tmp_path, mode):
    # Both values have one colour: the number counts, not what is seen.
    found = read_label_map(mask(tmp_path, [[0, 1], [2, 2]], mode=mode))
    names = np.array([*found.minerals, "none"])[found.numbers]
    assert names.tolist() == [["none", "quartz"], ["calcite", "calcite"]]
    assert found.numbers[0, 0] == UNLABELLED


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"legend": None}, "legend"),
        ({"legend": "value,mineral\n1,quartz\n"}, "pixels of 2"),
        ({"legend": "value,mineral\n1,quartz\n1,calcite\n"}, "1,calcite"),
        ({"legend": "value,mineral\n300,quartz\n"}, "300"),
        ({"legend": "number,name\n1,quartz\n"}, "no legend"),
        ({"mode": "RGB"}, "RGB"),
    ],
)
def test_other_masks_are_refused(tmp_path, changes, told):
    with pytest.raises(LabelError, match=told):
        read_label_map(mask(tmp_path, [[0, 1], [2, 2]], **changes))


def test_damaged_masks_are_refused(tmp_path):
    path = mask(tmp_path, np.tile([0, 1, 2, 1], (64, 64)))
    path.write_bytes(path.read_bytes()[:90])
    with pytest.raises(LabelError, match=r"mask\.png"):
        read_label_map(path)
    with pytest.raises(LabelError, match="truth"):
        read_label_map(tmp_path / "none.zarr")


ANSWER = {
    "file": "a.msa",
    "index": 0,
    "members": ["quartz"],
    "probability": 0.9,
    "unknown": False,
    "top": [{"members": ["quartz"]}],
}


def test_answers_of_classify(tmp_path):
    (one,) = read_answers(write(tmp_path / "a.json", json.dumps([ANSWER])))
    assert (one.file, one.members, one.probability) == ("a.msa", ("quartz",), 0.9)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "3", '[{"file": 1}]', "[" * 100_000, '{"minerals": []}']
)
def test_other_json_is_refused(tmp_path, content):
    with pytest.raises(FileFormatError):
        read_answers(write(tmp_path / "a.json", content))


def test_a_probability_above_one_is_refused(tmp_path):
    path = write(tmp_path / "a.json", json.dumps([{**ANSWER, "probability": 2}]))
    with pytest.raises(FileFormatError, match="probability"):
        read_answers(path)


def test_a_folder_without_a_map_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="lithoscope map"):
        open_stored_map(tmp_path)

"""Maps and answers beside labels, from files to scores."""

import json

import numpy as np
import pytest
from PIL import Image

from lithoscope.core.labels import LabelSet
from lithoscope.errors import LabelError
from lithoscope.segmentation.dataset import map_dataset, write_dataset
from lithoscope.workflows.evaluate import evaluate
from lithoscope.workflows.phantom import make_phantom

LABELS = LabelSet.of_minerals(["quartz", "calcite"])
GROUPED = type(LABELS)((*LABELS.groups, type(LABELS.groups[0])(("andalusite", "kyanite"))))
# Calcite of the right third is called quartz in one of its two pixels.
NAMED = np.array([[0, 0, 0, 1], [0, 0, 2, 0], [0, 2, 2, -1]], dtype=np.int16)


def write_map(folder, named=NAMED, labels=GROUPED):
    folder.mkdir(exist_ok=True)
    zeros = np.zeros(named.shape, dtype=np.float32)
    layers = map_dataset(
        classes=named,
        smoothed=np.maximum(named, 0),
        confidence=np.where(named < 0, 0, 0.8).astype(np.float32),
        unknown=named == 1,
        ood_score=zeros,
        counts=zeros,
        labels=labels,
        coordinates=tuple(np.arange(n, dtype=float) for n in named.shape),
        units="pixel",
        attributes={},
    )
    write_dataset(layers, folder / "result.zarr")
    return folder


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


PIXELS = "y,x,mineral\n0,0,quartz\n1,0,quartz\n0,3,calcite\n1,3,calcite\n2,1,kyanite\n2,3,calcite\n"


@pytest.mark.parametrize("inside", [True, False])
def test_pixels_of_a_table(tmp_path, inside):
    folder = write_map(tmp_path / "map")
    labels = write(tmp_path / "labels.csv", PIXELS)
    found = evaluate(folder if inside else folder / "result.zarr", labels).as_data()
    assert found["pixels"] == 6
    # Two quartz, one calcite of three, and kyanite as a member of its group.
    assert found["accuracy"]["value"] == pytest.approx(4 / 6)
    rows = {row["mineral"]: row for row in found["minerals"]}
    assert rows["calcite"]["iou"]["value"] == pytest.approx(1 / 3)
    assert rows["quartz"]["iou"]["value"] == pytest.approx(2 / 3)
    assert rows["andalusite/kyanite"]["right"] == 1
    assert found["regions"] == 3
    assert found["unknown_share"] == pytest.approx(1 / 6)
    # What is void is wrong, but claims nothing: five sure pixels of 0.8, four of them right.
    assert found["calibration_error"]["value"] == pytest.approx(0.0, abs=1e-6)
    place = found["confusion"]["labelled"].index("calcite")
    assert dict(
        zip(found["confusion"]["named"], found["confusion"]["counts"][place], strict=True)
    ) == {"quartz": 1, "calcite": 1, "andalusite/kyanite": 0, "void": 1}


def test_progress_tells_of_labels_and_of_resampling(tmp_path):
    told = {}
    labels = write(tmp_path / "labels.csv", PIXELS)

    def progress(stage, done, total, note):
        told.setdefault(stage, []).append((done, total))

    evaluate(write_map(tmp_path / "map"), labels, progress=progress)
    assert told == {
        "labels": [(6, 6)],
        "intervals": [(1000, 1000)],
        "intervals, smoothed": [(1000, 1000)],
    }


def test_a_column_of_regions_decides(tmp_path):
    lines = [f"{y},{x},quartz,{'left' if x < 2 else 'right'}" for y in range(3) for x in range(4)]
    labels = write(tmp_path / "labels.csv", "y,x,mineral,region\n" + "\n".join(lines))
    assert evaluate(write_map(tmp_path / "map"), labels).agreement.regions == 2


def test_a_mask_and_the_same_table_agree(tmp_path):
    folder = write_map(tmp_path / "map")
    Image.fromarray(np.array([[1, 0, 0, 2], [1, 0, 0, 2], [0, 3, 0, 2]], dtype=np.uint8)).save(
        tmp_path / "mask.png"
    )
    write(tmp_path / "mask.csv", "value,mineral\n1,quartz\n2,calcite\n3,kyanite\n")
    table = write(tmp_path / "labels.csv", PIXELS)
    assert evaluate(folder, tmp_path / "mask.png").as_data() == evaluate(folder, table).as_data()


def test_the_truth_of_a_phantom_is_all_right_for_a_map_of_the_truth(tmp_path):
    from lithoscope.synthesis.phantoms import ScanRecipe

    made = make_phantom(
        "granite", tmp_path / "g.zarr", scan=ScanRecipe((12, 10), counts=50.0, bragg=False)
    )
    truth = made.phantom.truth["mineral"].values
    labels = LabelSet.of_minerals(json.loads(made.phantom.truth.attrs["long_names"]))
    folder = write_map(tmp_path / "map", truth.astype(np.int16), labels)
    found = evaluate(folder, made.truth).as_data()
    assert found["accuracy"]["value"] == 1
    assert found["mean_iou"]["value"] == 1
    assert found["pixels"] == (truth >= 0).sum()


def answer(file, index, members, probability, others=()):
    return {
        "file": file,
        "index": index,
        "members": members,
        "probability": probability,
        "unknown": False,
        "top": [{"members": names} for names in (members, *others) if names],
    }


def test_spectra(tmp_path):
    said = [
        answer("in/a.hspy", 0, ["quartz"], 0.9, [["calcite"]]),
        answer("in/a.hspy", 1, ["calcite"], 0.7),
        answer("in/b.msa", 0, ["andalusite", "kyanite"], 0.6),
        answer("in/c.msa", 0, [], 0.0),
    ]
    result = write(tmp_path / "said.json", json.dumps(said))
    labels = write(
        tmp_path / "labels.csv",
        "file,index,mineral\na.hspy,0,quartz\na.hspy,1,quartz\nin/b.msa,0,kyanite\nc.msa,0,halite\n",
    )
    found = evaluate(result, labels).as_data()
    assert found["spectra"] == 4
    assert found["regions"] == 3
    assert found["accuracy"]["value"] == pytest.approx(0.5)
    assert {row["mineral"] for row in found["minerals"]} == {
        "quartz",
        "andalusite/kyanite",
        "halite",
    }
    assert "accuracy_smoothed" in found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("y,x,mineral\n0,0,qarz\n0,1,halite\n", "'halite'.*'qarz' .near: quartz"),
        ("y,x,mineral\n0,4,quartz\n", "x 4"),
        ("file,mineral\na.msa,quartz\n", "spectra"),
    ],
)
def test_labels_that_do_not_belong_to_a_map(tmp_path, text, told):
    with pytest.raises(LabelError, match=told):
        evaluate(write_map(tmp_path / "map"), write(tmp_path / "labels.csv", text))


def test_a_mask_of_another_size(tmp_path):
    Image.fromarray(np.ones((4, 4), dtype=np.uint8)).save(tmp_path / "mask.png")
    write(tmp_path / "mask.csv", "value,mineral\n1,quartz\n")
    with pytest.raises(LabelError, match="3 x 4"):
        evaluate(write_map(tmp_path / "map"), tmp_path / "mask.png")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("y,x,mineral\n0,0,quartz\n", "pixels"),
        ("file,mineral\nz.msa,quartz\n", "no spectrum 0 of z.msa"),
        ("file,mineral\na.msa,quartz\n", "several"),
        ("file,mineral\nin/a.msa,qarz\n", "qarz"),
    ],
)
def test_labels_that_do_not_belong_to_spectra(tmp_path, text, told):
    said = [answer("in/a.msa", 0, ["quartz"], 0.9), answer("other/a.msa", 0, ["calcite"], 0.9)]
    result = write(tmp_path / "said.json", json.dumps(said))
    with pytest.raises(LabelError, match=told):
        evaluate(result, write(tmp_path / "labels.csv", text))

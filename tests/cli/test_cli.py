"""The command line: what it prints, and what it does with bad input."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lithoscope.models.checkpoint import save_checkpoint

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="session")
def model(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "tiny"
    save_checkpoint(tiny_model, folder)
    return folder


@pytest.fixture
def scan(tmp_path):
    """A scan of quartz over calcite in the documented .npz layout."""
    from lithoscope.workflows.simulate import simulate

    rows = [
        [simulate(name, counts=800, seed=10 * y + x).counts for x in range(4)]
        for y, name in enumerate(["quartz", "quartz", "calcite"])
    ]
    axis = simulate("quartz").axis
    path = tmp_path / "two.npz"
    np.savez(path, counts=np.array(rows), energy_keV=axis.energies_keV)
    return path


def test_map_prints_a_table_and_where_the_report_is(lithoscope, scan, model, tmp_path):
    status, out, err = lithoscope("map", scan, "-o", tmp_path / "out", "--model", model)
    assert status == 0, err
    assert "quartz" in out
    assert "66.67" in out
    assert str(tmp_path / "out" / "report.html") in out.replace("\n", "")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names >= {
        "result.zarr",
        "minerals.csv",
        "grains.csv",
        "associations.csv",
        "mineral_map.png",
        "report.html",
        "run.json",
        "unexplained.csv",
    }


def test_map_json_is_one_document_and_nothing_else(lithoscope, scan, model, tmp_path):
    status, out, _ = lithoscope("map", scan, "-o", tmp_path / "out", "--model", model, "--json")
    document = json.loads(out)
    assert status == 0
    assert document["minerals"][0]["mineral"] == "quartz"
    assert document["minerals"][0]["members"] == ["quartz"]
    assert Path(document["files"]["table"]).is_file()


def test_several_scans_go_to_folders_of_their_names(lithoscope, scan, model, tmp_path):
    other = tmp_path / "other.npz"
    shutil.copy(scan, other)
    status, out, err = lithoscope(
        "map", scan, other, "-o", tmp_path / "all", "--model", model, "--json", "--no-smooth"
    )
    assert status == 0, err
    assert len(json.loads(out)) == 2
    folders = sorted(path.name for path in (tmp_path / "all").iterdir() if path.is_dir())
    assert folders == ["other", "two"]


def test_classify_simulated_files(lithoscope, model, tmp_path):
    for name in ("quartz", "hematite"):
        status, _, err = lithoscope(
            "simulate", name, "--counts", 4000, "-o", tmp_path / f"{name}.msa"
        )
        assert status == 0, err
    files = [tmp_path / "quartz.msa", tmp_path / "hematite.msa"]
    status, out, err = lithoscope("classify", *files, "--model", model, "--json")
    answers = json.loads(out)
    assert status == 0, err
    assert [answer["mineral"] for answer in answers] == ["quartz", "hematite"]
    assert set(answers[0]) >= {
        "file",
        "index",
        "members",
        "probability",
        "unknown",
        "ood_score",
        "top",
    }
    status, out, _ = lithoscope("classify", files[0], "--model", model, "--minerals", "hematite")
    assert "hematite 100.0%" in out


def test_info_of_a_real_bcf(lithoscope):
    status, out, err = lithoscope("info", DATA / "P45_the_default_job.bcf", "--json")
    facts = json.loads(out)
    assert status == 0, err
    assert facts["electron_beam"] is True
    assert facts["channels"] > 1000


def test_minerals_show_speaks_of_lines_and_ranges(lithoscope):
    status, out, _ = lithoscope("minerals", "show", "almandine")
    assert status == 0
    assert "Fe Kα" in out
    assert "Mg3Al2" in out


def test_train_quick_in_small(lithoscope, tmp_path):
    status, out, err = lithoscope(
        "train",
        "--model",
        "cnn",
        "--recipe",
        "quick",
        "--minerals",
        "quartz,halite",
        "--spectra",
        1000,
        "-o",
        tmp_path / "mine",
    )
    assert status == 0, err
    assert "SAM %" in out
    assert (tmp_path / "mine" / "weights.safetensors").is_file()


def bad_inputs(folder):
    """Command lines that a user gets wrong, with what the message must say."""
    truncated = folder / "truncated.hspy"
    source = Path(__file__).parents[2] / "src" / "lithoscope" / "demo_data" / "laguna_salinas.hspy"
    truncated.write_bytes(source.read_bytes()[:200_000])
    text = folder / "text.hspy"
    text.write_text("not a scan")
    full = folder / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")
    uncalibrated = folder / "uncalibrated.npz"
    np.savez(uncalibrated, counts=np.ones((2, 2, 64)), energy_keV=np.zeros(64))
    other_layout = folder / "calibration.npz"
    np.savez(other_layout, spectra=np.ones((3, 2, 64)), calib_offset_gain_eV=np.zeros((3, 2, 2)))
    return [
        (["map", folder / "missing.bcf"], ["missing.bcf"]),
        (["map", DATA / "Nope.bcf"], ["Nope.bcf"]),
        (["map", truncated], ["truncated.hspy"]),
        (["map", text], ["text.hspy"]),
        (["map", folder], [".bcf"]),
        (["map", DATA / "P45_the_default_job.bcf"], ["electron", "--allow-electron-beam"]),
        (["map", uncalibrated], ["energy"]),
        (["map", other_layout], ["counts", "energy_keV"]),
        (["map", source, "-o", full], ["full", "empty folder"]),
        (["map", source, "--model", folder / "none"], ["none"]),
        (["map", source, "--smooth", "median"], ["median", "potts"]),
        (["map", source, "--smallest-grain", "3"], ["'3'", "60um"]),
        (["classify", folder / "missing.msa"], ["missing.msa"]),
        (["classify", DATA / "Ti.msa", "--minerals", "titanum"], ["titanium"]),
        (["classify", DATA / "Ti.msa", "--minerals", "granite"], ["rock"]),
        (["simulate", "quarz", "-o", folder / "q.png"], ["quartz"]),
        (["simulate", "KAl2(AlSi3O10(OH)2", "-o", folder / "q.png"], ["^"]),
        (["simulate", "quartz", "-o", folder / "q.doc"], [".msa"]),
        (["simulate", "quartz", "--counts", "-4", "-o", folder / "q.msa"], ["-4"]),
        (["simulate", "quartz", "--instrument", "m5", "-o", folder / "q.msa"], ["m4-tornado"]),
        (["simulate", "quartz", "-o", folder / "no" / "q.msa"], ["q.msa"]),
        (["simulate", "epoxy", "--bragg", "-o", folder / "q.msa"], ["unit cell"]),
        (["simulate", "quartz", "--thickness", "-1", "-o", folder / "q.msa"], ["-1"]),
        (["simulate", "SiO2", "--thickness", "30", "-o", folder / "q.msa"], ["--density"]),
        (["train", "--recipe", "defualt", "-o", folder / "m"], ["default"]),
        (["train", "--recipe", "quick", "--model", "cnm", "-o", folder / "m"], ["cnm"]),
        (["minerals", "show", "spodumen"], ["spodumene"]),
    ]


def test_every_bad_input_is_one_message_and_nothing_is_written(lithoscope, model, tmp_path):
    cases = bad_inputs(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for arguments, expected in cases:
        takes_model = arguments[0] in ("map", "classify") and "--model" not in arguments
        extra = ["--model", model] if takes_model else []
        target = ["-o", tmp_path / "out"] if arguments[0] == "map" and "-o" not in arguments else []
        status, out, err = lithoscope(*arguments, *extra, *target)
        assert status == 2, (arguments, status, err)
        assert "Traceback" not in err
        assert out == "", arguments
        for part in expected:
            assert part in err, (arguments, err)
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before, arguments


def test_help_is_fast_and_needs_no_torch():
    code = (
        "import sys; sys.argv = ['lithoscope', '--help']\n"
        "from lithoscope.cli.main import run\n"
        "try: run()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'xarray', 'matplotlib', 'lightning', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "classify" in done.stdout


def test_an_interrupt_is_no_traceback(lithoscope, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("lithoscope.workflows.describe.describe_mineral", interrupted)
    status, _, err = lithoscope("minerals", "show", "quartz")
    assert status == 130
    assert "Traceback" not in err

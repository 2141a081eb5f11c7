"""``lithoscope models`` lists every network with its cost."""

import json

from typer.testing import CliRunner

from lithoscope.cli.main import app
from lithoscope.models.registry import NETWORKS
from lithoscope.workflows import describe_networks as module


def test_the_list():
    done = []
    found = module.describe_networks(lambda *steps: done.append(steps), seconds=0.01)
    rows = {row["name"]: row for row in found["networks"]}
    assert list(rows) == list(NETWORKS)
    assert done[-1] == (len(NETWORKS), len(NETWORKS))
    # By hand in tests/models/test_networks.py.
    assert rows["cnn"]["multiply_adds"] == 2_454_371
    assert all(row["spectra_per_s"] > 0 and row["source"] for row in rows.values())
    assert found["measured"]["seconds_each"] == 0.01


def test_the_command(monkeypatch):
    facts = {
        "networks": [
            {
                "name": name,
                "summary": entry.summary,
                "source": entry.source,
                "takes": entry.takes,
                "parameters": 1_656_870,
                "multiply_adds": 12_454_371,
                "spectra_per_s": 123_456,
            }
            for name, entry in NETWORKS.items()
        ],
        "n_inputs": 2,
        "n_bins": 466,
        "n_classes": 275,
        "measured": {
            "precision": "float32",
            "threads": 2,
            "seconds_each": 0.8,
            "load_before": None,
        },
    }
    monkeypatch.setattr(module, "describe_networks", lambda progress: facts)
    printed = CliRunner().invoke(app, ["models"], env={"COLUMNS": "80"})
    assert printed.exit_code == 0
    assert max(map(len, printed.stdout.splitlines())) <= 80
    for name in NETWORKS:
        assert name in printed.stdout
    assert "1,657 k" in printed.stdout
    assert "12.45 M" in printed.stdout
    assert "120,000" in printed.stdout
    assert "mlp" in printed.stdout.split("Inputs:")[1]
    as_json = CliRunner().invoke(app, ["models", "--json"])
    assert json.loads(as_json.stdout) == facts

"""Chains as users give them: names in a row, or a YAML file."""

from __future__ import annotations

from pathlib import Path

import yaml

from lithoscope.core.plain_yaml import load_plain_yaml
from lithoscope.errors import PreprocessingError
from lithoscope.preprocess.chain import Chain


def chain_from_text(text: str) -> Chain:
    """Read ``baseline,normalise``, or the path of a YAML file with a list of steps.

    Raises
    ------
    PreprocessingError
        If a step or a parameter is unknown, or the file is no list of steps.
    """
    path = Path(text)
    if path.suffix.lower() not in (".yaml", ".yml"):
        return Chain.from_description([name.strip() for name in text.split(",") if name.strip()])
    try:
        return Chain.from_description(load_plain_yaml(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PreprocessingError(
            f"{path} cannot be read as a chain: {error}.",
            expected="a YAML file with a list of steps",
        ) from error

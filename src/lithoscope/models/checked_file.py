"""Files of a model, read whole and only if they are those that were saved."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lithoscope.errors import CheckpointError

_MAX_BYTES = 256 * 2**20


def read_checked(path: Path, sha256: object) -> bytes:
    """Read a file of a model.

    Parameters
    ----------
    path
        The file.
    sha256
        What the model's description says of it.

    Raises
    ------
    CheckpointError
        If it is missing, too large, or another than was saved.
    """
    if not path.is_file() or path.stat().st_size > _MAX_BYTES:
        raise CheckpointError(
            f"{path} is missing or too large.",
            expected="the file that belongs to model.json",
            remedy="copy the whole model folder again",
        )
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CheckpointError(
            f"{path} is not the file this model was saved with (its SHA-256 differs).",
            expected="an unaltered file",
            remedy="copy the whole model folder again",
        )
    return content

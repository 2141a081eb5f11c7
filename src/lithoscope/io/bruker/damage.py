"""What is wrong with a .bcf, on its way from where it is met to who is told."""

from __future__ import annotations

from pathlib import Path

from lithoscope.errors import ScanError


class UnsoundMapError(ScanError):
    """A .bcf map that is not sound.

    Parameters
    ----------
    path
        The file.
    cause
        What is wrong with it, and where.
    remedy
        What the user can do now.

    Attributes
    ----------
    cause
        The cause, without the file.
    """

    def __init__(self, path: Path, cause: str, *, remedy: str) -> None:
        super().__init__(
            f"{path} is no sound .bcf map: {cause}.",
            expected="a .bcf as Bruker's software saves it",
            remedy=remedy,
        )
        self.cause = cause


class PixelError(ValueError):
    """A pixel whose data cannot be unpacked.

    Parameters
    ----------
    index
        Which of the pixels that were given.
    cause
        What is wrong with it.
    """

    def __init__(self, index: int, cause: str) -> None:
        super().__init__(cause)
        self.index, self.cause = index, cause

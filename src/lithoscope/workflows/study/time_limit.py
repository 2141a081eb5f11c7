"""How long a run may take."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lithoscope.errors import LithoscopeError


class OverTimeError(LithoscopeError):
    """A run that takes longer than runs may."""


@contextmanager
def limited_to(seconds: float) -> Iterator[None]:
    """Stop what is done within after some seconds of processor time of all threads.

    Not of wall time: on a busy machine a run is not to end without a result that it would have had
    on another day. By an alarm, since a forest and a network are fitted by libraries that ask
    nobody in between; one call into C ends before it is heard. Where there are no alarms
    (Windows), nothing is stopped.

    Parameters
    ----------
    seconds
        At least a microsecond is given.

    Raises
    ------
    OverTimeError
        When they are over.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise OverTimeError("its time was over before all was fitted and measured.")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, max(seconds, 1e-6))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)

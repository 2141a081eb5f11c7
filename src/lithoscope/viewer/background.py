"""Slow work beside the page: clicks stay quick, and only the latest one's answer is shown."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import panel as pn

Found = TypeVar("Found")

# One thread for all pages: what is computed and kept is not made for several.
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="viewer")


class Latest:
    """Does one page's slow work, of which what was asked for last counts.

    Parameters
    ----------
    guarded
        Does something and tells on the page what a user did wrong.
    """

    def __init__(self, guarded: Callable[[Callable[[], None]], None]) -> None:
        self._guarded = guarded
        self._job: Future[Any] | None = None

    def forget(self) -> None:
        """Show no more of what was asked for."""
        if self._job is not None:
            self._job.cancel()
        self._job = None

    def do(self, work: Callable[[], Found], show: Callable[[Found], None]) -> None:
        """Do something in the thread, and show what came of it in the page's own.

        Without a browser's session, as in a test or a notebook, both are done at once.

        Parameters
        ----------
        work
            Does it; must touch no widget.
        show
            Called with what it returns, unless something else was asked for since.
        """
        self.forget()
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            show(work())
            return
        job = _THREAD.submit(work)
        self._job = job
        job.add_done_callback(partial(self._hand_over, document, show))

    def _hand_over(self, document: Any, show: Callable[[Found], None], job: Future[Found]) -> None:
        # The page may have been closed meanwhile.
        if not job.cancelled() and document.session_context is not None:
            document.add_next_tick_callback(partial(self._finish, show, job))

    def _finish(self, show: Callable[[Found], None], job: Future[Found]) -> None:
        if job is self._job:
            self._guarded(lambda: show(job.result()))

"""The gallery: notebooks as Python scripts (percent format), run when the pages are built.

A cell that fails stops the build, so what the pages show is what the code of this commit does.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any

import jupytext
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient

_FOLDER = "gallery"
# A busy machine needs many times what an idle one does.
_SECONDS_A_CELL = 600


def on_files(files: Any, config: Any) -> Any:
    """Run each notebook and add its page, pictures and .ipynb; mkdocs calls it once."""
    from mkdocs.structure.files import File

    for path in sorted((Path(config["docs_dir"]) / _FOLDER).glob("*.py")):
        for name, content in pages_of(path).items():
            files.append(File.generated(config, f"{_FOLDER}/{name}", content=content))
    return files


def pages_of(path: Path) -> dict[str, str | bytes]:
    """Run a notebook; return its page, its pictures and the executed notebook by file name."""
    notebook = run(path)
    written: dict[str, str | bytes] = {}
    parts = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for place, output in enumerate(cell.outputs):
            picture = f"{path.stem}-{number}-{place}.png"
            parts.append(_shown(output, picture, written))
    parts.append(
        f"---\n\nMade by running this page as a notebook: [{path.stem}.ipynb]({path.stem}.ipynb)."
    )
    written[f"{path.stem}.md"] = "\n\n".join(part for part in parts if part) + "\n"
    written[f"{path.stem}.ipynb"] = jupytext.writes(notebook, fmt="ipynb")
    return written


def run(path: Path) -> Any:
    """Return a notebook with its outputs; files that it writes are thrown away."""
    notebook = jupytext.read(path)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=_SECONDS_A_CELL,
            startup_timeout=_SECONDS_A_CELL,
            # By a socket file: a kernel that listens on a port takes commands of other users.
            km=AsyncKernelManager(
                kernel_name="python3", transport="ipc", ip=str(Path(folder) / "kernel")
            ),
            resources={"metadata": {"path": folder}},
        )
        client.execute()
    return notebook


def _shown(output: Any, picture: str, written: dict[str, str | bytes]) -> str:
    """Return an output as Markdown; a picture goes to a file of its own."""
    if output.output_type == "stream":
        return f"```text\n{output.text.rstrip()}\n```"
    data = output.data
    if "text/html" in data:
        return f'<div class="output">\n{data["text/html"].strip()}\n</div>'
    if "image/png" in data:
        written[picture] = base64.b64decode(data["image/png"])
        return f"![Output of the cell above]({picture})"
    return f"```text\n{data['text/plain']}\n```"

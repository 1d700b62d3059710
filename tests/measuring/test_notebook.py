"""The notebook of docs/notebooks runs from top to bottom, as somebody who reads it would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent.parent
NOTEBOOK = ROOT / "docs" / "notebooks" / "measure.ipynb"


def test_no_output_is_kept_when_the_notebook_is_committed() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count] == []


@pytest.mark.model
def test_every_cell_runs_when_the_models_are_real(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """In a process of its own, as Jupyter does it; weights are kept where other tests keep them."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("RAG_")
    } | {
        "RAG_DATA_DIR": str(request.config.cache.mkdir("models").parent),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    ran = tmp_path / "ran.ipynb"
    execute = "from nbclient.cli import main; main()"  # what `jupyter execute` is
    command = [sys.executable, "-c", execute, "--timeout=600", f"--output={ran}"]
    done = subprocess.run(
        [*command, str(NOTEBOOK)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outputs = [
        output
        for cell in nbformat.read(ran, as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    charts = [output for output in outputs if "image/svg+xml" in output.get("data", {})]
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert len(charts) == 3
    assert "first token after" in printed

"""Our own questions about docs/, put to the real small model: is it as good as when last looked at?

After a change of docs/, of the questions or of the prompt that is meant, save the scores anew, as
docs/decisions/0082-calibration-command.md says.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.cli import main

ROOT = Path(__file__).parent.parent.parent
MODEL = "qwen2.5-coder-0.5b"


@pytest.mark.model
def test_our_own_questions_are_answered_as_well_as_before_when_the_model_is_real(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    # Where other tests keep weights, too.
    monkeypatch.setenv("RAG_DATA_DIR", str(request.config.cache.mkdir("models").parent))
    monkeypatch.setenv("RAG_SLM", f"embedded:{MODEL}")
    monkeypatch.setenv("RAG_LLM", "none")
    put = ["--qa", str(ROOT / "tests/qa/docs.jsonl"), "--docs", str(ROOT / "docs"), "--mode", "slm"]
    gate = ["--gate", str(ROOT / "tests/qa/docs.json"), "--rows", str(tmp_path / "rows.jsonl")]
    code = main(["evaluate", *put, *gate, "--json"])
    summary = json.loads(capsys.readouterr().out)
    assert set(summary["models"]) == {MODEL}
    worse = [change for change in summary["gate"]["changes"] if change["regression"]]
    assert (code, worse, summary["errors"]) == (0, [], 0)

"""What ``compare`` tells: for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace

from rag.commands.experimenting import lines
from rag.encoding import Json
from rag.measuring.compare import SCORES, Compared, Trial
from rag.measuring.compare_opinions import judge_in_words, judge_tables
from rag.measuring.judge import Judged
from rag.measuring.machine import described
from rag.measuring.reports.compare import figures, heading, tables
from rag.measuring.reports.values import Table
from rag.measuring.throughput import decode_tokens_per_s


def said(ended: Compared, judged: Judged | None) -> Iterator[str]:
    """For a terminal: the answers one after the other, then the tables."""
    for prompt in ended.plan.prompts:
        yield f"── {heading(prompt)}\n"
        for model in ended.plan.models:
            for trial in ended.of(prompt.id, model)[:1]:
                yield f"{model}:\n{trial.sample.error or trial.sample.text.strip()}"
                yield f"({' · '.join(figures(trial))})\n"
    for one in tables(ended):
        yield from lines(one)
        yield ""
    if judged:
        yield f"{judge_in_words(judged)}\n"
        for part in judge_tables(judged):
            if isinstance(part, Table):
                yield from lines(part)


def compare_json(ended: Compared, judged: Judged | None) -> Json:
    """The shape is promised in docs/compare.md."""
    plan = asdict(replace(ended.plan, prompts=()))
    return {
        "plan": {**plan, "prompts": [prompt.id for prompt in ended.plan.prompts]},
        "is_whole": ended.is_whole,
        "models": [asdict(one) for one in ended.standings],
        "differences": [asdict(one) for one in ended.differences],
        "answers": [_answer_json(trial) for trial in ended.trials],
        "judge": asdict(judged) if judged else None,
        "machine": asdict(described()),
    }


def _answer_json(trial: Trial) -> Json:
    sample = trial.sample
    return {
        "model": sample.cell.model,
        "prompt": sample.cell.prompt,
        "ability": trial.ability or None,
        "round": sample.cell.round,
        "text": sample.text,
        "passed": trial.passed,
        "faults": list(trial.faults or ()),
        "scores": {
            name: asdict(getattr(trial.rubric, name))
            if trial.rubric and getattr(trial.rubric, name)
            else None
            for name in SCORES
        },
        "first_token_ms": sample.first_token_ms,
        "total_ms": sample.total_ms,
        "tokens_per_s": decode_tokens_per_s(sample),
        "prompt_tokens": sample.prompt_tokens,
        "completion_tokens": sample.completion_tokens,
        "finish_reason": sample.finish_reason,
        "cost_usd": trial.cost_usd,
        "error": sample.error or None,
    }

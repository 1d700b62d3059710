"""``bench``: models in; how soon, how fast and at what price they answer, out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from rag.commands.experimenting import (
    Run,
    bad_input,
    carried_out,
    lines,
    models_of,
    new_mark,
    new_run,
    old_run,
    on_devices,
    resume_option,
    samples_option,
)
from rag.commands.reporting import keep, report_option, reported
from rag.commands.terminal import example, json_option, print_json, run
from rag.encoding import Json
from rag.measuring.bench import Bench, prompt_of_length, prompt_of_text
from rag.measuring.bench import bench as summarised
from rag.measuring.energy import meter_of as energy_meter
from rag.measuring.experiment import Experiment
from rag.measuring.machine import described
from rag.measuring.reports.bench import sections, summary, table
from rag.measuring.resources import meter_of
from rag.measuring.samples import Plan, Prompt, Sample
from rag.models.chat import ChatModel
from rag.settings import Settings, load, words_of
from rag.types import Device

LENGTHS = (512,)
POSITIVE = click.IntRange(min=1)


@click.command(epilog=example("bench --models slm,llm --at-once 1 --at-once 4 --report speed.html"))
@click.option(
    "--models", metavar="A,B", help="Settings of models, or slm and llm; BENCH_MODELS, or both."
)
@click.option("--rounds", type=POSITIVE, help="How often each is asked; BENCH_ROUNDS, or 5.")
@click.option("--prompt", metavar="TEXT", help="What is asked; BENCH_PROMPT, or a text of")
@click.option(
    "--prompt-tokens", type=POSITIVE, multiple=True, metavar="N",
    help="this length, which may be given several times.",
)  # fmt: skip
@click.option("--max-tokens", type=POSITIVE, default=64, help="Longest answer; 64.")
@click.option(
    "--at-once", type=POSITIVE, multiple=True, metavar="N",
    help="Requests at the same time; 1, and may be given several times.",
)  # fmt: skip
@click.option(
    "--foundry-ep", "devices", type=click.Choice(["cpu", "gpu", "npu"]), multiple=True,
    help="Run models of Foundry Local on this device; given twice, devices are compared.",
)  # fmt: skip
@click.option("--stream/--no-stream", default=None, help="BENCH_STREAM, or streamed.")
@click.option("--seed", type=int, default=0, help="Of the order, and of answers; 0.")
@samples_option
@resume_option
@report_option
@json_option
@run
async def bench(
    *,
    models: str | None,
    rounds: int | None,
    prompt: str | None,
    prompt_tokens: Sequence[int],
    max_tokens: int,
    at_once: Sequence[int],
    devices: Sequence[Device],
    stream: bool | None,
    seed: int,
    samples_file: Path | None,
    resume: Path | None,
    report_file: Path | None,
    as_json: bool,
) -> int:
    """Measure how soon models answer, and how fast, from the same requests in turn.

    Temperature is 0. Requests begin differently, so that no server answers from what it kept.
    """
    started, settings = time.monotonic(), load()
    if samples_file and resume:
        raise click.UsageError("--samples begins a run, --resume goes on with it: give one.")
    names = on_devices(words_of(models or settings.bench_models) or ("slm", "llm"), devices)
    with bad_input():
        kept = old_run(resume) if resume else None
        async with models_of(kept.plan.models if kept else names) as found:
            if kept is None:
                plan = Plan(
                    tuple(found),
                    _prompts(prompt or settings.bench_prompt, prompt_tokens, max_tokens),
                    rounds or settings.bench_rounds,
                    tuple(at_once) or (1,),
                    seed,
                    is_streamed=settings.bench_stream if stream is None else stream,
                    mark=new_mark(),
                )
                kept = new_run(plan, "bench", samples_file)
            samples = await measured(kept, found, settings)
    ended = summarised(kept.plan, samples)
    if report_file:
        parts = sections(ended, samples)
        keep(reported("How fast do the models answer?", summary(ended), parts), report_file)
    told = {**bench_json(ended), "samples": str(kept.kept), "seconds": time.monotonic() - started}
    print_json(told) if as_json else click.echo("\n".join(lines(table(ended))))
    return 1 if all(row.failed == row.requests for row in ended.figures) else 0


async def measured(
    run: Run, models: Mapping[str, ChatModel], settings: Settings
) -> tuple[Sample, ...]:
    energy = energy_meter(settings.watts)
    experiment = Experiment(run.plan, models, lambda _, model: meter_of(model, energy))
    return await carried_out(run, experiment)


def _prompts(text: str, lengths: Sequence[int], max_tokens: int) -> tuple[Prompt, ...]:
    if text:
        return (prompt_of_text(text, max_tokens),)
    return tuple(prompt_of_length(tokens, max_tokens) for tokens in lengths or LENGTHS)


def bench_json(ended: Bench) -> Json:
    """The shape is promised in docs/bench.md."""
    plan = asdict(replace(ended.plan, prompts=()))
    return {
        "plan": {**plan, "prompts": [prompt.id for prompt in ended.plan.prompts]},
        "is_whole": ended.is_whole,
        "starts": [asdict(one) for one in ended.starts],
        "taken": [asdict(one) for one in ended.taken],
        "figures": [asdict(one) for one in ended.figures],
        "machine": asdict(described()),
    }

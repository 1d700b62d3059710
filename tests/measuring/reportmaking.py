"""A report with every kind of part, some of it from a model that means harm."""

from __future__ import annotations

from datetime import UTC, datetime

from rag.measuring.machine import Machine
from rag.measuring.reports.values import (
    Axis,
    Bar,
    Column,
    Distributions,
    Line,
    Lines,
    Missing,
    Point,
    Points,
    Report,
    Samples,
    Section,
    Table,
    Text,
    Texts,
    Waterfall,
)
from rag.measuring.statistics import Estimate

NASTY = '</style></pre><script>alert("1")</script><img src="http://198.51.100.1/x.png"> | a **b**'
SMALL, LARGE = "embedded:qwen2.5-coder-0.5b", "http://127.0.0.1:11434/v1#llama3.2:3b"

MACHINE = Machine(
    "Fast 9000", 4, 8, 16_000_000_000, "Linux 6.1, x86_64", "CPython 3.11.9", (("openvino", "1"),)
)
TIMES = Distributions(
    "How long until the first token?",
    "The small model begins after 210 ms in the median, the larger one after 1.1 s.",
    Axis("time to first token", "ms"),
    (
        Samples(SMALL, tuple(200.0 + each * 7 % 83 for each in range(40))),
        Samples(LARGE, tuple(1000.0 + each * 37 % 530 for each in range(40))),
        Samples("never came", ()),
    ),
)
STAGES = Waterfall(
    "Where does the time go?",
    "Most of it is spent writing.",
    Axis("time since the question", "ms"),
    (
        Bar(SMALL, (("retrieve", 40.0), ("first_token", 210.0), ("generate", 900.0))),
        Bar(LARGE, (("retrieve", 40.0), ("first_token", 1100.0), ("generate", 4100.0))),
        Bar("auto", (("retrieve", 40.0), ("first_token", 210.0), ("generate", 900.0),
                     ("check", 30.0), ("escalate", 2200.0), ("my own stage", 300.0))),
    ),
)  # fmt: skip
RATES = Lines(
    "How many tokens per second when several chat at once?",
    "Both grow, the small model up to 61 tokens/s at eight chats.",
    Axis("chats at once", low=0),
    Axis("tokens per second", "tokens/s"),
    (
        Line(SMALL, tuple(
            Point(float(at), Estimate(rate, rate * 0.9, rate * 1.1, 9))
            for at, rate in ((1, 24.0), (2, 38.0), (4, 52.0), (8, 61.0))
        )),
        Line(LARGE, tuple(
            Point(float(at), Estimate(rate, rate * 0.8, rate * 1.2, 9))
            for at, rate in ((1, 8.0), (2, 13.0), (4, 17.0), (8, 19.0))
        )),
        Line("twice as many, twice as fast", (Point(1.0, 8.0), Point(8.0, 64.0)), is_guide=True),
    ),
)  # fmt: skip
WORTH = Points(
    "What does quality cost in time?",
    "auto is as good as the larger model, and nearly as fast as the small one.",
    Axis("median time of a turn", "ms", is_log=True),
    Axis("answers that are right", "share", low=0, high=1),
    (
        ("slm", Point(Estimate(1150, 1000, 1300, 40), Estimate(0.62, 0.5, 0.74, 40))),
        ("llm", Point(Estimate(5240, 4900, 6000, 40), Estimate(0.84, 0.73, 0.93, 40))),
        ("auto", Point(Estimate(1900, 1200, 3100, 40), Estimate(0.81, 0.7, 0.91, 40))),
    ),
)
TABLE = Table(
    "Both models",
    (
        Column("model"),
        Column("first token", "ms"),
        Column("decode", "tokens/s"),
        Column("right", "share"),
        Column("peak memory", "bytes"),
        Column("energy", "Wh"),
    ),
    (
        (SMALL, 210.4, Estimate(24.13, 22.0, 26.2, 40), Estimate(0.62, 0.5, 0.74, 40),
         812_345_678, None),
        (LARGE, 1104.2, 8.31, Estimate(0.84, 0.73, 0.93, 40), Missing("It runs elsewhere."), 0.31),
        (NASTY, None, None, None, None, None),
    ),
    "Intervals are 95% bootstrap intervals.",
)  # fmt: skip


def report() -> Report:
    return Report(
        "SLM against LLM on <your> prompts",
        "On 40 questions the small model is right 62% of the time and the larger one 84%; asking "
        "the larger one only where the draft is doubtful keeps 81% at a third of the time.",
        (
            Section("Time", ("Each request was sent ten times.", TIMES, STAGES)),
            Section("Throughput", (RATES, TABLE)),
            Section("Quality", (WORTH,)),
            Section(
                NASTY,
                (
                    NASTY,
                    Texts(
                        "Summarise",
                        (
                            Text(SMALL, "A short answer.\n\n- with\n- a list", "3 tokens, 210 ms"),
                            Text(LARGE, f"```\n{NASTY}\n````", NASTY),
                        ),
                    ),
                ),
            ),
        ),
        MACHINE,
        (("RAG_SLM", SMALL), ("RAG_LLM", LARGE), ("RAG_TOP_K", "4")),
        datetime(2026, 11, 26, 4, 30, tzinfo=UTC),
        "python -m rag bench --rounds 10 --report bench.html",
    )

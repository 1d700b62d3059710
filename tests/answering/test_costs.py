"""What a turn took: electricity of models here, prices of models elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import pytest
from answering.turns import LIBRARY, Make, answer, events, failed
from scripted_server import Scripted, ScriptedServer

from rag.answering.pipeline import AnsweringOptions, Pipeline, always
from rag.measuring.cost import Price
from rag.measuring.energy import Meter
from rag.measuring.meters import Joules
from rag.measuring.prices import Listed, Prices
from rag.types import Delta, Energy

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("literal_judgement")]

QUESTION = "Which colour is the sky?"
WRONG = Scripted(deltas=("It has 7777 colours [1].",), usage=(100, 10))
RIGHT = Scripted(deltas=("The sky is blue [1].",), usage=(1_000, 100))
TWO = Energy(2.0, "measured", is_whole=False)


@dataclass(frozen=True)
class Gauge:
    """Two watt-hours each time, and a note that it was read."""

    name: str = "a gauge"
    joules: float | None = 7200.0
    read: list[str] = field(default_factory=list)

    def start(self) -> Joules:
        self.read.append("start")

        def stop() -> float | None:
            self.read.append("stop")
            return self.joules

        return stop


def options(gauge: Gauge, usd_per_kwh: float | None = None, host: str = "*") -> AnsweringOptions:
    listed = Listed("far", Price(1.0, 10.0), "shipped", "Far", (host,), checked=date(2026, 11, 1))
    return AnsweringOptions(
        prices=Prices((listed,), date(2026, 11, 26)),
        meter=Meter(chips=(gauge,)),
        usd_per_kwh=usd_per_kwh,
    )


async def test_energy_is_of_both_models_when_both_are_here(
    scripted_server: ScriptedServer, model: Make
) -> None:
    gauge = Gauge()
    pipeline = Pipeline(await model("small"), await model("large"), options(gauge))
    scripted_server.script(WRONG, RIGHT)
    result = await answer(pipeline, QUESTION, mode="auto")
    assert [attempt.energy for attempt in result.attempts] == [TWO, TWO]
    assert result.energy == Energy(4.0, "measured", is_whole=False)
    assert (result.cost_usd, gauge.read) == (0.0, ["start", "stop"] * 2)


async def test_energy_is_of_the_model_here_when_the_other_is_elsewhere(
    scripted_server: ScriptedServer, model: Make
) -> None:
    gauge = Gauge()
    far = await model("far", reach="cloud")
    pipeline = Pipeline(await model("small"), far, options(gauge, 0.5), consent=always)
    scripted_server.script(WRONG, RIGHT)
    result = await answer(pipeline, QUESTION, mode="auto")
    assert [attempt.energy for attempt in result.attempts] == [TWO, None]
    assert (result.energy, gauge.read) == (TWO, ["start", "stop"])
    tokens_usd, electricity_usd = (1_000 * 1 + 100 * 10) / 1e6, 0.002 * 0.5
    assert result.cost_usd == pytest.approx(tokens_usd + electricity_usd)


async def test_the_cost_is_unknown_when_electricity_has_a_price_and_nobody_knows_the_energy(
    scripted_server: ScriptedServer, model: Make
) -> None:
    gauge = Gauge(joules=None)
    scripted_server.script(RIGHT, RIGHT)
    for usd_per_kwh, cost_usd in ((0.5, None), (None, 0.0)):
        pipeline = Pipeline(await model("small"), options=options(gauge, usd_per_kwh))
        result = await answer(pipeline, QUESTION)
        assert (result.energy, result.cost_usd) == (None, cost_usd)


async def test_electricity_has_no_part_when_no_model_here_was_asked(
    scripted_server: ScriptedServer, model: Make
) -> None:
    gauge = Gauge()
    far = await model("far", reach="cloud")
    pipeline = Pipeline(far, options=options(gauge, 0.5), consent=always)
    scripted_server.script(RIGHT)
    result = await answer(pipeline, QUESTION)
    assert (result.energy, gauge.read) == (None, [])
    assert result.cost_usd == pytest.approx(0.002)


async def test_the_cost_is_unknown_when_the_price_is_of_another_address(
    scripted_server: ScriptedServer, model: Make
) -> None:
    far = await model("far", reach="cloud")
    pipeline = Pipeline(far, options=options(Gauge(), host="api.far.example"), consent=always)
    scripted_server.script(RIGHT)
    assert (await answer(pipeline, QUESTION)).cost_usd is None


async def test_a_failed_turn_tells_who_was_asked_and_for_how_much(
    scripted_server: ScriptedServer, model: Make
) -> None:
    gauge = Gauge()
    pipeline = Pipeline(await model("small"), options=options(gauge))
    scripted_server.script(Scripted(deltas=("The sky", " is"), then="disconnect"))
    end = failed(await events(pipeline, QUESTION))
    assert [(one.tier, one.model, one.energy) for one in end.attempts] == [("slm", "small", TWO)]
    assert (end.usage["small"].completion_tokens, end.usage["small"].estimated) == (3, True)
    assert gauge.read == ["start", "stop"]


async def test_the_meter_is_stopped_when_a_person_stops_the_turn(
    scripted_server: ScriptedServer, model: Make
) -> None:
    gauge = Gauge()
    pipeline = Pipeline(await model("small"), options=options(gauge))
    scripted_server.script(Scripted(deltas=("The sky", " is"), then="stall"))
    answering = pipeline.answer(QUESTION, index=LIBRARY, mode="slm")
    async for event in answering:
        if isinstance(event, Delta):
            break
    await answering.aclose()
    assert gauge.read == ["start", "stop"]

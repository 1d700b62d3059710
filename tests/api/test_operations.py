"""Models, health and metrics."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import openai
import pytest
from api.conftest import OIL, Serve, Served
from scripted_server import Scripted, ScriptedServer

from rag.measuring.ledger import LEDGER


def test_four_models_are_listed_when_asked(served: Served) -> None:
    models = served.client.models.list().data
    assert [model.id for model in models] == ["rag-auto", "rag-slm", "rag-llm", "rag-refine"]
    assert {model.object for model in models} == {"model"}
    assert served.client.models.retrieve("rag-llm").id == "rag-llm"
    with pytest.raises(openai.NotFoundError):
        served.client.models.retrieve("gpt-4o")


def test_it_is_alive_when_the_library_is_not_open(serve: Serve) -> None:
    served = serve(is_open=False, api_key="secret")
    assert served.get("/healthz").json() == {"status": "ok"}
    response = served.get("/readyz", authorization="Bearer secret")
    assert response.status_code == 503
    assert response.json()["library"] == {"state": "opening"}


def test_it_is_ready_when_a_model_answers(served: Served) -> None:
    served.ask()
    response = served.get("/readyz")
    told = response.json()
    assert response.status_code == 200
    assert told["library"] == {"state": "open", "documents": 2}
    assert told["models"]["slm"]["state"] == "ready"
    assert told["models"]["slm"]["model"] == "small"
    assert told["models"]["llm"]["state"] == "missing"


def test_it_is_not_ready_when_the_only_model_is_elsewhere(serve: Serve) -> None:
    response = serve(slm="https://models.example.org/v1#small").get("/readyz")
    assert response.status_code == 503
    assert response.json()["models"]["slm"]["state"] == "elsewhere"


def test_it_is_not_ready_when_there_is_no_model(serve: Serve) -> None:
    served = serve(slm="http://127.0.0.1:9/v1#small")
    assert served.post().status_code == 503
    assert served.get("/readyz").json()["models"]["slm"]["state"] in {"failed", "idle"}


def test_only_whether_it_is_ready_is_told_when_a_stranger_asks(serve: Serve) -> None:
    response = serve(api_key="secret").get("/readyz")
    assert set(response.json()) == {"ready"}


def test_turns_are_counted_when_they_end(served: Served, scripted_server: ScriptedServer) -> None:
    reply = Scripted((OIL,), [-0.01], usage=(700, 20))
    scripted_server.script(reply)
    served.ask()
    served.ask("Who won the Battle of Hastings?", model="rag-auto")
    scripted_server.fallback = Scripted(status=500)
    served.post()
    told = served.get("/metrics")
    assert told.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = told.text.splitlines()
    assert 'rag_turns_total{outcome="answered",route="slm"} 1.0' in lines
    assert 'rag_turns_total{outcome="declined",route="declined"} 1.0' in lines
    assert 'rag_turns_total{outcome="failed",route="none"} 1.0' in lines
    assert 'rag_tokens_total{kind="prompt",model="small"} 700.0' in lines
    assert 'rag_errors_total{error="ModelUnavailable"} 1.0' in lines
    assert "rag_first_token_seconds_count 1.0" in lines
    assert 'rag_turn_seconds_count{route="slm"} 1.0' in lines


def test_rows_are_of_whom_the_client_names_when_it_names_anybody(served: Served) -> None:
    served.ask()
    served.ask(user="ann")
    with closing(sqlite3.connect(served.home.settings.data_dir / LEDGER)) as ledger:
        rows = ledger.execute("SELECT owner, chat FROM turns ORDER BY at").fetchall()
    assert rows == [("", ""), ("api/ann", "")]  # no name that a person could log in with


def test_no_words_are_told_when_metrics_are_read(served: Served) -> None:
    served.ask()
    told = served.get("/metrics").text
    assert not [word for word in ("How often", "changed", "pump", "500 hours") if word in told]
    assert "pump.md" not in told


def test_metrics_want_the_key_when_there_is_one(serve: Serve) -> None:
    served = serve(api_key="secret")
    assert served.get("/metrics").status_code == 401
    assert served.get("/metrics", authorization="Bearer secret").status_code == 200


def test_the_api_describes_itself_when_asked(served: Served) -> None:
    told = served.get("/v1/openapi.json").json()
    assert told["openapi"] == "3.1.0"
    assert set(told["paths"]) == {
        "/v1/chat/completions",
        "/v1/models",
        "/v1/models/{model}",
    }

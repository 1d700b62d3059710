"""What happens on the connection while a model is at work, and when nobody waits any more."""

from __future__ import annotations

import httpx
import pytest
from api.conftest import OIL, QUESTION, Serve, Served
from scripted_server import Scripted, ScriptedServer

BODY = {"model": "rag-auto", "messages": [{"role": "user", "content": QUESTION}]}


def test_comments_keep_the_stream_alive_when_nothing_may_be_sent_yet(
    serve: Serve, scripted_server: ScriptedServer
) -> None:
    served = serve(pause_s=0.05)
    scripted_server.script(Scripted((OIL,), headers_after_s=0.5))
    url = f"{served.url}/v1/chat/completions"
    with httpx.stream("POST", url, json=BODY | {"stream": True}) as response:
        lines = [line for line in response.iter_lines() if line]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert ": waiting" in lines
    assert lines[-1] == "data: [DONE]"
    assert [line for line in lines if not line.startswith((":", "data: "))] == []


def test_the_client_sees_no_comments_when_it_reads_the_stream(
    serve: Serve, scripted_server: ScriptedServer
) -> None:
    served = serve(pause_s=0.05)
    scripted_server.script(Scripted((OIL,), headers_after_s=0.3))
    chunks = list(served.ask(model="rag-auto", stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"


@pytest.mark.parametrize("model", ["rag-auto", "rag-slm"])
@pytest.mark.parametrize("stream", [True, False])
def test_the_model_is_stopped_when_the_client_leaves(
    served: Served, scripted_server: ScriptedServer, model: str, stream: bool
) -> None:
    scripted_server.script(Scripted(("The oil", " is"), then="stall"))
    url = f"{served.url}/v1/chat/completions"
    body = BODY | {"model": model, "stream": stream}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(url, json=body, timeout=0.5)
    assert scripted_server.history[-1].disconnected.wait(10)
    assert served.ask().choices[0].message.content  # and there is room for the next


def test_a_turn_is_counted_as_stopped_when_the_client_leaves(
    served: Served, scripted_server: ScriptedServer
) -> None:
    scripted_server.script(Scripted(("The oil", " is", " changed"), then="stall"))
    stream = served.ask(stream=True)
    next(stream)
    stream.close()
    assert scripted_server.history[-1].disconnected.wait(10)
    served.ask()
    told = served.get("/metrics").text
    assert 'rag_turns_total{outcome="stopped",route="none"} 1.0' in told
    assert 'rag_turns_running{phase="writing"} 0.0' in told

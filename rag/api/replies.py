"""Answers in the shapes of OpenAI's chat protocol; what is ours is under ``rag``. No transport."""

from __future__ import annotations

import secrets
import time
from urllib.parse import quote

from rag.encoding import (
    citation_json,
    confidence_json,
    energy_json,
    latency_json,
    usage_json,
)
from rag.models.embedded import protocol
from rag.models.embedded.protocol import JSON
from rag.types import Answer


def head(model: str) -> JSON:
    """What all chunks of an answer share."""
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "created": int(time.time()),
        "model": model,
    }


def completion(head: JSON, answer: Answer, base_url: str) -> JSON:
    message = _message(answer.text)
    if notes := sources(answer, base_url):
        message["annotations"] = notes
    told = _completion(head, message, finish_reason(answer), usage(answer))
    return told | {"rag": extension(answer)}


def plain(head: JSON, text: str) -> JSON:
    """A completion that no model has written."""
    return _completion(head, _message(text), "stop", usage(None))


def _message(text: str) -> JSON:
    return {"role": "assistant", "content": text, "refusal": None}


def _completion(head: JSON, message: JSON, finish_reason: str, usage: JSON) -> JSON:
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    return head | {"object": "chat.completion", "choices": [choice], "usage": usage}


def begun(head: JSON) -> JSON:
    return protocol.chunk(head, {"role": "assistant", "content": ""})


def piece(head: JSON, text: str) -> JSON:
    return protocol.chunk(head, {"content": text})


def ended(head: JSON, answer: Answer, base_url: str) -> JSON:
    """The last chunk of an answer, before its usage."""
    notes = sources(answer, base_url)
    delta = {"annotations": notes} if notes else {}
    return protocol.chunk(head, delta, finish=finish_reason(answer)) | {"rag": extension(answer)}


def stopped(head: JSON) -> JSON:
    """The last chunk of what no model has written."""
    return protocol.chunk(head, {}, finish="stop")


def counted(head: JSON, answer: Answer | None) -> JSON:
    """The chunk that tells of usage and of nothing else."""
    told = usage(answer)
    return head | {"object": "chat.completion.chunk", "choices": [], "usage": told}


def extension(answer: Answer) -> JSON:
    """What ``ask --json`` tells, without the passages."""
    return {
        "text": answer.text,
        "route": answer.route,
        "model_used": answer.model or None,
        "citations": [citation_json(citation) for citation in answer.citations],
        "confidence": confidence_json(answer.confidence),
        "latency_ms": latency_json(answer.latency),
        "usage": {model: usage_json(used) for model, used in answer.usage.items()},
        "cost_usd": answer.cost_usd,
        "energy": energy_json(answer.energy),
        "warnings": list(answer.warnings),
        "trace_id": answer.trace_id,
    }


def usage(answer: Answer | None) -> JSON:
    """Of all models together, a rejected draft's included; 0 where none was asked."""
    used = answer.usage.values() if answer else ()
    prompt_tokens = sum(one.prompt_tokens for one in used)
    completion_tokens = sum(one.completion_tokens for one in used)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def finish_reason(answer: Answer) -> str:
    """``length`` when the reply that stands was cut."""
    standing = [one for one in answer.attempts if one.model == answer.model]
    return "length" if standing and standing[-1].finish_reason == "length" else "stop"


def sources(answer: Answer, base_url: str) -> list[JSON]:
    """Citations as OpenAI tells of them, so that a front end shows its own list of sources.

    ``start_index`` and ``end_index`` are those of the mark in the text.
    """
    documents = {hit.chunk.id: hit.chunk.document_id for hit in answer.context.hits}
    cited = {citation.number: citation for citation in answer.citations}
    notes = []
    for number, citation in cited.items():
        mark = f"[{number}]"
        start = max(answer.text.find(mark), 0)
        document_id = documents.get(citation.chunk_id, "")
        title = f"{citation.document}, page {citation.page}"
        url = f"{base_url}source/{quote(document_id)}#page={citation.page}"
        place = {"start_index": start, "end_index": start + len(mark), "title": title, "url": url}
        notes.append({"type": "url_citation", "url_citation": place})
    return notes

"""The API told in OpenAPI's terms, for clients and for the fuzzer that runs against it."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from rag.api.schema import NAMES, ChatRequest

Json = dict[str, Any]

_REFUSALS = {
    400: "The request makes no sense, or asks for what is not there",
    401: "The key is missing or wrong",
    404: "There is no such model",
    413: "The request is too large",
    429: "Too much is asked; wait as `Retry-After` says",
    500: "The server failed",
    503: "No model can answer now",
}


def document(version: str) -> Json:
    _, schemas = models_json_schema(
        [(ChatRequest, "validation")], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Edge RAG Chat", "version": version},
        "security": [{"key": []}, {}],
        "paths": {
            "/v1/chat/completions": {"post": _completions()},
            "/v1/models": {"get": _get("The models", {"$ref": "#/components/schemas/Models"})},
            "/v1/models/{model}": {
                "get": _get("One model", {"$ref": "#/components/schemas/Model"}, 404),
                "parameters": [_MODEL_PARAMETER],
            },
        },
        "components": {
            "schemas": {**schemas["$defs"], **_SCHEMAS},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _completions() -> Json:
    body = {"schema": {"$ref": "#/components/schemas/ChatRequest"}}
    answers = {
        "application/json": {"schema": {"$ref": "#/components/schemas/Completion"}},
        "text/event-stream": {"schema": {"type": "string"}},
    }
    return {
        "summary": "Answer a question from the documents",
        "operationId": "complete",
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "200": {"description": "The answer, whole or as a stream", "content": answers},
            **{str(status): _refusal(status) for status in _REFUSALS},
        },
    }


def _get(summary: str, schema: Json, *refusals: int) -> Json:
    return {
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": {"application/json": {"schema": schema}}},
            **{str(status): _refusal(status) for status in (401, *refusals)},
        },
    }


def _refusal(status: int) -> Json:
    schema = {"$ref": "#/components/schemas/Error"}
    return {
        "description": _REFUSALS[status],
        "content": {"application/json": {"schema": schema}},
    }


_MODEL_PARAMETER: Json = {
    "name": "model",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": list(NAMES)},
}
_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}


def _object(required: Json, **optional: Json) -> Json:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


_USAGE = _object({"prompt_tokens": _COUNT, "completion_tokens": _COUNT, "total_tokens": _COUNT})
_SCHEMAS: Json = {
    "Error": _object(
        {
            "error": _object(
                {
                    "message": _TEXT,
                    "type": _TEXT,
                    "param": {"type": ["string", "null"]},
                    "code": _TEXT,
                }
            )
        }
    ),
    "Model": _object({"id": _TEXT, "object": _TEXT, "created": _COUNT, "owned_by": _TEXT}),
    "Models": _object(
        {
            "object": _TEXT,
            "data": {"type": "array", "items": {"$ref": "#/components/schemas/Model"}},
        }
    ),
    "Completion": _object(
        {
            "id": _TEXT,
            "object": {"const": "chat.completion"},
            "created": _COUNT,
            "model": _TEXT,
            "choices": {
                "type": "array",
                "items": _object(
                    {
                        "index": _COUNT,
                        "message": _object({"role": _TEXT, "content": _TEXT}),
                        "finish_reason": {"enum": ["stop", "length"]},
                    }
                ),
            },
            "usage": _USAGE,
        },
        rag={"type": "object", "description": "What is ours: docs/api.md"},
    ),
}

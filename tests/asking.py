"""How tests ask a model, and how long they wait for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rag.errors import ModelError
from rag.models.chat import Timeouts
from rag.models.endpoint import EndpointModel
from rag.types import Delta, GenerationOptions, Message, Reply

QUESTION = (Message("system", "Be brief."), Message("user", "Where?"))
OPTIONS = GenerationOptions(max_tokens=64)
SHORT = Timeouts(connect_s=5, first_token_s=0.2, stall_s=0.2)
LONG = Timeouts(connect_s=60, first_token_s=60, stall_s=60)

Connect = Callable[..., EndpointModel]


async def ask(model: EndpointModel) -> list[Delta | Reply]:
    return [event async for event in model.stream(QUESTION, OPTIONS)]


async def failure(model: EndpointModel) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await ask(model)
    return caught.value

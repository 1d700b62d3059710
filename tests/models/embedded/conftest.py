"""Real weights for the tests that need them, fetched and converted once for all runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.models.embedded.convert import converted
from rag.models.weights import WEIGHTS, fetch

SMALLEST = "smollm2-135m"


@pytest.fixture(scope="session")
def smollm(request: pytest.FixtureRequest) -> Path:
    """The smallest model of the catalogue as an OpenVINO folder, kept in pytest's cache."""
    models = request.config.cache.mkdir("models")
    gguf = fetch(WEIGHTS[SMALLEST], models, lambda progress: None)
    return converted(gguf, models, lambda progress: None)

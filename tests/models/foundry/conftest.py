"""Foundry Local's real runtime with a model that says nonsense, in a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from scripted_catalogue import ScriptedCatalogue

from rag.models.foundry.model import FoundryModel
from rag.models.foundry.source import foundry_folder

TINY = Path(__file__).parents[2] / "data" / "tiny-llama-onnx"


@pytest.fixture
def tiny() -> Path:
    return TINY


@pytest.fixture(scope="module")
async def model(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FoundryModel]:
    """Served from its folder, once for all tests of a module."""
    model = FoundryModel(str(TINY), tmp_path_factory.mktemp("data"))
    yield model
    await model.aclose()


@pytest.fixture
def catalogue() -> Iterator[ScriptedCatalogue]:
    catalogue = ScriptedCatalogue()
    yield catalogue
    catalogue.close()


@pytest.fixture
def placed(tmp_path: Path) -> Path:
    """The tiny model where the runtime would have put ``Tiny-cpu:1`` of the scripted catalogue."""
    return ScriptedCatalogue.place(TINY, foundry_folder(tmp_path) / "models")

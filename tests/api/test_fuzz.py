"""Whatever a program sends, the API answers as its own schema says, and never fails."""

from __future__ import annotations

import pytest
import schemathesis
from api.conftest import Serve
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EXAMPLES = 60  # of each operation


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_each_answer_is_as_described_when_requests_are_made_up(
    serve: Serve, mode: GenerationMode
) -> None:
    served = serve()
    schema = schemathesis.openapi.from_url(f"{served.url}/v1/openapi.json")
    for operation in (result.ok() for result in schema.get_all_operations()):
        if mode is GenerationMode.NEGATIVE and operation.method == "get":
            continue  # what is wrong with an address never reaches us

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(base_url=served.url, checks=CHECKS, timeout=30)

        check()

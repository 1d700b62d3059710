"""The address of a search cluster, as it is set."""

from __future__ import annotations

import pytest

from rag.retrieval.address import ClusterAddress, cluster_address


def test_each_part_is_found_when_all_are_given() -> None:
    found = cluster_address(
        "opensearch+https://ann:p%40ss@one:9201,two,[::1]:9203/my-docs?shards=3&replicas=2"
    )

    assert found == ClusterAddress(
        hosts=(("one", 9201), ("two", 9200), ("::1", 9203)),
        name="my-docs",
        uses_tls=True,
        user="ann",
        password="p@ss",
        shards=3,
        replicas=2,
    )


def test_the_rest_is_left_to_the_cluster_when_only_a_host_is_given() -> None:
    assert cluster_address("opensearch+http://localhost/rag") == ClusterAddress(
        hosts=(("localhost", 9200),), name="rag", uses_tls=False
    )


def test_the_password_is_not_shown_when_an_address_is_printed() -> None:
    assert "secret" not in repr(cluster_address("opensearch+https://ann:secret@one/rag"))


@pytest.mark.parametrize(
    "setting",
    [
        "opensearch+http://localhost",
        "opensearch+http://localhost/",
        "opensearch+http://localhost/Rag",
        "opensearch+http://localhost/_all",
        "opensearch+http://localhost/a,b",
        "opensearch+http://localhost/*",
        "opensearch+http://localhost:0/rag",
        "opensearch+http://localhost:99999/rag",
        "opensearch+http://one,,two/rag",
        "opensearch+http://secret@localhost/rag",
        "opensearch+ftp://localhost/rag",
        "http://localhost/rag",
        "opensearch+http://localhost/rag?shards=0",
        "opensearch+http://localhost/rag?shards=x",
        "opensearch+http://localhost/rag?secret=1",
        "",
    ],
)
def test_it_is_refused_without_its_text_when_it_makes_no_sense(setting: str) -> None:
    with pytest.raises(ValueError, match=r"looks like|a host is|after the|at least one") as refused:
        cluster_address(setting)
    assert "secret" not in str(refused.value)

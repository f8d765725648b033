"""Which names of runs nobody has typed."""

from __future__ import annotations

import pytest

from prefect_kie.flows._kie_flow import GENERATED_NAME


@pytest.mark.parametrize(
    ("name", "generated"),
    [
        ("delectable-kudu", True),  # Prefect's server and client
        ("iota55-huygens", True),  # the older UI's form
        ("zeta5-azanulbizar-a", True),
        ("Gorgeous-Jacana", True),  # the newer one's
        ("For Anna, take 2", False),
        ("Spring-Campaign", False),
        ("spring", False),
        ("spring-2027", False),
        ("spring campaign-one", False),
    ],
)
def test_names_that_prefect_makes_up_are_known(name: str, generated: bool) -> None:
    assert (GENERATED_NAME.fullmatch(name) is not None) is generated

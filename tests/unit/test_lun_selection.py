"""Which LUN a storage domain is made on: the one that is named, or the only one that fits."""

from __future__ import annotations

from typing import Any

import pytest
from ovirt_he.host.lun_selection import choose, why_not
from salt.exceptions import CommandExecutionError

NEEDED = 100 * 2**30


def lun(identifier: str, **changed: Any) -> dict[str, Any]:
    return {"id": identifier, "size": NEEDED, "status": "free"} | changed


def refused(luns: list[dict[str, Any]], named: str = "") -> str:
    with pytest.raises(CommandExecutionError) as raised:
        choose(luns, {"lun": named}, NEEDED)
    return str(raised.value)


FREE, OTHER = lun("36001"), lun("36002")
USED, SMALL = lun("36003", status="used"), lun("36004", size=NEEDED - 1)


def test_the_only_one_that_fits_is_taken() -> None:
    assert choose([USED, FREE, SMALL], {"lun": ""}, NEEDED) is FREE


def test_of_several_the_named_one_is_taken() -> None:
    assert choose([FREE, OTHER], {"lun": "36002"}, NEEDED) is OTHER


def test_several_that_fit_are_a_question_to_the_operator() -> None:
    shown = refused([FREE, OTHER])

    assert shown.startswith("Several LUNs could hold the hosted engine. ")
    assert "36001" in shown and "36002" in shown
    assert "Name the right one in hosted_engine:storage:lun" in shown


@pytest.mark.parametrize("luns", [[], [USED, SMALL]])
def test_none_that_fits_is_reported(luns: list[dict[str, Any]]) -> None:
    assert refused(luns).startswith("No LUN could hold the hosted engine. ")


@pytest.mark.parametrize("named", [USED, SMALL], ids=["used", "small"])
def test_a_named_one_that_does_not_fit_is_never_replaced_by_another(named: dict[str, Any]) -> None:
    shown = refused([FREE, named], named["id"])

    assert shown.startswith(f"The LUN {named['id']} can't be used. ")
    assert "No domain was made" in shown


def test_a_named_one_that_is_not_there_is_never_replaced_by_another() -> None:
    assert refused([FREE], "36009").startswith("The host doesn't see a LUN 36009. ")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"size": NEEDED - 1}, "too small, 100 GiB are needed"),
        ({"status": "used"}, "holds something"),
        ({"status": "used", "volume_group": "vg"}, "holds vg"),
        ({"status": "used", "storage_domain": "sd", "volume_group": "vg"}, "holds sd"),
    ],
)
def test_why_no_domain_may_be_made_on_it(changed: dict[str, Any], reason: str) -> None:
    assert why_not(lun("36001", **changed), NEEDED) == reason

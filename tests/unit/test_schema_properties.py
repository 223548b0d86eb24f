"""Our validator and the jsonschema library judge alike, whatever the pillar."""

from __future__ import annotations

from typing import Any

import jsonschema
from hypothesis import HealthCheck, event, given, settings
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.validate import problems, with_defaults

from .generated import printable, values, with_anything
from .test_schema import SMALLEST

LIBRARY = jsonschema.Draft202012Validator(SCHEMA)

# The same pillars in each run; how long one takes is the machine's affair.
generated = settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@generated
@given(values(SCHEMA))
def test_what_the_schema_allows_is_valid(pillar: dict[str, Any]) -> None:
    assert LIBRARY.is_valid(pillar)
    assert (not list(problems(pillar, SCHEMA))) == printable(pillar)


@generated
@given(with_anything())
def test_anything_in_one_place_is_judged_as_the_library_does(pillar: dict[str, Any]) -> None:
    verdict = LIBRARY.is_valid(pillar) and printable(pillar)
    event(f"valid: {verdict}")
    assert (not list(problems(pillar, SCHEMA))) == verdict


@generated
@given(with_anything())
def test_settings_of_any_pillar_are_valid_themselves(pillar: dict[str, Any]) -> None:
    merged = with_defaults(pillar, SCHEMA)
    merged["secrets"] = {"admin_password": "hunter2"}
    # What must be given has no default that serves.
    merged["storage"] |= SMALLEST["storage"] | {"type": "nfs"}
    merged["engine"]["fqdn"] = merged["engine"]["fqdn"] or SMALLEST["engine"]["fqdn"]
    assert list(problems(merged, SCHEMA)) == []

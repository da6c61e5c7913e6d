"""Checks over the descriptor and its relations: what it has, and who owns it."""

from collections.abc import Mapping
from typing import Any

from scorecards.checks import Facts, check_type
from scorecards.rules import FAIL, PASS, UNKNOWN, Verdict


@check_type("entity-has")
def entity_has(entity: Mapping[str, Any], facts: Facts, given: Mapping[str, Any]) -> Verdict:
    """`path` is set; with `minLength`, to a text of at least that many characters."""
    path, shortest = str(given["path"]), int(given.get("minLength", 1))
    value: Any = entity
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    if value in (None, "", [], {}):
        return Verdict(FAIL, f"{path} is not set.")
    if isinstance(value, str) and len(value.strip()) < shortest:
        return Verdict(
            FAIL, f"{path} has {len(value.strip())} characters, {shortest} are asked for."
        )
    return Verdict(PASS, f"{path} is set.")


@check_type("annotation-set")
def annotation_set(entity: Mapping[str, Any], facts: Facts, given: Mapping[str, Any]) -> Verdict:
    name = str(given["name"])
    value = (entity["metadata"].get("annotations") or {}).get(name)
    if value:
        return Verdict(PASS, f"{name} is “{value}”.")
    return Verdict(FAIL, f"The annotation {name} is not set.")


@check_type("relation-exists")
def relation_exists(entity: Mapping[str, Any], facts: Facts, given: Mapping[str, Any]) -> Verdict:
    if "catalogue" not in facts:
        return Verdict(UNKNOWN, "The catalogue's facts could not be collected.")
    wanted = str(given["type"])
    if wanted in facts["catalogue"]["relations"]:
        return Verdict(PASS, f"There is a relation {wanted}.")
    return Verdict(FAIL, f"There is no relation {wanted}.")


@check_type("owner-exists")
def owner_exists(entity: Mapping[str, Any], facts: Facts, given: Mapping[str, Any]) -> Verdict:
    if "catalogue" not in facts:
        return Verdict(UNKNOWN, "The catalogue's facts could not be collected.")
    seen = facts["catalogue"]
    if not seen["owner"]:
        return Verdict(FAIL, "No owner is named.")
    if not seen["ownerExists"]:
        return Verdict(FAIL, f"The owner {seen['owner']} is not in the catalogue.")
    if seen["owner"].startswith("group:") and not seen["ownerMembers"]:
        return Verdict(FAIL, f"The owner {seen['owner']} has no members.")
    return Verdict(PASS, f"The owner is {seen['owner']}.")

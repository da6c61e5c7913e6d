"""The organisation as the forge knows it: groups and their members as `Group` and `User`.

Names and annotations follow Backstage's provider for GitLab: a group below the configured one is
its path below that with dashes, and a user is the user name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

import yaml

from catalog import forges
from catalog.descriptor import Parsed, Problem, Reading
from catalog.models import Source
from catalog.services.organisations import store_organisation
from catalog.sources import source_kind
from catalog.validators import entity_findings
from forge import Group, Member

BOT = re.compile(r"(project|group)_\d+_bot")
PAGE = 100
Entity = dict[str, Any]
T = TypeVar("T")


@source_kind(
    "organisation",
    title="Groups and people of a group",
    text="Makes Group and User entities of the group, its subgroups and their members. Roles"
    " follow from group membership, so name only groups whose owners you trust.",
)
def read(source: Source) -> list[str]:
    forge = forges.connect()
    below = _all(lambda: forge.descendant_groups(source.group))
    groups = [forge.group(source.group), *below]
    members = {group.path: _all(partial(forge.group_members, group.path)) for group in groups}
    store_organisation(source=source, reading=reading_of(source.group, groups, members))
    return []


def _all(listing: Callable[[], Iterable[T]]) -> list[T]:
    """Pages are numbered: what leaves an early one hides another row, so long lists are read twice.

    Who left between the two is found by the next reading.
    """
    found = list(listing())
    return found if len(found) < PAGE else list(dict.fromkeys([*found, *listing()]))


def reading_of(top: str, groups: list[Group], members: dict[str, list[Member]]) -> Reading:
    """What the forge said, judged like a descriptor."""
    entities = [*_groups(top, groups), *_users(top, members)]
    parsed: list[Parsed] = []
    problems: list[Problem] = []
    for entity in entities:
        findings = [message for _, message in entity_findings(entity)]
        ref = f"{entity['kind']}:default/{entity['metadata']['name']}".lower()[:255]
        problems += [Problem(message, entity_ref=ref) for message in findings]
        if not findings:
            text = yaml.safe_dump(entity, sort_keys=False, allow_unicode=True)
            parsed.append(Parsed(entity, 1, text))
    return Reading(tuple(parsed), tuple(problems))


def name_of(top: str, path: str) -> str:
    """`acme/pay/ledger` below `acme` is `pay-ledger`; `acme` itself is `acme`."""
    return path.removeprefix(f"{top}/").replace("/", "-")


def _groups(top: str, groups: Iterable[Group]) -> Iterator[Entity]:
    host = forges.host()
    known = {group.path for group in groups}
    for group in groups:
        annotations = {f"{host}/team-path": group.path, f"{host}/visibility": group.visibility}
        metadata = {"name": name_of(top, group.path), "annotations": annotations}
        if group.description:
            metadata["description"] = group.description
        profile = {"displayName": group.name}
        if group.avatar_url:
            profile["picture"] = group.avatar_url
        spec: Entity = {"type": "team", "profile": profile, "children": []}
        parent = group.path.rpartition("/")[0]
        if parent in known:
            spec["parent"] = name_of(top, parent)
        yield _entity("Group", metadata, spec)


def _users(top: str, members: dict[str, list[Member]]) -> Iterator[Entity]:
    people: dict[str, Member] = {}
    groups: dict[str, list[str]] = {}
    for path, found in members.items():
        for member in found:
            if member.state == "active" and not BOT.match(member.username):
                people[member.username] = member
                groups.setdefault(member.username, []).append(name_of(top, path))
    host = forges.host()
    for username, member in sorted(people.items()):
        annotations = {f"{host}/user-login": member.web_url, f"{host}/user-id": str(member.id)}
        profile = {"displayName": member.name}
        if member.email:
            profile["email"] = member.email
        if member.avatar_url:
            profile["picture"] = member.avatar_url
        spec = {"profile": profile, "memberOf": sorted(groups[username])}
        yield _entity("User", {"name": username, "annotations": annotations}, spec)


def _entity(kind: str, metadata: Entity, spec: Entity) -> Entity:
    return {
        "apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec
    }  # fmt: skip

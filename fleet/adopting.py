"""Repositories that nobody remembers the making of: the traces that other tools leave, and which
golden path, release and answers would make what is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from accounts.models import User
from catalog.forges import connect
from catalog.models import Entity
from fleet.reading import listed_now, repository_now
from forge import ForgeNotFound
from scaffolder import sandbox
from scaffolder.blocks import GoldenPath, golden_path
from scaffolder.models import Release
from scaffolder.services.compositions import CannotCompose, Composer, NeedsAnswer, facts_of
from scaffolder.weave.tree import File, blob_id

SOURCE = "backstage.io/source-template"
SOURCE_VERSION = "backstage.io/template-version"
BLOCKS, RELEASES = 40, 15  # looked at


@dataclass(frozen=True, slots=True)
class Trace:
    """What a tool wrote down: where the template is (an address, or a ref of the catalogue), which
    version (a tag or a commit), and the answers."""

    tool: str
    source: str = ""
    version: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)


def copier_trace(text: str) -> Trace | None:
    """`.copier-answers.yml`"""
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return None
    if not isinstance(found, Mapping):
        return None
    answers = {str(k): v for k, v in found.items() if not str(k).startswith("_")}
    return Trace("copier", str(found.get("_src_path", "")), str(found.get("_commit", "")), answers)


def cruft_trace(text: str) -> Trace | None:
    """`.cruft.json`, which holds the context of cookiecutter."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, Mapping):
        return None
    context = found.get("context")
    answers = context.get("cookiecutter") if isinstance(context, Mapping) else None
    plain = answers if isinstance(answers, Mapping) else {}
    kept = {str(k): v for k, v in plain.items() if not str(k).startswith("_")}
    version = str(found.get("checkout") or found.get("commit") or "")
    return Trace("cruft", str(found.get("template", "")), version, kept)


def backstage_trace(descriptor: Mapping[str, Any]) -> Trace | None:
    """The annotations that Backstage's scaffolder leaves on the entity."""
    annotations = (descriptor.get("metadata") or {}).get("annotations") or {}
    source = annotations.get(SOURCE)
    return Trace("Backstage", source, str(annotations.get(SOURCE_VERSION, ""))) if source else None


FILES = {".copier-answers.yml": copier_trace, ".cruft.json": cruft_trace}


def trace_of(repository: str, descriptor: Mapping[str, Any]) -> Trace | None:
    """Raises ForgeError other than not found."""
    for path, read in FILES.items():
        try:
            content = connect().read_file(repository, path, "HEAD")
        except ForgeNotFound:
            continue
        if found := read(content.decode(errors="replace")):
            return found
    return backstage_trace(descriptor)


def guessed(release: Release, repository: str, descriptor: dict[str, Any]) -> dict[str, Any]:
    """Answers for a release's questions, from the trace and the catalogue. Those that the golden
    path would refuse are left out, and those that are its defaults anyway: they follow it."""
    return _guessed(golden_path(release), trace_of(repository, descriptor), descriptor)


def _guessed(path: GoldenPath, trace: Trace | None, descriptor: dict[str, Any]) -> dict[str, Any]:
    known = facts_of(descriptor) | dict(trace.answers if trace else {})
    given = path.known(known)
    wrong = {name.partition(".")[0] for name in path.check(given)[1]}
    return {name: given[name] for name in path.chosen(given) if name not in wrong}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A release that may have made the repository. `made` files, of which some are the same here
    and some are here with another content; `missing` are questions without an answer."""

    release: Release
    answers: Mapping[str, Any]
    made: int = 0
    same: int = 0
    other: int = 0
    missing: tuple[str, ...] = ()
    problem: str = ""
    traced: bool = False

    @property
    def percent(self) -> int:
        return round(100 * self.same / self.made) if self.made else 0

    @property
    def rank(self) -> tuple[bool, float, int]:
        return self.traced, self.same / self.made if self.made else 0, self.other


def proposals(entity: Entity, user: User) -> tuple[Trace | None, list[Proposal]]:
    """The best first: what a trace names, then by the share of files that are the same."""
    repository, descriptor = entity.location.repository.path, dict(entity.descriptor)
    trace = trace_of(repository, descriptor)
    present = listed_now(repository)
    composer = Composer()
    with sandbox.together():
        found = [
            _proposal(release, trace, descriptor, present, user, composer)
            for release in _newest(user)
        ]
        found.sort(key=lambda proposal: proposal.rank, reverse=True)
        if found:
            best = found[0].release
            older = Release.objects.filter(block_ref=best.block_ref).exclude(pk=best.pk)
            found += [
                _proposal(release, trace, descriptor, present, user, composer)
                for release in older.order_by("-current_since")[:RELEASES]
                if release.startable
            ]
    return trace, sorted(found, key=lambda proposal: proposal.rank, reverse=True)


def _newest(user: User) -> list[Release]:
    visible = Entity.objects.visible_to(user).filter(kind="template")
    rows = Release.objects.newest_of_each("template").filter(block_ref__in=visible.values("ref"))
    return [release for release in rows.order_by("block_ref")[:BLOCKS] if release.startable]


def _proposal(
    release: Release, trace: Trace | None, descriptor: dict[str, Any],
    present: Mapping[str, str], user: User, composer: Composer,
) -> Proposal:  # fmt: skip
    traced = bool(trace and _is_source(release, trace))
    try:
        answers = _guessed(golden_path(release), trace, descriptor)
        recorded = {name: {"value": v, "origin": "chosen"} for name, v in answers.items()}
        tree = composer.compose([release], recorded, user).tree
    except NeedsAnswer as error:
        return Proposal(release, answers, missing=tuple(error.names), traced=traced)
    except (CannotCompose, ValueError, *sandbox.STOPPED) as error:
        return Proposal(release, {}, problem=str(error), traced=traced)
    same = sum(present.get(path) == blob_id(file.content) for path, file in tree.items())
    there = sum(path in present for path in tree)
    return Proposal(release, answers, len(tree), same, there - same, traced=traced)


def _is_source(release: Release, trace: Trace) -> bool:
    source = trace.source.removesuffix(".git").rstrip("/")
    named = source == release.block_ref or source.endswith(f"/{release.repository}")
    version = trace.version.removeprefix("v")
    fits = not version or version == release.version or release.commit.startswith(trace.version)
    return named and fits


def compared(
    repository: str, release: Release, answers: Mapping[str, Any], user: User
) -> tuple[int, dict[str, tuple[File, File | None]]]:
    """How many files are as the release makes them, and the others: made, and as they are."""
    recorded = {name: {"value": v, "origin": "chosen"} for name, v in answers.items()}
    made = Composer().compose([release], recorded, user).tree
    now = repository_now(repository, made, {}).files
    differing = {p: (file, now.get(p)) for p, file in made.items() if now.get(p) != file}
    return len(made) - len(differing), differing

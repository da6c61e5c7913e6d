"""What a change would make of a repository: the ways that kinds of change have in common. Nothing
is written here and nothing is sent.

A repository that a golden path made is composed anew and merged with what it was made as. One that
only aspects were woven into has no such base: its `ground` is kept, the woven paths as they were
before (None: there was none), so that another release is woven into the ground and merged alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from accounts.models import User
from catalog.models import Entity
from fleet.reading import Now, full_repository_now, repository_now
from scaffolder import sandbox
from scaffolder.models import Lineage, Release, StoredTree, load_tree
from scaffolder.services.compositions import CannotCompose, Composer
from scaffolder.services.lineage import LINEAGE_PATH, Answers, lineage_file
from scaffolder.weave.migration import Migration, migration
from scaffolder.weave.tree import File, Tree
from scaffolder.weave.upgrade import Finding, upgrade

Ground = Mapping[str, File | None]


@dataclass(frozen=True, slots=True)
class Work:
    """One repository of a campaign; `given` are answers that somebody gave for this change."""

    release: Release | None
    repository: str
    entity_ref: str
    lineage: Sequence[Lineage]
    given: Mapping[str, Any]
    author: User
    composer: Composer
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def block(self) -> Release:
        assert self.release is not None, "a change of this kind is about a block"
        return self.release

    @property
    def blocks(self) -> list[Release]:
        return [row.release for row in self.lineage]

    @property
    def recorded(self) -> Answers:
        """The answers that made it, and over them those given now."""
        known: Answers = dict(self.lineage[0].answers) if self.lineage else {}
        return known | {
            name: {"value": value, "origin": "chosen"} for name, value in self.given.items()
        }

    @property
    def descriptor(self) -> dict[str, Any]:
        entity = Entity.objects.filter(ref=self.entity_ref).first()
        return dict(entity.descriptor) if entity else {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """`result` is the repository as it would be; `base` and `ground` are for the next time."""

    now: Now
    result: Tree
    releases: Sequence[Release]
    answers: Answers
    base: Tree
    ground: Ground = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    alike: tuple[int, int] | None = None  # of the files of the base, how many are the same here

    @property
    def is_no_op(self) -> bool:
        return not self.findings and self.result == self.now.files

    @property
    def is_clean(self) -> bool:
        return all(finding.kind == "renamed" for finding in self.findings)


def remade(work: Work, releases: Sequence[Release]) -> Outcome:
    """The repository made of these releases. Raises CannotCompose or NeedsAnswer."""
    wanted = sorted(releases, key=lambda release: (release.kind != "template", release.block_ref))
    if any(release.kind == "template" for release in wanted):
        return _recomposed(work, wanted)
    return _rewoven(work, wanted)


def _recomposed(work: Work, wanted: Sequence[Release]) -> Outcome:
    past = _past(work, wanted)
    made = work.composer.compose(wanted, past.renamed(work.recorded), work.author)
    base = _without_lineage(load_tree(work.lineage[0].base))
    now = repository_now(work.repository, base, made.tree)
    merged = sandbox.call(
        partial(upgrade, base, _without_lineage(now.files), dict(made.tree), renames=past.files),
        seconds=30,
    )
    result = dict(merged.tree)
    if merged.tree == _without_lineage(now.files) and not merged.findings:
        result = dict(now.files)
    else:
        result[LINEAGE_PATH] = lineage_file(wanted, made.answers, made.tree)
    return Outcome(now, result, wanted, made.answers, made.tree, findings=merged.findings)


def _rewoven(work: Work, wanted: Sequence[Release]) -> Outcome:
    now = full_repository_now(work.repository)
    ours = _without_lineage(now.files)
    row = work.lineage[0] if work.lineage else None
    old_base = load_tree(row.base) if row else {}
    old_ground = load_ground(row.ground) if row else {}
    below = _laid_over(ours, old_ground)
    past = _past(work, wanted)
    woven = work.composer.weave(below, wanted, past.renamed(work.recorded), work.descriptor)
    touched = {p for p in below.keys() | woven.tree.keys() if below.get(p) != woven.tree.get(p)}
    mine_or_base = {p: ours[p] for p in touched - old_ground.keys() if p in ours}
    theirs = {p: woven.tree[p] for p in touched | old_ground.keys() if p in woven.tree}
    merged = sandbox.call(
        partial(upgrade, mine_or_base | old_base, ours, theirs, renames=past.files), seconds=30
    )
    base = {p: woven.tree[p] for p in touched if p in woven.tree}
    ground = {p: old_ground.get(p, ours.get(p)) for p in touched}
    result = dict(merged.tree)
    if wanted:
        result[LINEAGE_PATH] = lineage_file(list(wanted), woven.answers, base)
    return Outcome(now, result, wanted, woven.answers, base, ground, merged.findings)


def adopted(work: Work, least: float) -> Outcome:
    """The repository as it is, with the lineage of a golden path that it was not made by, or that
    nobody remembers. Raises CannotCompose where less than this part of its files is alike."""
    made = work.composer.compose([work.block], work.recorded, work.author)
    now = repository_now(work.repository, made.tree, {})
    same = sum(now.files.get(path) == file for path, file in made.tree.items())
    if same < least * len(made.tree):
        raise CannotCompose(
            f"Only {same} of the {len(made.tree)} files that {work.block} makes are the same "
            "here: it is not adopted."
        )
    result = dict(now.files)
    result[LINEAGE_PATH] = lineage_file([work.block], made.answers, made.tree)
    alike = same, len(made.tree)
    return Outcome(now, result, [work.block], made.answers, made.tree, alike=alike)


def edited(work: Work, change: Callable[[Tree, Mapping[str, Any]], dict[str, File]]) -> Outcome:
    """The files as they are, changed by hand as it were: what made the repository stays the same.
    Raises CannotCompose."""
    now = full_repository_now(work.repository)
    try:
        changed = sandbox.call(change, dict(now.files), dict(work.settings), seconds=30)
    except ValueError as error:
        raise CannotCompose(str(error)) from error
    return Outcome(now, {**now.files, **changed}, [], {}, {})


def _past(work: Work, wanted: Sequence[Release]) -> Migration:
    """What the new releases say was renamed since the old ones."""
    old = {block.block_ref: block.version for block in work.blocks}
    result = Migration()
    for release in wanted:
        if before := old.get(release.block_ref):
            spec = release.descriptor["spec"]
            result = result.then(migration(spec, before, release.version))
    return result


def _without_lineage(tree: Tree) -> dict[str, File]:
    return {path: file for path, file in tree.items() if path != LINEAGE_PATH}


def _laid_over(tree: Tree, ground: Ground) -> dict[str, File]:
    below = {path: file for path, file in tree.items() if path not in ground}
    return below | {path: file for path, file in ground.items() if file}


def load_ground(stored: Mapping[str, list[str] | None]) -> dict[str, File | None]:
    there: StoredTree = {path: value for path, value in stored.items() if value}
    return dict.fromkeys(stored) | load_tree(there)

"""Moving refs and all that follows from it, the same for a commit by API, a merge, a page or a push
over Git: the default branch of an empty project, merge requests, auto-merge, webhooks."""

from dataclasses import dataclass

from localforge.context import Context
from localforge.shapes import payloads
from localforge.store import projects
from localforge.store.database import Row
from localforge.verbs import events, protection, refresh, start

HEADS = "refs/heads/"
TAGS = "refs/tags/"
_MOST_HOOKED_REFS = 3
_MOST_PIPELINES = 4


@dataclass(frozen=True)
class Update:
    """A ref that moved, or is to move."""

    ref: str
    old: str | None
    new: str | None

    @property
    def branch(self) -> str | None:
        """The branch's name, if it is one."""
        return self.ref[len(HEADS) :] if self.ref.startswith(HEADS) else None


def move(ctx: Context, project: Row, updates: list[Update]) -> None:
    """Moves refs, each only if it still is where it was, and does what follows."""
    repo = ctx.repo(project)
    for update in updates:
        repo.move_ref(update.ref, update.old, update.new)
    follow(ctx, project, updates)


def follow(ctx: Context, project: Row, updates: list[Update]) -> None:
    """What follows from refs that have moved."""
    if project["empty"]:
        _first_push(ctx, project, updates)
    projects.touch(ctx.db, project)
    for update in updates:
        if update.branch:
            refresh.branch_moved(ctx, project, update.branch, update.old, update.new)
    _announce(ctx, project, updates)
    _start_pipelines(ctx, project, updates)
    ctx.db.after_commit(lambda: ctx.forge.maintenance.consider(project["id"]))


def _first_push(ctx: Context, project: Row, updates: list[Update]) -> None:
    created = [u.branch for u in updates if u.branch and u.new]
    if not created:
        return
    if project["default_branch"] not in created:
        project["default_branch"] = created[0]
        ctx.repo(project).set_head(created[0])
    project["empty"] = 0
    ctx.db.update("projects", project["id"], empty=0, default_branch=project["default_branch"])
    protection.protect_default(ctx, project)


def _start_pipelines(ctx: Context, project: Row, updates: list[Update]) -> None:
    if len(updates) > _MOST_PIPELINES:
        return
    for update in updates:
        if update.new and update.ref.startswith((HEADS, TAGS)):
            tag = update.ref.startswith(TAGS)
            name = update.ref[len(TAGS if tag else HEADS) :]
            start.by_push(ctx, project, name, update.new, tag=tag)


def _announce(ctx: Context, project: Row, updates: list[Update]) -> None:
    branches = [u for u in updates if u.branch]
    tags = [u for u in updates if u.ref.startswith(TAGS)]
    for group, trigger in ((branches, events.PUSH), (tags, events.TAG_PUSH)):
        if len(group) > _MOST_HOOKED_REFS:
            continue
        for update in group:
            events.emit(ctx, project, trigger, lambda u=update: _payload(ctx, project, u))  # type: ignore[misc]
    changes = [
        {"before": u.old or payloads.NULL, "after": u.new or payloads.NULL, "ref": u.ref}
        for u in updates
    ]
    events.emit(
        ctx,
        project,
        events.REPOSITORY_UPDATE,
        lambda: payloads.repository_update(ctx, project, changes),
    )


def _payload(ctx: Context, project: Row, update: Update) -> dict[str, object]:
    payload = payloads.push(ctx, project, update.ref, update.old, update.new)
    if update.branch:
        payload["ref_protected"] = protection.rule_for(ctx, project, update.branch) is not None
    return payload

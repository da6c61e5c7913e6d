"""Pipelines that begin: asked for by a client or, if the administrator wants it so, by a push. The
jobs are those of `.gitlab-ci.yml`, but nothing runs and no `rules` are weighed."""

from typing import Any

import yaml

from localforge import clock
from localforge.context import Context
from localforge.errors import ApiError, bad_request
from localforge.shapes import pipelines as shapes
from localforge.store.database import Row
from localforge.verbs import events

CONFIG = ".gitlab-ci.yml"
SWITCH = "localforge_pipelines_on_push"
_KEYWORDS = {"default", "include", "stages", "variables", "workflow", "image", "services", "cache",
             "before_script", "after_script", "spec", "pages"}  # fmt: skip
_NOT_WANTED = ("[ci skip]", "[skip ci]")


class _Texts(yaml.SafeLoader):
    """Reads every scalar as text, for names and stages are all that is wanted here: no date can be
    wrong, and GitLab's own tags (`!reference`) stand for nothing."""

    yaml_implicit_resolvers = {"<": yaml.SafeLoader.yaml_implicit_resolvers["<"]}


_Texts.add_constructor(None, lambda loader, node: None)


def create(
    ctx: Context, project: Row, *, ref: str, sha: str, status: str, source: str, tag: bool = False,
    data: dict[str, Any] | None = None,
) -> Row:  # fmt: skip
    """A pipeline."""
    now = clock.now()
    last = "SELECT coalesce(max(iid), 0) + 1 FROM pipelines WHERE project_id = ?"
    row_id = ctx.db.insert(
        "pipelines", iid=ctx.db.value(last, project["id"]), project_id=project["id"], sha=sha,
        ref=ref, tag=int(tag), status=status, source=source, user_id=ctx.need_user()["id"],
        created_at=now, updated_at=now, data=data or {},
    )  # fmt: skip
    row = ctx.db.one("SELECT * FROM pipelines WHERE id = ?", row_id)
    assert row is not None
    return row


def announce(ctx: Context, project: Row, pipeline: Row) -> None:
    """Tells the webhooks."""
    events.emit(ctx, project, events.PIPELINE, lambda: shapes.payload(ctx, project, pipeline))


def jobs_in(text: bytes) -> list[tuple[str, str]]:
    """The names and stages of the jobs in a CI configuration."""
    try:
        found = yaml.load(text, Loader=_Texts)  # noqa: S506 - it makes even less than SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError):
        raise bad_request({"base": ["Invalid CI config: it is not valid YAML"]}) from None
    if not isinstance(found, dict):
        raise bad_request({"base": ["Invalid CI config: it holds no jobs"]})
    return [
        (str(name), str(job.get("stage", "test")))
        for name, job in found.items()
        if isinstance(job, dict) and name not in _KEYWORDS and not str(name).startswith(".")
    ]


def add_job(ctx: Context, project: Row, pipeline: Row, name: str, stage: str, **more: Any) -> Row:
    """One job of a pipeline."""
    job_id = ctx.db.insert(
        "jobs",
        **{
            "project_id": project["id"], "pipeline_id": pipeline["id"], "name": name,
            "stage": stage, "status": "created", "ref": pipeline["ref"], "sha": pipeline["sha"],
            "user_id": ctx.need_user()["id"], "created_at": clock.now(), **more,
        },
    )  # fmt: skip
    row = ctx.db.one("SELECT * FROM jobs WHERE id = ?", job_id)
    assert row is not None
    return row


def wanted(
    ctx: Context, project: Row, *, ref: str, sha: str, source: str, data: dict[str, Any]
) -> Row:
    """A pipeline that a client asked for, with the jobs of the CI file; 400 if there is none."""
    text = ctx.repo(project).file(sha, CONFIG)
    if text is None:
        raise bad_request({"base": ["Missing CI config file"]})
    return _with_jobs(ctx, project, jobs_in(text), ref=ref, sha=sha, source=source, data=data)


def _with_jobs(ctx: Context, project: Row, jobs: list[tuple[str, str]], **columns: Any) -> Row:
    pipeline = create(ctx, project, status="pending", **columns)
    for name, stage in jobs:
        add_job(ctx, project, pipeline, name, stage)
    announce(ctx, project, pipeline)
    return pipeline


def by_push(ctx: Context, project: Row, ref: str, sha: str, *, tag: bool) -> None:
    """A pending pipeline for what was pushed, if the forge is set so and there is a CI file."""
    if not ctx.forge.application_settings.get(SWITCH):
        return
    commit = ctx.repo(project).resolve(sha)
    text = ctx.repo(project).file(commit, CONFIG) if commit else None
    if text is None or commit is None:
        return
    if any(words in ctx.repo(project).commit(commit).message for words in _NOT_WANTED):
        return
    try:
        jobs = jobs_in(text)
    except ApiError:
        return
    _with_jobs(ctx, project, jobs, ref=ref, sha=commit, source="push", tag=tag)

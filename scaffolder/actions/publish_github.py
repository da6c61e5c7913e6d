"""publish:github and publish:github:pull-request, understood as “publish to the configured forge”
where the administrator switched that on."""

from urllib.parse import urlsplit

from django.conf import settings

from scaffolder.actions import BOOLEAN, STRING, Context, Json, action
from scaffolder.actions.publish_gitlab import publish_gitlab
from scaffolder.actions.publish_gitlab_merge_request import publish_merge_request

_LEFT_OUT = "What only GitHub has is accepted and left out."


def _refusal() -> str:
    if settings.PUBLISH_GITHUB_TO_FORGE:
        return ""
    return (
        "publishing to GitHub is not supported; with PUBLISH_GITHUB_TO_FORGE this action "
        "publishes to the configured forge."
    )


def _here(repo_url: str) -> str:
    """The same owner and repo on the configured forge."""
    return f"{urlsplit(settings.GITLAB_URL).netloc}?{repo_url.partition('?')[2]}"


@action(
    "publish:github",
    title="Create a repository (in the configured forge)",
    properties={
        "repoUrl": STRING,
        "description": {"type": "string"},
        "defaultBranch": STRING,
        "repoVisibility": {"enum": ["private", "internal", "public"]},
        "sourcePath": {"type": ["string", "boolean"]},
        "gitCommitMessage": STRING,
        "gitAuthorName": STRING,
        "gitAuthorEmail": STRING,
        "topics": {"type": "array", "items": STRING},
    },
    required=("repoUrl",),
    output={"remoteUrl": STRING, "repoContentsUrl": STRING, "commitHash": {"type": "string"}},
    publishes=True,
    refusal=_refusal,
    notes=_LEFT_OUT,
)
def publish_github(context: Context, given: Json) -> Json:
    known = ("description", "defaultBranch", "repoVisibility", "sourcePath", "gitCommitMessage",
             "gitAuthorName", "gitAuthorEmail", "topics")  # fmt: skip
    taken = {name: given[name] for name in known if name in given}
    made = publish_gitlab(context, {"repoUrl": _here(given["repoUrl"])} | taken)
    return {name: made[name] for name in ("remoteUrl", "repoContentsUrl", "commitHash")}


@action(
    "publish:github:pull-request",
    title="Open a merge request (in the configured forge)",
    properties={
        "repoUrl": STRING,
        "title": STRING,
        "branchName": STRING,
        "description": {"type": "string"},
        "targetBranchName": STRING,
        "sourcePath": STRING,
        "targetPath": {"type": "string"},
        "filesToDelete": {"type": "array", "items": STRING},
        "draft": BOOLEAN,
        "reviewers": {"type": "array", "items": STRING},
    },
    required=("repoUrl", "title", "branchName"),
    output={
        "remoteUrl": STRING,
        "pullRequestNumber": {"type": "integer"},
        "targetBranchName": STRING,
    },
    publishes=True,
    refusal=_refusal,
    notes=_LEFT_OUT,
)
def publish_pull_request(context: Context, given: Json) -> Json:
    known = ("title", "branchName", "description", "targetBranchName", "sourcePath", "targetPath",
             "filesToDelete", "reviewers")  # fmt: skip
    taken = {name: given[name] for name in known if name in given}
    if given.get("draft"):
        taken["title"] = f"Draft: {given['title']}"
    made = publish_merge_request(context, {"repoUrl": _here(given["repoUrl"])} | taken)
    return {
        "remoteUrl": made["mergeRequestUrl"],
        "pullRequestNumber": context.facts["merge_request"]["iid"],
        "targetBranchName": made["targetBranchName"],
    }

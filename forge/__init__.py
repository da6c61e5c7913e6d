"""The only room with a telephone line: GitLab through python-gitlab and Git.

A plain package: it knows neither Django nor who asks. `portal.settings` names the forge, and
`catalog.forges.connect()` makes the client.
"""

from forge.client import Forge
from forge.desk import Desk
from forge.errors import (
    ForgeConflict,
    ForgeError,
    ForgeForbidden,
    ForgeNotFound,
    ForgeRefused,
    ForgeUnavailable,
)
from forge.git import GitCache
from forge.results import Change, Commit, File, Group, Member, MergeRequest, Project

__all__ = [
    "Change",
    "Commit",
    "Desk",
    "File",
    "Forge",
    "ForgeConflict",
    "ForgeError",
    "ForgeForbidden",
    "ForgeNotFound",
    "ForgeRefused",
    "ForgeUnavailable",
    "GitCache",
    "Group",
    "Member",
    "MergeRequest",
    "Project",
]

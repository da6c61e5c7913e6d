"""One call while it is handled: what came in, who is asking, and the things that its path names."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from localforge import access
from localforge.context import Context
from localforge.errors import ApiError, forbidden, message, not_found
from localforge.params import Params
from localforge.store import namespaces, projects, users
from localforge.store.database import Row

# Everything that tells what is in a repository.
_CODE = re.compile(
    r"/api/v4/projects/[^/]+/(repository|merge_requests|fork|forks|snapshot|statuses|languages"
    r"|jobs|pipelines)\b"
)


@dataclass(frozen=True)
class Upload:
    """A file that was sent in a form."""

    name: str
    media_type: str
    data: bytes


@dataclass(kw_only=True)
class Call(Context):
    """A call to the API or to a page."""

    method: str
    path: str
    headers: dict[str, str]
    params: Params
    values: dict[str, str]
    query: Params
    token: Row | None = None
    session: str | None = None

    def need_admin(self) -> Row:
        """Whoever is asking, if an administrator."""
        user = self.need_user()
        if not user["admin"]:
            raise forbidden()
        return user

    def number(self, name: str) -> int:
        """A number in the path; anything else is not found."""
        value = self.values[name]
        if not value.isdecimal() or len(value) > 18:
            raise not_found()
        return int(value)

    def project(self, level: int = access.NONE, name: str = "id") -> Row:
        """The project that the path names, if it exists for whoever is asking."""
        ref = self.values[name]
        found = projects.find_project(self.db, ref)
        if found is None:
            found = self._moved_project(ref)
        if found is None or not access.can_see_project(self.db, self.user, found):
            raise not_found("Project")
        if _CODE.match(self.path) and not access.can_read_code(self.db, self.user, found):
            raise forbidden()
        self._check_level(level, found)
        return found

    def _check_level(self, level: int, project: Row) -> None:
        if level > access.NONE:
            self.need_user()
            if self.project_level(project) < level:
                raise forbidden()

    def _moved_project(self, ref: str) -> Row | None:
        found = projects.redirected_project(self.db, ref)
        if found is None or not access.can_see_project(self.db, self.user, found):
            return None
        if self.method not in ("GET", "HEAD"):
            raise message(405, "Non GET methods are not allowed for moved projects")
        path = self.path.replace(quote(ref, safe=""), str(found["id"]), 1)
        query = f"?{urlencode(self.query, doseq=True)}" if self.query else ""
        raise ApiError(
            301, {"message": "Moved Permanently"}, {"Location": self.base + path + query}
        )

    def writable(self, level: int = access.DEVELOPER) -> Row:
        """The project that the path names, if it may be written to."""
        project = self.project(level)
        if project["archived"]:
            raise forbidden("the project is archived")
        return project

    def group(self, level: int = access.NONE, name: str = "id") -> Row:
        """The group that the path names, if it exists for whoever is asking."""
        found = namespaces.find_namespace(self.db, self.values[name])
        if (
            found is None
            or found["kind"] != "group"
            or not access.can_see_group(self.db, self.user, found)
        ):
            raise not_found("Group")
        if level > access.NONE:
            self.need_user()
            if access.group_level(self.db, self.user, found["id"]) < level:
                raise forbidden()
        return found

    def target_user(self, name: str = "id") -> Row:
        """The user that the path names."""
        found = users.get_user(self.db, self.number(name))
        if found is None:
            raise not_found("User")
        return found

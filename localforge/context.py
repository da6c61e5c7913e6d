"""What every verb and every shape needs: the forge, a database connection, the address under which
the forge is known, and who is acting."""

from dataclasses import dataclass, field

from localforge import access
from localforge.errors import unauthorized
from localforge.forge import Forge
from localforge.git.repository import Repo
from localforge.store.database import Db, Row


@dataclass(kw_only=True)
class Context:
    """Where something happens, and by whom."""

    forge: Forge
    db: Db
    base: str
    user: Row | None = None
    _repos: dict[int, Repo] = field(default_factory=dict, repr=False)

    def need_user(self) -> Row:
        """Whoever is acting; 401 if nobody is."""
        if self.user is None:
            raise unauthorized()
        return self.user

    @property
    def admin(self) -> bool:
        """Whether an administrator is acting."""
        return access.is_admin(self.user)

    def repo(self, project: Row) -> Repo:
        """A project's repository, opened once a call."""
        project_id = project["id"]
        if project_id not in self._repos:
            self._repos[project_id] = self.forge.repositories.open(project_id)
        return self._repos[project_id]

    def project_level(self, project: Row) -> int:
        """The level of whoever is acting in a project."""
        return access.project_level(self.db, self.user, project)

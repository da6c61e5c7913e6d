"""facts.repository: the files of the default branch, and the texts that checks look into."""

from typing import Any

from catalog.forges import connect
from catalog.models import Entity
from scorecards.facts import collector

# Small, well-known files whose content checks ask about.
READ = (".gitlab-ci.yml", "CODEOWNERS", "Dockerfile")
MAX_TEXT = 50_000
MAX_FILES = 5_000


@collector("repository")
def repository(entity: Entity) -> dict[str, Any]:
    """Raises ForgeError when the forge does not tell."""
    row = entity.location.repository
    if not row.commit:
        return {"commit": "", "files": [], "texts": {}}
    forge = connect()
    files = sorted(forge.tree(row.path, row.commit))
    texts = {
        path: forge.read_file(row.path, path, row.commit).decode(errors="replace")[:MAX_TEXT]
        for path in READ
        if path in files
    }
    return {"commit": row.commit, "files": files[:MAX_FILES], "texts": texts}

"""The forge's plain HTML pages: sign in, look at projects, mend a file, merge."""

from localforge.pages import (
    commits,
    editor,
    merge_requests,
    pipelines,
    projects,
    session,
    static,
)
from localforge.pages.render import error_page

ROUTES = [
    *static.ROUTES,
    *session.ROUTES,
    *projects.ROUTES,
    *commits.ROUTES,
    *editor.ROUTES,
    *merge_requests.ROUTES,
    *pipelines.ROUTES,
]
__all__ = ["ROUTES", "error_page"]

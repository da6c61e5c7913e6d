"""`./dev manage template_report PATH|URL`: what keeps golden paths from being started here."""

import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from forge import ForgeError
from scaffolder.reports import Report, template_reports
from scaffolder.services.imports import PAGE, look_through
from scaffolder.weave.tree import EXECUTABLE, NORMAL, SYMLINK, File, Tree


class Command(BaseCommand):
    help = (
        "Reports on the templates of a folder, or of a repository or group of the forge. "
        "Ends with 1 if one of them cannot be started, with 2 if there is none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("place", help="A folder, or the address of a repository or group")
        parser.add_argument("--json", action="store_true", help="Machine-readable")
        parser.add_argument("--strict", action="store_true", help="Warnings count as errors")

    def handle(self, *args: Any, place: str, **options: Any) -> None:
        found = _found(place)
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(*one) for one in found], indent=2))
        else:
            for project, report in found:
                self._tell(project, report)
        if not found:
            raise CommandError(f"There is no template in {place}.", returncode=2)
        bad = sum(bool(r.problems if options["strict"] else r.errors) for _, r in found)
        if bad:
            raise CommandError(f"{bad} of {len(found)} templates cannot be started.")

    def _tell(self, project: str, report: Report) -> None:
        self.stdout.write(f"{project}{report.path}: {report.title}: {report.verdict}")
        for problem in report.problems:
            kind = "warning" if problem.warning else "error"
            self.stdout.write(f"  {kind}: {problem}")


def _found(place: str) -> list[tuple[str, Report]]:
    folder = Path(place)
    if folder.exists():
        return [("", report) for report in template_reports(_read(folder))]
    everything = User(username="template_report", is_superuser=True)  # the operator of the portal
    found: list[tuple[str, Report]] = []
    page, total = 1, 1
    while (page - 1) * PAGE < total:
        try:
            looked = look_through(place=place, page=page, by=everything)
        except (ValidationError, ForgeError) as error:
            said = error.messages[0] if isinstance(error, ValidationError) else str(error)
            raise CommandError(f"{place} is no folder here. {said}", returncode=2) from error
        found += [(f"{seen.project}/", r) for seen in looked.seen for r in seen.reports]
        page, total = page + 1, looked.total
    return found


def _read(place: Path) -> Tree:
    """The files of a folder, or of the folder in which a template.yaml stands."""
    folder = place if place.is_dir() else place.parent
    tree: dict[str, File] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.startswith(".git/"):
            continue
        if path.is_symlink():
            tree[name] = File(str(path.readlink()).encode(), SYMLINK)
        elif path.is_file():
            mode = EXECUTABLE if path.stat().st_mode & 0o100 else NORMAL
            tree[name] = File(path.read_bytes(), mode)
    return tree


def _as_json(project: str, report: Report) -> dict[str, Any]:
    return {
        "file": project + report.path,
        "entityRef": report.ref,
        "title": report.title,
        "verdict": report.verdict,
        "problems": [
            {"severity": "warning" if p.warning else "error", "path": p.path, "line": p.line,
             "message": p.message, "hint": p.hint}
            for p in report.problems
        ],
    }  # fmt: skip

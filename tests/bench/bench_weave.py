"""Upgrades of edited projects, by copier and by our engine, in one run: what is lost, and how long
each takes.

    ./dev bench weave --projects 24

It makes one template of four versions in both dialects, projects from each of the first three, and
the same edits of a team in both. copier (from the package index, into a temporary environment) runs
as its users run it: `copier update --defaults`, one process a project. Our engine renders the newest
version in its sandbox and merges with the stored base. A line that the team wrote is lost when it is
neither in the result nor in what was reported. Exits with 1 if we lose one or are not 50 times as
quick.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from scaffolder import sandbox
from scaffolder.weave import EXECUTABLE, File, Tree, render_tree, upgrade

COPIER = "copier==9.19.1"
NEWEST = 4
FASTER = 50
MARKERS = (b"<<<<<<< ", b">>>>>>> ")
BODY = [f"def step_{n}(value):\n    return value + {n}\n" for n in range(30)]


# -- the template -------------------------------------------------------------------------------
def template(version: int) -> dict[str, str]:
    """Files by path; [[x]] is an answer."""
    body = list(BODY)
    if version >= 2:
        body[3] = "def step_3(value):\n    return value * 3\n"
    if version >= 4:
        body[20] = "def step_20(value, more=0):\n    return value + 20 + more\n"
    code = '"""The code of [[name]]."""\n\n' + "\n".join(body)
    deploy = "".join(f"key_{n}: {n}\n" for n in range(20))
    found = {
        "README.md": f"# [[name]]\n\nRun it.\n\n## Build\n\nmake build\n\n## Version {version}\n",
        "Makefile": f"build:\n\techo [[name]] {version}\n\ntest:\n\techo test\n",
        "deploy.yaml": deploy.replace("key_9: 9", f"key_9: {version}"),
        "settings.toml": '[project]\nname = "[[name]]"\npython = "[[python]]"\nline = 100\n',
        "src/main.py" if version >= 3 else "src/app.py": code,
        "tests/test_all.py": "def test_all():\n    assert True\n" * 5,
    }
    found |= {f"src/part_{n}.py": f"# [[name]]\nPART = {n}\n" * 8 for n in range(30)}
    if version < 3:
        found["NOTES.rst"] = "Notes\n=====\n\nOf the template.\n"
    if version >= 2:
        found["SECURITY.md"] = f"# Security of [[name]]\n\nMail us ({version}).\n"
    return found


def answers(version: int, name: str) -> dict[str, str]:
    """Only the name was chosen; the default of `python` is another in newer versions."""
    return {"name": name, "python": "3.12" if version >= 3 else "3.10"}


def ours_of(version: int) -> Tree:
    return {
        path: File(text.replace("[[", "${{ values.").replace("]]", " }}").encode())
        for path, text in template(version).items()
    }


def rendered(version: int, name: str) -> dict[str, File]:
    return sandbox.call(partial(render_tree, ours_of(version), values=answers(version, name)))


# -- the team -----------------------------------------------------------------------------------
@dataclass
class Team:
    """Edits to a fresh project; every line it writes is its only one of that text."""

    seed: int
    count: int = 0
    written: list[bytes] = field(default_factory=list)

    def line(self) -> bytes:
        self.count += 1
        text = f"# team {self.seed}-{self.count}".encode()
        self.written.append(text)
        return text + b"\n"

    def work(self, tree: Mapping[str, File]) -> dict[str, File]:
        """What projects go through: own files, sections, changed lines, deletions, moves."""
        chance, found = random.Random(self.seed), dict(tree)
        found[f"own/{self.seed}.py"] = File(self.line() + self.line())
        found["README.md"] = File(found["README.md"].content + b"\n## Ours\n" + self.line())
        for path in chance.sample(sorted(tree), 5):
            lines = found[path].content.splitlines(keepends=True)
            lines.insert(chance.randrange(len(lines)), self.line())
            found[path] = File(b"".join(lines))
        if "NOTES.rst" in tree and chance.random() < 0.7:
            found["NOTES.rst"] = File(found["NOTES.rst"].content + self.line())
        if chance.random() < 0.5:
            old = found["deploy.yaml"].content.splitlines(keepends=True)
            found["deploy.yaml"] = File(b"".join([*old[:9], self.line(), *old[10:]]))
        if chance.random() < 0.5:
            del found["Makefile" if chance.random() < 0.5 else "src/part_7.py"]
        if "src/app.py" in found and chance.random() < 0.3:
            found["src/own_app.py"] = found.pop("src/app.py")
        if chance.random() < 0.3:
            found["SECURITY.md"] = File(self.line())
        if chance.random() < 0.3:
            found["tests/test_all.py"] = File(found["tests/test_all.py"].content, EXECUTABLE)
        there = set(b"".join(file.content for file in found.values()).splitlines())
        self.written = [line for line in self.written if line in there]
        return found


def lost(written: list[bytes], *places: bytes) -> int:
    everything = set(b"\n".join(places).splitlines())
    return sum(line not in everything for line in written)


# -- both ---------------------------------------------------------------------------------------
@dataclass
class Score:
    lost: int = 0
    marked: int = 0  # files with conflict markers in them
    reported: int = 0  # paths that a person is told about
    fresh: int = 0  # unedited projects that came out as a new project would
    failed: int = 0
    seconds: list[float] = field(default_factory=list)


def engine(base: Tree, ours: Tree, team: Team, name: str, score: Score) -> None:
    started = time.perf_counter()
    theirs = rendered(NEWEST, name)
    merged = sandbox.call(upgrade, base, ours, theirs)
    score.seconds.append(time.perf_counter() - started)
    sides = [s.content for f in merged.findings for s in (f.base, f.ours, f.theirs) if s]
    score.lost += lost(team.written, *(file.content for file in merged.tree.values()), *sides)
    score.marked += sum(has_markers(file.content) for file in merged.tree.values())
    score.reported += sum(finding.kind != "renamed" for finding in merged.findings)
    score.fresh += merged.tree == theirs


def copier(program: str, project: Path, team: Team, name: str, score: Score) -> None:
    started = time.perf_counter()
    done = subprocess.run(
        [program, "update", "--defaults", "--quiet", "--vcs-ref", f"v{NEWEST}", str(project)],
        capture_output=True, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    score.seconds.append(time.perf_counter() - started)
    score.failed += done.returncode != 0
    files = {path: file for path, file in read(project) if path != ".copier-answers.yml"}
    score.lost += lost(team.written, *files.values())
    score.marked += sum(map(has_markers, files.values()))
    unmerged = git(project, "diff", "--name-only", "--diff-filter=U").splitlines()
    rejected = [path for path in files if path.endswith(".rej")]
    score.reported += len({*unmerged, *rejected})
    fresh = {path: file.content for path, file in rendered(NEWEST, name).items()}
    score.fresh += files == fresh


def has_markers(content: bytes) -> bool:
    return any(mark in content for mark in MARKERS)


# -- copier's side ------------------------------------------------------------------------------
ENVIRONMENT = {
    "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/nonexistent",
    "GIT_AUTHOR_NAME": "bench", "GIT_AUTHOR_EMAIL": "bench@localhost",
    "GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@localhost",
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull,
}  # fmt: skip


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=ENVIRONMENT, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def read(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.startswith(".git/"):
            yield name, path.read_bytes()


def write(folder: Path, tree: Tree) -> None:
    for path, file in tree.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)
        place.chmod(int(file.mode, 8) & 0o777)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


def copier_template(folder: Path) -> Path:
    """A repository with a tag for each version."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    for version in range(1, NEWEST + 1):
        git(folder, "rm", "-r", "-q", "--ignore-unmatch", ".")
        texts = {
            f"{path}.jinja": File(text.replace("[[", "{{ ").replace("]]", " }}").encode())
            for path, text in template(version).items()
        }
        python = answers(version, "")["python"]
        asked = f'_subdirectory: template\nname:\n  type: str\npython:\n  default: "{python}"\n'
        texts["{{ _copier_conf.answers_file }}.jinja"] = File(b"{{ _copier_answers|to_yaml }}\n")
        write(folder, {"copier.yaml": File(asked.encode())})
        write(folder / "template", texts)
        commit(folder, f"Version {version}")
        git(folder, "tag", f"v{version}")
    return folder


def copier_project(program: str, source: Path, folder: Path, version: int, name: str) -> None:
    subprocess.run(
        [program, "copy", "--defaults", "--quiet", "--data", f"name={name}",
         "--vcs-ref", f"v{version}", str(source), str(folder)],
        check=True, env=ENVIRONMENT, capture_output=True,
    )  # fmt: skip
    git(folder, "init", "--quiet")
    commit(folder, "Begin")


def replaced(folder: Path, base: Tree, ours: Tree) -> None:
    """The team's commit."""
    for path in base.keys() - ours.keys():
        (folder / path).unlink()
    write(folder, ours)
    if git(folder, "status", "--porcelain"):
        commit(folder, "The team's")


def main() -> int:
    parser = argparse.ArgumentParser("bench weave", description=__doc__)
    parser.add_argument("--projects", type=int, default=24)
    count = parser.parse_args().projects
    theirs, mine = Score(), Score()
    with tempfile.TemporaryDirectory(prefix="weave-bench-") as scratch, sandbox.together():
        place = Path(scratch)
        venv.create(place / "venv", with_pip=True)
        pip = [place / "venv/bin/python", "-m", "pip", "install", "-qq", COPIER]
        subprocess.run(pip, check=True)
        program = str(place / "venv/bin/copier")
        source = copier_template(place / "template")
        for number in range(count):
            version, name = number % (NEWEST - 1) + 1, f"service-{number}"
            project, base = place / name, rendered(version, name)
            copier_project(program, source, project, version, name)
            team = Team(number)
            ours = team.work(base) if number >= NEWEST - 1 else base  # the first are unedited
            replaced(project, base, ours)
            engine(base, ours, team, name, mine)
            copier(program, project, team, name, theirs)
    return report(count, theirs, mine)


def report(count: int, theirs: Score, mine: Score) -> int:
    slow, quick = statistics.median(theirs.seconds), statistics.median(mine.seconds)
    print(f"{count} projects, {NEWEST - 1} of them unedited      copier    ours")
    for what, name in (
        ("lines of the team that are lost", "lost"), ("files with conflict markers", "marked"),
        ("paths reported to a person", "reported"), ("unedited ones like a new one", "fresh"),
        ("upgrades that failed", "failed"),
    ):  # fmt: skip
        print(f"{what:40} {getattr(theirs, name):8} {getattr(mine, name):7}")
    print(f"{'median per project':40} {slow * 1000:5.0f} ms {quick * 1000:4.1f} ms")
    good = mine.lost == 0 and mine.marked == 0 and slow / quick >= FASTER
    verdict = "ok" if good else "MISSED"
    print(f"{slow / quick:.0f} times as quick; none lost, ≥ {FASTER} times: {verdict}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

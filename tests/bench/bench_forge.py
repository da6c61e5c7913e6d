"""`./dev bench forge`: how quick the embedded forge is, and how much disk it takes.

Starts a forge of its own in a temporary folder, measures over loopback, prints a table, and exits
with 1 if a target is missed. `--projects N` makes the run on disk shorter. A shared machine's speed
changes from minute to minute, so each figure is the median of several rounds, with the lowest and the
highest, and stands beside what a peer took in the same rounds: `git --version` (a process that only
starts) for the calls, `git clone` of the same bare repository by `file://` for the clone.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "glpat-bench"
FILES = 40
CLIENTS = 16
ROUNDS = 5
CALLS = 40  # in a round
CLONES = 8


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    what: str
    figure: str
    target: str = ""
    met: bool = True


class Api:
    """One client with one connection."""

    def __init__(self, url: str) -> None:
        self.url, self.session = url, requests.Session()
        self.session.headers["PRIVATE-TOKEN"] = TOKEN
        self.session.trust_env = False

    def post(self, path: str, /, **data: Any) -> Any:
        """A call that has to succeed."""
        answer = self.session.post(f"{self.url}/api/v4{path}", json=data, timeout=60)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def forge() -> Iterator[tuple[str, Path]]:
    """A running forge and its folder."""
    data = Path(tempfile.mkdtemp(prefix="forge-bench-"))
    command = [sys.executable, "-m", "localforge", "--data", str(data), "--port", "0"]
    process = subprocess.Popen(
        [*command, "--root-token", TOKEN], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1], data
    finally:
        process.terminate()
        process.wait(15)
        shutil.rmtree(data)


def timed(function: Callable[[int], object], numbers: Iterable[int]) -> list[float]:
    """Milliseconds of each call."""
    found = []
    for number in numbers:
        started = time.perf_counter()
        function(number)
        found.append((time.perf_counter() - started) * 1000)
    return found


def line(
    what: str, function: Callable[[int], object], peer: Callable[[int], object], target: float,
    calls: int = CALLS,
) -> Line:  # fmt: skip
    """Median of the rounds' medians against a target, beside the peer's in the same rounds."""
    ours, peers, every = [], [], []
    for turn in range(ROUNDS):
        numbers = range(turn * calls, (turn + 1) * calls)
        times = timed(function, numbers)
        ours.append(statistics.median(times))
        peers.append(statistics.median(timed(peer, numbers)))
        every += times
    median, beside = statistics.median(ours), statistics.median(peers)
    late = statistics.quantiles(every, n=20)[-1]
    figure = (
        f"p50 {median:.1f} ms ({min(ours):.1f}–{max(ours):.1f}), p95 {late:.1f} ms; "
        f"peer {beside:.1f} ms, ×{median / beside:.1f}"
    )
    return Line(what, figure, f"p50 ≤ {target:g} ms", median <= target)


def process(number: int) -> None:
    """What a process costs that only starts: the peer of the calls."""
    subprocess.run(["git", "--version"], check=True, capture_output=True)


def contents(number: int) -> list[dict[str, str]]:
    """The files of a service, as a golden path would make them."""
    text = "def handler(event):\n    return {'status': 200, 'body': event}\n\n\n"
    return [
        {
            "action": "create",
            "file_path": f"src/part{index % 6}/module_{index}.py",
            "content": f"# service {number}, file {index}\n" + text * (5 + index % 20),
        }
        for index in range(FILES)
    ]


def three_actions(key: str) -> list[dict[str, str]]:
    """One new file, one changed, one moved."""
    return [
        {"action": "create", "file_path": f"{key}.txt", "content": key},
        {"action": "update", "file_path": "src/part0/module_0.py", "content": f"# {key}\n"},
        {
            "action": "move",
            "file_path": f"src/{key}.py",
            "previous_path": "src/part1/module_1.py",
        },
    ]


def commit(api: Api, project: int, branch: str, actions: list[dict[str, str]]) -> None:
    """One commit on a new branch."""
    api.post(
        f"/projects/{project}/repository/commits", branch=branch, start_branch="main",
        commit_message="A change", actions=actions,
    )  # fmt: skip


def filled(api: Api, group: int, number: int) -> dict[str, Any]:
    """A project with its files in one commit."""
    made: dict[str, Any] = api.post("/projects", name=f"service-{number}", namespace_id=group)
    api.post(
        f"/projects/{made['id']}/repository/commits", branch="main", commit_message="Start",
        actions=contents(number),
    )  # fmt: skip
    return made


def open_request(api: Api, project: int, number: int) -> None:
    """One merge request of a branch that exists."""
    api.post(
        f"/projects/{project}/merge_requests", source_branch=f"b{number}", target_branch="main",
        title="A change",
    )  # fmt: skip


def calls(api: Api, group: int) -> Iterator[Line]:
    """One client, one call after the other."""
    project = filled(api, group, 0)["id"]

    def create(number: int) -> None:
        api.post("/projects", name=f"p{number}", namespace_id=group, initialize_with_readme=True)

    def change(number: int) -> None:
        commit(api, project, f"b{number}", three_actions(f"k{number}"))

    yield line("create a project with a README", create, process, 15)
    yield line("commit of three actions, new branch", change, process, 8)
    yield line(
        "open a merge request", lambda number: open_request(api, project, number), process, 10
    )


def clone(source: str, scratch: Path) -> Callable[[int], None]:
    """Clones a project, over HTTP or by `file://`."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

    def once(number: int) -> None:
        # Without git's fourteen sample hooks, which the forge has no part in.
        command = ["git", "clone", "-q", "--template=", source, str(scratch / str(number))]
        subprocess.run(command, check=True, env=environment, capture_output=True)

    return once


def on_disk(folder: Path) -> float:
    """Megabytes that a folder takes, hard links counted once."""
    stats = {(s.st_dev, s.st_ino): s for s in (p.lstat() for p in folder.rglob("*"))}
    return sum(found.st_blocks * 512 for found in stats.values()) / 1_000_000


def many(url: str, api: Api, group: int, data: Path, count: int) -> Iterator[Line]:
    """Many projects of forty files: time, disk, and a clone of one of them."""
    before, started = on_disk(data), time.perf_counter()
    made = [filled(api, group, number)["id"] for number in range(1, count + 1)]
    seconds, used = time.perf_counter() - started, on_disk(data) - before
    limit = 60 * count / 1000
    yield Line(
        f"{count:,} projects of {FILES} files on disk", f"{used:.1f} MB, made in {seconds:.0f} s",
        f"≤ {limit:g} MB", used <= limit,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "http").mkdir()
        (scratch / "file").mkdir()
        address = url.replace("http://", f"http://oauth2:{TOKEN}@") + "/bench/service-1.git"
        beside = data / "repositories" / f"{made[0] // 1000:03d}" / f"{made[0]}.git"
        yield line(
            f"clone of {FILES} files over HTTP", clone(address, scratch / "http"),
            clone(beside.as_uri(), scratch / "file"), 60, CLONES,
        )  # fmt: skip


def at_once(url: str, group: int) -> Line:
    """Sixteen clients that create, commit and open merge requests."""

    def one(client: int) -> tuple[int, int]:
        api, done, errors = Api(url), 0, 0
        for number in range(10):
            try:
                made = filled(api, group, 100_000 + client * 100 + number)
                commit(api, made["id"], "b0", three_actions("k"))
                open_request(api, made["id"], 0)
                done += 4
            except requests.RequestException:
                errors += 1
        return done, errors

    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(one, range(CLIENTS)))
    rate = sum(done for done, _ in found) / (time.perf_counter() - started)
    errors = sum(bad for _, bad in found)
    return Line(
        f"{CLIENTS} clients at once",
        f"{rate:.0f} writes/s, {errors} errors",
        "0 errors",
        not errors,
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser("bench forge", description=__doc__)
    parser.add_argument("--projects", type=int, default=1000, help="how many on disk")
    wanted = parser.parse_args()
    with forge() as (url, data):
        api = Api(url)
        group = api.post("/groups", name="bench", path="bench")["id"]
        table = [*calls(api, group), *many(url, api, group, data, wanted.projects)]
        table.append(at_once(url, group))
    for row in table:
        mark = "ok" if row.met else "MISSED"
        print(f"{row.what:40} {row.figure:64} {row.target:13} {mark if row.target else ''}")
    return 0 if all(row.met for row in table) else 1


if __name__ == "__main__":
    sys.exit(main())

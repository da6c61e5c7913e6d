"""A campaign over many repositories: how long its plan takes, and what memory the workers need.

    ./dev bench fleet --repositories 1000
    ./dev bench fleet --repositories 200 --open --kill

It starts PostgreSQL, Valkey, the embedded forge and a Celery worker of two processes, makes the
repositories, and exits with 1 if a target is missed. `--open` opens the merge requests too,
`--kill` kills the worker and the forge with -9 while it does.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
FILES = 40
TARGET = 60.0  # seconds for the plan of 1,000
GROWTH = 1.25  # of the workers' memory from the first quarter to the end
GROUPS = 20


# -- repositories -------------------------------------------------------------------------------
def files(version: int) -> dict[str, str]:
    """A golden path of forty files, five of them with the service's name in them."""
    body = "def handler(event):\n    return {'status': 200, 'body': event}\n\n\n"
    found = {
        f"skeleton/src/part{n % 6}/module_{n}.py": f"# file {n}\n" + body * (5 + n % 20)
        for n in range(FILES - 6)
    }
    found |= {
        f"skeleton/{name}": f"# ${{{{ values.name }}}}\nOne.\nTwo, version {version}.\nThree.\nFour.\n"
        for name in ("README.md", "Makefile", "deploy.yaml", "docs/index.md", "ci.yml")
    }
    found["skeleton/src/part0/module_0.py"] += f"VERSION = {version}\n"
    return found


def block(version: int) -> Any:
    """A release of the golden path."""
    from django.utils import timezone

    from scaffolder import reports
    from scaffolder.models import Release, store_tree
    from scaffolder.weave.tree import File, digest

    names = {"name": "${{ parameters.name }}"}
    descriptor = {
        "apiVersion": "scaffolder.backstage.io/v1beta3", "kind": "Template",
        "metadata": {"name": "service", "annotations": {"bespoke/version": f"1.{version}.0"}},
        "spec": {
            "owner": "group:default/platform", "type": "service",
            "parameters": [{
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "tier": {"type": "string", "default": "2"}},
            }],
            "steps": [{"id": "fetch", "name": "Render", "action": "fetch:template",
                       "input": {"url": "./skeleton", "values": names}}],
        },
    }  # fmt: skip
    tree = {path: File(text.encode()) for path, text in files(version).items()}
    return Release.objects.create(
        block_ref="template:default/service", kind="template", version=f"1.{version}.0",
        commit=f"{version}" * 40, seen_commit=f"{version}" * 40, digest=digest(tree),
        repository="bench/blocks", path="block.yaml", descriptor=descriptor,
        tree=store_tree(tree), current_since=timezone.now(),
        problems=reports.problems("template", descriptor, tree),
    )  # fmt: skip


def edits(number: int, made: dict[str, bytes]) -> dict[str, bytes]:
    """What the team of a repository did: most added files of their own, some changed what was
    made, a few where the new release changes it too."""
    own = {f"app/own_{n}.py": f"# {number} {n}\n".encode() for n in range(number % 30)}
    if number % 5 == 0:
        own["README.md"] = made["README.md"] + b"\nOur own section.\n"
    if number % 20 == 0:
        own["ci.yml"] = made["ci.yml"].replace(b"Two, version 0.", b"Two, ours.")
    return own


def seed(count: int, old: Any, platform: Any) -> None:
    """The repositories in the forge and their lineage in the portal."""
    from catalog.forges import connect
    from forge import Change
    from scaffolder import sandbox
    from scaffolder.models import Lineage, store_tree
    from scaffolder.services.compositions import Composer
    from scaffolder.services.lineage import LINEAGE_PATH, answers_of, lineage_file

    forge, composer = connect(), Composer()
    for group in range(min(GROUPS, count)):
        forge.ensure_group(f"g{group}")
    with sandbox.together():
        for number in range(count):
            path = f"g{number % GROUPS}/service-{number}"
            answers = answers_of({"name": f"service-{number}"}, frozenset({"name"}))
            made = composer.compose([old], answers, platform)
            contents = {name: file.content for name, file in made.tree.items()}
            contents |= edits(number, contents)
            contents[LINEAGE_PATH] = lineage_file([old], made.answers, made.tree).content
            forge.create_project(path, default_branch="main")
            changes = [Change("create", name, content) for name, content in contents.items()]
            forge.commit(path, branch="main", message="Begin", changes=changes)
            Lineage.objects.create(
                repository=path, release=old, answers=made.answers, base=store_tree(made.tree)
            )


# -- workers ------------------------------------------------------------------------------------
@contextmanager
def worker() -> Iterator[Callable[[], psutil.Process]]:
    """A Celery worker of two processes, with its clock. Calling what it gives starts another."""
    running: list[subprocess.Popen[bytes]] = []
    folder = Path(os.environ["BESPOKE_DATA"])
    folder.mkdir(parents=True, exist_ok=True)

    def start() -> psutil.Process:
        command = [sys.executable, "-m", "celery", "-A", "portal", "--quiet", "worker", "-B",
                   "--concurrency", "2", "--loglevel", "WARNING", "--without-gossip",
                   "--without-mingle", "-s", str(folder / f"beat-{len(running)}")]  # fmt: skip
        running.append(subprocess.Popen(command, cwd=ROOT, start_new_session=True))
        return psutil.Process(running[-1].pid)

    try:
        yield start
    finally:
        for process in running:
            if process.poll() is None:
                process.terminate()
                process.wait(60)


def memory(process: psutil.Process) -> float:
    """Megabytes of the worker's processes together, shared pages counted once for each."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1_000_000


def until(
    done: Callable[[], int], wanted: int, process: psutil.Process, seconds: float
) -> tuple[float, list[float]]:
    """Seconds until so many are done, and the memory on the way, one sample a quarter second."""
    started, samples = time.perf_counter(), []
    while done() < wanted:
        if time.perf_counter() - started > seconds:
            raise TimeoutError(f"{done()} of {wanted} after {seconds:g} s")
        samples.append(memory(process))
        time.sleep(0.25)
    return time.perf_counter() - started, samples


def flat(samples: list[float]) -> tuple[float, float]:
    """The most memory in the second quarter, when all are warm, and at the end."""
    quarter = max(len(samples) // 4, 1)
    return max(samples[quarter : 2 * quarter] or samples), max(samples[-quarter:])


# -- the runs -----------------------------------------------------------------------------------
def plan(count: int, start: Callable[[], psutil.Process]) -> tuple[Any, psutil.Process, bool]:
    from accounts.models import Membership, User
    from fleet import services

    platform = User.objects.create_user("bench", entity_ref="user:default/bench")
    Membership.objects.create(
        user_ref=platform.entity_ref, group_ref="group:default/platform", direct=True
    )
    old, new = block(0), block(1)
    began = time.perf_counter()
    seed(count, old, platform)
    print(f"{count:,} repositories of {FILES} files made in {time.perf_counter() - began:.0f} s")
    process = start()
    time.sleep(5)  # until the worker listens, which is no part of the plan
    campaign = services.create_campaign(
        release=new, kind="upgrade_block", title="Service 1.1", by=platform,
        roll=services.Roll(waves_text="rest", per_hour=0, per_group=0),
    )  # fmt: skip
    planned = campaign.targets.exclude(state="unplanned")
    seconds, samples = until(planned.count, count, process, 60 + count)
    limit, (early, late) = TARGET * max(count, 100) / 1000, flat(samples)
    good = seconds <= limit and late <= early * GROWTH
    print(f"planned in {seconds:.1f} s ({seconds / count * 1000:.0f} ms each; ≤ {limit:g} s)")
    print(f"workers' memory: {early:.0f} MB early, {late:.0f} MB late (≤ × {GROWTH})")
    print(f"found: {campaign.targets.counts()}, {len(campaign.targets.shapes())} shapes")
    campaign.refresh_from_db()
    return campaign, process, good and campaign.status == "ready"


def go_out(campaign: Any, process: psutil.Process, start: Callable[[], Any], kill: bool) -> bool:
    """Opens all merge requests and counts them in the forge."""
    from catalog.forges import connect
    from fleet import services

    wanted = campaign.targets.exclude(state="no_op").count()
    opened = campaign.targets.open()
    services.start_campaign(campaign=campaign, by=campaign.created_by)
    if kill:
        until(opened.count, max(wanted // 4, 1), process, 60 + wanted * 2)
        os.killpg(process.pid, signal.SIGKILL)
        restart_forge()
        process = start()
        print(f"worker and forge killed with -9 at {opened.count()} of {wanted}")
    seconds, samples = until(opened.count, wanted, process, 300 + wanted * 2)
    early, late = flat(samples)
    groups = sorted({target.repository.partition("/")[0] for target in opened})
    listed = [
        (project, request.state)
        for group in groups
        for project, request in connect().group_merge_requests(group, labels=campaign.label)
    ]
    once = len(listed) == len({project for project, _ in listed}) == wanted
    print(f"opened {wanted} in {seconds:.0f} s; in the forge: {len(listed)}, one each: {once}")
    print(f"workers' memory: {early:.0f} MB early, {late:.0f} MB late (≤ × {GROWTH})")
    return once and late <= early * GROWTH


def restart_forge() -> None:
    from tests.parts import wait_for

    url = os.environ["GITLAB_URL"]
    children = psutil.Process().children(recursive=True)
    forge = next(p for p in children if "localforge" in p.cmdline())
    command = forge.cmdline()
    forge.kill()
    forge.wait(10)
    subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    wait_for(f"{url}/-/readiness", seconds=60)


def main() -> int:
    parser = argparse.ArgumentParser("bench fleet", description=__doc__)
    parser.add_argument("--repositories", type=int, default=1000)
    parser.add_argument("--open", action="store_true", help="open the merge requests too")
    parser.add_argument("--kill", action="store_true", help="kill worker and forge meanwhile")
    wanted = parser.parse_args()
    import tests.parts  # noqa: F401  (starts them)

    os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    with worker() as start:
        campaign, process, good = plan(wanted.repositories, start)
        if wanted.open:
            good = go_out(campaign, process, start, wanted.kill) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

"""The catalogue under load: ingest, then the REST API as an ordinary user's token sees it.

    ./dev bench catalog --size 10000 --json small.json
    ./dev bench catalog --size 100000 --against small.json

It prints each figure with its target and exits with 1 if one is missed. Everything runs on a PostgreSQL of its own in a temporary folder; the server is started as
`./dev up` starts it. Load comes from wrk where there is one, else from a small client here.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
ENTITY = "/api/catalog/entities/by-name/component/default/{component}"
QUERY = "/api/catalog/entities/by-query?limit=20"
FIELDS = "fullTextFilterFields=metadata.name,metadata.title,metadata.description"
QUERIES = {
    "owner_page": QUERY
    + "&filter=kind=component,relations.ownedBy={owner}&orderField=metadata.name,asc",
    "kind_page": QUERY + "&filter=kind=component&orderField=metadata.name,asc",
    "fulltext": QUERY
    + "&filter=kind=component&orderField=metadata.name,asc&fullTextFilterTerm={term}&"
    + FIELDS,
    "facets5": "/api/catalog/entity-facets?facet=kind&facet=spec.type&facet=spec.lifecycle"
    "&facet=spec.owner&facet=metadata.tags",
    "by_name": ENTITY,
    "ancestry": ENTITY + "/ancestry",
    "relation_page": QUERY + "&filter=relations.partOf=system:default/{system}",
    "search": "/api/search/query?term={term}",
}
# p50 and p95 at 1 connection; p50, p95 and requests/s at 16: the incumbent's, on 2 cores.
INCUMBENT = {
    "owner_page": (6.6, 10.9, 76, 103, 207), "kind_page": (25.6, 28.6, 210, 263, 73),
    "fulltext": (51.5, 59.8, 633, 841, 23), "facets5": (17.5, 19.8, 120, 167, 127),
    "by_name": (2.0, 4.5, 21, 37, 701), "ancestry": (4.5, 7.8, 51, 70, 304),
    "relation_page": (5.2, 7.6, 47, 69, 333), "search": (10.6, 13.8, 105, 140, 148),
}  # fmt: skip
INGEST = {"from nothing": 8.0, "nothing changed": 2.0}  # seconds for 10,000
RATIO = {"by_name": 1.5, "ancestry": 1.5}  # of the incumbent's rate and 1/p95; 3 for the others
PAGE_P95, GROWTH = 60.0, 1.5
PAGES = {
    "list": "/catalog/", "list, filtered": "/catalog/?kind=component&type=service",
    "list, searched": "/catalog/?q={term}", "entity": "/catalog/component/default/{component}/",
    "search": "/search/?q={term}",
}  # fmt: skip
LUA = """done = function(s, l, r)
  local bad = s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout
  io.write(string.format("RESULT %.3f %.3f %.1f %d\\n", l:percentile(50) / 1000,
    l:percentile(95) / 1000, s.requests / (s.duration / 1e6), bad))
end
"""


# -- the catalogue ------------------------------------------------------------------------------
WORDS = [
    "account",
    "ledger",
    "invoice",
    "payment",
    "checkout",
    "cart",
    "search",
    "index",
    "session",
    "audit",
    "report",
    "queue",
]
TAGS = [
    "java",
    "go",
    "python",
    "node",
    "rust",
    "grpc",
    "rest",
    "kafka",
    "postgres",
    "redis",
    "pci",
    "internal",
    "public",
    "web",
    "data",
]


def generate(size: int) -> tuple[dict[str, str], dict[str, str]]:
    """Descriptor files by path, and names to ask for. The same for the same size."""
    rng = random.Random(1)
    groups = [f"team-{i}" for i in range(max(8, size // 100))]
    systems = [f"{rng.choice(WORDS)}-sys-{i}" for i in range(max(4, size // 25))]
    apis = [f"{rng.choice(WORDS)}-api-{i}" for i in range(size // 10)]
    rest = size - len(groups) - len(systems) - len(apis) - size // 25
    names = [f"{rng.choice(WORDS)}-{rng.choice(WORDS)}-{i}" for i in range(rest)]
    sentence = lambda: " ".join(rng.choice(WORDS) for _ in range(10))  # noqa: E731

    def document(kind: str, name: str, spec: dict[str, Any], tags: int = 3) -> str:
        about = {"name": name, "title": name.replace("-", " ").title(), "description": sentence(),
                 "tags": sorted(rng.sample(TAGS, tags)),
                 "annotations": {"example.com/slug": f"org/{name}"}}  # fmt: skip
        return json.dumps({"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": about,
                           "spec": spec}, indent=1)  # fmt: skip

    def owned(**spec: Any) -> dict[str, Any]:
        return {"owner": f"group:default/{rng.choice(groups)}", **spec}

    documents = [document("Group", g, {"type": "team", "children": []}) for g in groups]
    documents += [
        document("User", f"user-{i}", {"memberOf": [rng.choice(groups)]}) for i in range(size // 25)
    ]
    documents += [document("System", s, owned()) for s in systems]
    life = ["production"] * 7 + ["experimental"] * 2 + ["deprecated"]
    documents += [
        document("API", a, owned(type="openapi", lifecycle=rng.choice(life), definition="openapi: 3.0.0",
                                 system=rng.choice(systems))) for a in apis
    ]  # fmt: skip
    documents += [
        document("Component", c, owned(
            type=rng.choice(["service", "service", "library", "website"]), lifecycle=rng.choice(life),
            system=rng.choice(systems), dependsOn=[f"component:{rng.choice(names)}"],
            providesApis=[rng.choice(apis)], consumesApis=[rng.choice(apis)])) for c in names
    ]  # fmt: skip
    step = in_a_file(size)
    files = {
        f"part-{i // step:04d}.yaml": "\n---\n".join(documents[i : i + step]) + "\n"
        for i in range(0, len(documents), step)
    }
    targets = "".join(f"    - ./{name}\n" for name in files)
    files["all.yaml"] = (
        "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n  name: all\n"
        f"spec:\n  targets:\n{targets}"
    )
    sample = {"component": names[len(names) // 2], "system": systems[3], "term": "payment",
              "owner": "group:default/team-7"}  # fmt: skip
    return files, sample


def in_a_file(size: int) -> int:
    """Entities a file: 100, and more where that would be more files than one reading follows."""
    return max(100, size // 500)


def from_generator(path: Path, size: int, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The same from a generator script that takes --size and --out."""
    subprocess.run(
        [sys.executable, str(path), "--size", str(size), "--out", str(folder),
         "--per-file", str(in_a_file(size))],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    files = {file.name: file.read_text() for file in sorted(folder.glob("*.yaml"))}
    return files, json.loads((folder / "manifest.json").read_text())["sample"]


class FolderForge:
    """A forge of one project whose files are in memory: the benchmark is not about Git."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = {"catalog-info.yaml": files["all.yaml"], **files}
        del self.files["all.yaml"]
        self.commit = 0

    def project(self, path: str) -> Any:
        from forge import Project

        now = datetime.now(UTC).isoformat()
        return Project.of({
            "id": 1, "path_with_namespace": path, "name": path, "web_url": "", "created_at": now,
            "default_branch": "main", "visibility": "internal", "last_activity_at": now,
        })  # fmt: skip

    def tip(self, project: str, branch: str) -> Any:
        return self.commit_of(project, f"{self.commit:040d}")

    def commit_of(self, project: str, sha: str) -> Any:
        return SimpleNamespace(id=sha, author="Bench", title="Change")

    def last_commit(self, project: str, path: str, ref: str) -> Any:
        return self.commit_of(project, ref)

    def tree(self, project: str, ref: str) -> dict[str, tuple[str, str]]:
        return dict.fromkeys(self.files, ("blob", ""))

    def read_file(self, project: str, path: str, ref: str) -> bytes:
        from forge import ForgeNotFound

        if path not in self.files:
            raise ForgeNotFound(path)
        return self.files[path].encode()


def ingest(files: dict[str, str]) -> Iterator[tuple[str, float]]:
    """From nothing, then a commit without a change, then one entity changed; in seconds."""
    from catalog.services import read_repository, repositories

    forge = FolderForge(files)
    repositories.connect = lambda: forge  # type: ignore[assignment]
    part = sorted(path for path in forge.files if path.startswith("part-"))[-1]
    changes: list[tuple[str, Callable[[], object]]] = [
        ("from nothing", lambda: None),
        ("nothing changed", lambda: None),
        ("one file changed", lambda: forge.files.update({part: _changed(forge.files[part])})),
    ]
    for name, change in changes:
        change()
        forge.commit += 1
        started = time.perf_counter()
        read_repository(path="bench/catalog")
        yield name, time.perf_counter() - started


def _changed(text: str) -> str:
    return text.replace("lifecycle: production", "lifecycle: deprecated").replace(
        '"production"', '"deprecated"'
    )


# -- load ---------------------------------------------------------------------------------------
@dataclass
class Result:
    p50: float
    p95: float
    rate: float
    bad: int


def load(url: str, token: str, connections: int, seconds: float, script: Path) -> Result:
    if shutil.which("wrk"):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "20s"]
        command += ["-s", str(script), "-H", f"Authorization: Bearer {token}", url]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        p50, p95, rate, bad = out.split("RESULT", 1)[1].split()[:4]
        return Result(float(p50), float(p95), float(rate), int(bad))
    return _python_load(url, token, connections, seconds)


def _python_load(url: str, token: str, connections: int, seconds: float) -> Result:
    host, _, path = url.removeprefix("http://").partition("/")
    times: list[float] = []
    bad = [0]
    end = time.perf_counter() + seconds

    def client() -> None:
        connection = http.client.HTTPConnection(host, timeout=20)
        while time.perf_counter() < end:
            started = time.perf_counter()
            connection.request("GET", f"/{path}", headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            answer.read()
            bad[0] += answer.status != 200
            times.append((time.perf_counter() - started) * 1000)

    threads = [threading.Thread(target=client) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    return Result(
        times[len(times) // 2], times[int(len(times) * 0.95)], len(times) / seconds, bad[0]
    )


def get(url: str, token: str) -> tuple[int, bytes]:
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request("GET", f"/{path}", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def serve(port: int, workers: int) -> subprocess.Popen[bytes]:
    """As `./dev up` does it."""
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
        "--port", str(port), "--workers", str(workers), "--blocking-threads", "4",
        "--no-ws", "--log-level", "warning", "portal.wsgi:application",
    ]  # fmt: skip
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def calibrate() -> float:
    """CPU milliseconds of a fixed piece of work: what the machine is worth just now."""
    value = {"names": [f"name-{i}" for i in range(200)], "numbers": list(range(200))}
    started = time.process_time()
    for _ in range(500):
        json.loads(json.dumps(value, sort_keys=True))
    sum(i * i % 7 for i in range(500_000))
    return (time.process_time() - started) * 1000


def background(folder: Path) -> dict[str, subprocess.Popen[bytes]]:
    """The queue, the worker and the scheduler, as `./dev up` starts them; ready when returned."""
    import psutil

    from portal import embedded

    queue, url = embedded.valkey(folder / "valkey")
    celery = [sys.executable, "-m", "celery", "-A", "portal", "--quiet"]
    worker = ["worker", "--concurrency", "2", "--without-gossip", "--without-mingle"]
    beat = ["beat", "--pidfile", "", "--schedule", str(folder / "beat")]
    commands = {"queue": queue, "worker": [*celery, *worker], "scheduler": [*celery, *beat]}
    started = {
        name: subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"CELERY_BROKER_URL": url},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for name, command in commands.items()
    }  # fmt: skip
    deadline = time.monotonic() + 120
    while len(psutil.Process(started["worker"].pid).children()) < 2:
        if time.monotonic() > deadline:
            raise TimeoutError("the worker did not start its processes")
        time.sleep(0.2)
    time.sleep(15)  # its first periodic tasks
    return started


def _memory_of_all(folder: Path, web: int) -> dict[str, tuple[float, float]]:
    """Of every part of the portal, and of PostgreSQL, in MiB."""
    postgres = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
    others = background(folder)
    try:
        pids = {"web": web, **{name: p.pid for name, p in others.items()}, "PostgreSQL": postgres}
        found = {name: memory(pid) for name, pid in pids.items()}
    finally:
        for process in reversed(others.values()):
            stop(process)
    for name, (rss, pss) in found.items():
        print(f"memory, {name}: {rss:.0f} MiB resident, {pss:.0f} with shared pages divided")
    portal = [sum(found[name][i] for name in ("web", "worker", "scheduler")) for i in (0, 1)]
    print(f"memory, portal together: {portal[0]:.0f} MiB resident, {portal[1]:.0f} divided")
    return found


def memory(pid: int) -> tuple[float, float]:
    """Memory of a process and its children in MiB: resident, and with shared pages divided."""
    import psutil

    infos = []
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # PostgreSQL's helpers come and go
            infos.append(process.memory_full_info())
    return sum(info.rss for info in infos) / 2**20, sum(info.pss for info in infos) / 2**20


def times_of(urls: list[str], headers: dict[str, str]) -> tuple[float, float]:
    """p50 and p95 in ms of one request after the other, on one connection."""
    host, _, _ = urls[0].removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    times: list[float] = []
    for url in urls:
        started = time.perf_counter()
        connection.request("GET", url.removeprefix(f"http://{host}"), headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (url, answer.status)
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.95)]


missed: list[str] = []


def judge(name: str, value: float, most: float) -> str:
    """Notes a figure that is larger than it should be."""
    if value <= most:
        return "ok"
    missed.append(f"{name}: {value:.1f} instead of at most {most:.1f}")
    return "MISSED"


# -- all of it ----------------------------------------------------------------------------------
def main() -> None:
    arguments = argparse.ArgumentParser(prog="./dev bench catalog", description=__doc__)
    arguments.add_argument("--size", type=int, default=10_000)
    arguments.add_argument("--generator", type=Path, help="a script that takes --size and --out")
    arguments.add_argument("--seconds", type=float, default=5)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--only", default="", help="names of queries, separated by commas")
    arguments.add_argument("--json", type=Path, help="also write the results here")
    arguments.add_argument("--against", type=Path, help="results of 10,000 to compare with")
    options = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bespoke-bench-"))
    try:
        _run(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if missed:
        sys.exit("missed:\n  " + "\n  ".join(missed))
    print("every target is met")


def _run(options: argparse.Namespace, folder: Path) -> None:
    from portal import embedded

    port = embedded.free_port()
    server, os.environ["DATABASE_URL"] = embedded.start_postgres(folder / "postgres")
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "portal.settings", "BESPOKE_DATA": str(folder / "data"),
        "SECRET_KEY": "bench" * 12, "WEBHOOK_SECRET": "whsec_eA==", "DEBUG": "false",
        "GITLAB_URL": "http://127.0.0.1:1", "GITLAB_TOKEN": "x",
        "BESPOKE_URL": f"http://127.0.0.1:{port}", "ALLOWED_HOSTS": "127.0.0.1",
        "CELERY_BROKER_URL": "memory://", "LOG_FORMAT": "json", "LOG_LEVEL": "WARNING",
        "TRUSTED_REPOSITORIES": "bench/*",
    }  # fmt: skip
    try:
        _measure(options, folder, port)
    finally:
        server.cleanup()


def _measure(options: argparse.Namespace, folder: Path, port: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from accounts import services as accounts
    from catalog.models import Entity
    from portal.management.commands.prepare import collect_static_files

    call_command("migrate", interactive=False, verbosity=0)
    made = folder / "catalogue"
    files, sample = (
        from_generator(options.generator, options.size, made)
        if options.generator
        else generate(options.size)
    )
    results: dict[str, Any] = {"size": options.size, "load": os.getloadavg()}
    results["calibration_ms"] = [calibrate()]
    print(f"{options.size:,} entities; load of the machine {os.getloadavg()[0]:.1f}; "
          f"a fixed piece of work took {results['calibration_ms'][0]:.0f} ms of CPU time")  # fmt: skip
    cpu = time.process_time()
    for name, seconds in ingest(files):
        results[f"ingest, {name}"] = seconds
        used = results[f"ingest, {name}, CPU of Python"] = time.process_time() - cpu
        verdict = ""
        if name in INGEST:
            most = INGEST[name] * max(1, options.size / 10_000)
            verdict = f" (at most {most:.0f}: {judge(f'ingest, {name}', seconds, most)})"
        print(f"ingest, {name}: {seconds:.2f} s{verdict}, of them {used:.2f} s CPU of Python "
              "(the rest is PostgreSQL and other people's work)", flush=True)  # fmt: skip
        cpu = time.process_time()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT pg_database_size(current_database()) / 1048576")
        print(f"{Entity.objects.count():,} entities stored, database {cursor.fetchone()[0]} MiB")
    user = accounts.create_user(
        username="bench", password="not-used-here", name="Bench", email="bench@example.com",
        entity_ref="user:default/user-1", by=None,
    )  # fmt: skip
    _, token = accounts.create_token(user=user, name="bench", scopes=["read"], days=1, by=None)
    collect_static_files()
    process = serve(port, options.workers)
    try:
        _queries(options, folder, f"http://127.0.0.1:{port}", token, sample, results)
        _pages(user, f"http://127.0.0.1:{port}", sample, results)
        results["memory_mib"] = _memory_of_all(folder, process.pid)
    finally:
        stop(process)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


def _queries(
    options: argparse.Namespace, folder: Path, base: str, token: str, sample: dict[str, str],
    results: dict[str, Any],
) -> None:  # fmt: skip
    script = folder / "report.lua"
    script.write_text(LUA)
    deadline = time.monotonic() + 120
    while True:
        try:
            if get(f"{base}/healthz", token)[0] == 200:
                break
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)
    print(f"{'':14}{'not kept':>18}{'1 connection':>18}{'16 connections':>27}{'incumbent':>18}"
          f"{'ratio':>14}\n{'':14}" + f"{'p50':>9}{'p95':>9}" * 3
          + f"{'per s':>9}{'p95':>9}{'per s':>9}{'rate':>7}{'1/p95':>7}")  # fmt: skip
    idle = load(f"{base}/healthz", token, 16, options.seconds, script)
    results["calibration_ms"].append(calibrate())
    results["healthz"] = vars(idle)
    print(f"{'/healthz':14}{'':36}{idle.p50:9.1f}{idle.p95:9.1f}{idle.rate:9.0f}  "
          f"(to compare minutes with; fixed work {results['calibration_ms'][-1]:.0f} ms)",
          flush=True)  # fmt: skip
    before = json.loads(options.against.read_text()) if options.against else {}
    only = set(filter(None, options.only.split(",")))
    for name, path in QUERIES.items():
        if only and name not in only:
            continue
        url = base + path.format(**{key: quote(value, safe=":/") for key, value in sample.items()})
        status, body = get(url, token)
        assert status == 200, (name, status, body[:500])
        mark = "&" if "?" in url else "?"
        fresh = times_of([f"{url}{mark}_={i}" for i in range(40)],
                         {"Authorization": f"Bearer {token}"})  # fmt: skip
        load(url, token, 4, 2, script)  # warm-up
        one = load(url, token, 1, options.seconds, script)
        many = load(url, token, 16, options.seconds, script)
        _, _, _, p95, rate = INCUMBENT[name]
        results[name] = {"fresh": fresh, "one": vars(one), "many": vars(many), "bytes": len(body)}
        verdicts = _judge_query(options, name, many, fresh, before)
        print(f"{name:14}{fresh[0]:9.1f}{fresh[1]:9.1f}{one.p50:9.1f}{one.p95:9.1f}{many.p50:9.1f}"
              f"{many.p95:9.1f}{many.rate:9.0f}{p95:9.0f}{rate:9.0f}{many.rate / rate:7.1f}"
              f"{p95 / many.p95:7.1f}  {verdicts}", flush=True)  # fmt: skip


def _judge_query(
    options: argparse.Namespace, name: str, many: Result, fresh: tuple[float, float],
    before: dict[str, Any],
) -> str:  # fmt: skip
    """Against the incumbent at 10,000; against ourselves for more."""
    if before:
        return " ".join([
            judge(f"{name}, p95 against the smaller size", many.p95,
                  GROWTH * before[name]["many"]["p95"]),
            judge(f"{name}, p95 of what is not kept, against the smaller size", fresh[1],
                  GROWTH * before[name]["fresh"][1]),
        ])  # fmt: skip
    _, _, _, p95, rate = INCUMBENT[name]
    ratio = RATIO.get(name, 3)
    return " ".join([
        judge(f"{name}, ms for a request at 16 connections", 1000 / many.rate,
              1000 / (rate * ratio)),
        judge(f"{name}, p95", many.p95, p95 / ratio),
        judge(f"{name}, failed", many.bad, 0),
    ])  # fmt: skip


def _pages(user: Any, base: str, sample: dict[str, str], results: dict[str, Any]) -> None:
    """HTML pages as somebody who is signed in gets them, on one connection."""
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    print(f"{'page':18}{'p50':>9}{'p95 ms':>9}")
    for name, path in PAGES.items():
        url = base + path.format(**sample)
        times_of([url] * 5, {"Cookie": cookie})
        p50, p95 = results[f"page, {name}"] = times_of([url] * 60, {"Cookie": cookie})
        print(f"{name:18}{p50:9.1f}{p95:9.1f}  {judge(f'page, {name}', p95, PAGE_P95)}", flush=True)


if __name__ == "__main__":
    main()

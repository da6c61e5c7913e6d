"""Runs python-gitlab's own functional API tests, taken unmodified from its source distribution,
against a running embedded forge, and tells which passed."""

import os
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

VERSION = "8.6.0"
HERE = Path(__file__).parent
RATCHET = HERE / "python_gitlab_passing.txt"
LEFT_OUT = HERE / "python_gitlab_left_out.md"
TOKEN = "glpat-contract-root"


class NotAvailable(Exception):
    """The source distribution could not be had."""


def fetch(folder: Path) -> Path:
    """The unpacked source distribution, in a temporary folder."""
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-binary", ":all:", "--no-deps",
        "--dest", str(folder), f"python-gitlab=={VERSION}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    found = list(folder.glob("python_gitlab-*.tar.gz"))
    if not found:
        raise NotAvailable(f"pip could not download the source distribution: {done.stderr[-300:]}")
    with tarfile.open(found[0]) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"python_gitlab-{VERSION}"


def run(source: Path, folder: Path, port: int, *arguments: str) -> dict[str, str]:
    """The outcome of each test by id: passed, failed or skipped."""
    docker = folder / "bin" / "docker"
    docker.parent.mkdir(exist_ok=True)
    docker.write_text(f"#!/bin/sh\necho {TOKEN}\n")  # the suite asks its container for a token
    docker.chmod(0o755)
    report = folder / "report.xml"
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "PATH": f"{docker.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{source}{os.pathsep}{HERE}",
        "LOCALFORGE_PORT": str(port),
        "TMPDIR": str(scratch),
    }
    environment.pop("PYTEST_ADDOPTS", None)
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "contract_plugin", "-p", "no:django",
        "-p", "no:xdist", "-p", "no:cacheprovider", "-o", "addopts=", f"--junitxml={report}",
        *(arguments or ("tests/functional/api",)),
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    return outcomes(report)


def outcomes(report: Path) -> dict[str, str]:
    """A junit file as outcomes by id."""
    found = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - our own file
        module = case.attrib["classname"].rsplit(".", 1)[-1]
        kinds = {child.tag for child in case}
        bad = kinds & {"failure", "error"}
        outcome = "failed" if bad else "skipped" if "skipped" in kinds else "passed"
        found[f"{module}::{case.attrib['name']}"] = outcome
    return found


def ratchet() -> set[str]:
    """The ids that have to pass."""
    lines = RATCHET.read_text().splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def left_out() -> set[str]:
    """The ids that do not pass, or are skipped by the suite itself, each with a reason there."""
    return set(re.findall(r"^- `([^`]+)`", LEFT_OUT.read_text(), re.MULTILINE))

"""The pages: sign in, read, mend a file, merge; and what they refuse."""

import re

import pytest
import requests

from tests.localforge.conftest import PASSWORD, commit, merge_request, settled

PAGES = ["", "/-/tree/main", "/-/blob/main/README.md", "/-/commits/main", "/-/merge_requests",
         "/-/merge_requests/1", "/-/pipelines", "/-/new/main", "/-/edit/main/README.md",
         "/-/delete/main/README.md"]  # fmt: skip


def token_in(text: str) -> str:
    return re.search(r'name="csrf_token" value="(\w+)"', text)[1]


@pytest.fixture
def browser(server):
    session = requests.Session()
    form = session.get(f"{server.url}/users/sign_in")
    data = {"csrf_token": token_in(form.text), "username": "root", "password": PASSWORD}
    answer = session.post(f"{server.url}/users/sign_in", data=data)
    assert "Sign out" in answer.text
    assert "localforge_session" in session.cookies
    return session


@pytest.fixture
def home(server, project):
    return f"{server.url}/{project.path_with_namespace}"


def send(browser, url, **data):
    form = browser.get(url)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.text))
    return browser.post(url, data={**hidden, "csrf_token": token_in(form.text), **data})


def test_every_page_is_whole_and_strict(browser, project, home):
    merge_request(project)
    for path in PAGES:
        answer = browser.get(home + path)
        assert answer.status_code == 200, path
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=)", answer.text), path
        assert "Embedded forge" in answer.text
        assert 'class="skip"' in answer.text


def test_a_newcomer_mends_a_file(browser, project, home):
    commit(project, "main", {"d/windows.txt": "a\r\nb\r\n"})
    answer = send(
        browser, f"{home}/-/edit/main/d/windows.txt", path="d/windows.txt", content="a\r\nc\r\n",
        message="mended",
    )  # fmt: skip
    assert answer.url == f"{home}/-/blob/main/d/windows.txt"
    assert project.files.get("d/windows.txt", ref="main").decode() == b"a\r\nc\r\n"
    assert project.commits.list(get_all=False)[0].title == "mended"
    send(browser, f"{home}/-/new/main/d", path="d/new.txt", content="x")
    assert project.files.get("d/new.txt", ref="main").decode() == b"x"
    send(browser, f"{home}/-/delete/main/d/new.txt")
    assert "d/new.txt" not in {i["path"] for i in project.repository_tree("d", get_all=True)}


def test_a_bad_path_comes_back_with_the_reason(browser, home):
    answer = send(browser, f"{home}/-/new/main", path="../../x", content="kept")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "kept" in answer.text


def test_the_merge_button(browser, project, home):
    found = settled(project, merge_request(project).iid)
    page = browser.get(f"{home}/-/merge_requests/{found.iid}")
    assert re.search(r'class="added".*?>\+<.*?new', page.text)
    data = {"csrf_token": token_in(page.text), "sha": found.sha}
    answer = browser.post(f"{home}/-/merge_requests/{found.iid}/merge", data=data)
    assert "Merged" in answer.text
    assert project.mergerequests.get(found.iid).state == "merged"


def test_comment_and_close(browser, project, home):
    found = merge_request(project)
    url = f"{home}/-/merge_requests/{found.iid}"
    token = token_in(browser.get(url).text)
    browser.post(f"{url}/notes", data={"csrf_token": token, "body": "<b>hi</b> **you**"})
    text = browser.get(url).text
    assert "&lt;b&gt;hi" in text
    assert "<strong>you</strong>" in text
    browser.post(f"{url}/state", data={"csrf_token": token, "event": "close"})
    assert project.mergerequests.get(found.iid).state == "closed"


def test_forms_from_elsewhere_are_refused(browser, project, home):
    found = settled(project, merge_request(project).iid)
    url = f"{home}/-/merge_requests/{found.iid}/merge"
    assert browser.post(url, data={"csrf_token": "f" * 64}).status_code == 403
    assert browser.post(url).status_code == 403
    assert project.mergerequests.get(found.iid).state == "opened"


def test_strangers_are_asked_to_sign_in_and_come_back(server, home):
    answer = requests.get(home)
    assert "/users/sign_in?next=" in answer.url
    wrong = requests.post(f"{server.url}/users/sign_in", data={"username": "root"})
    assert wrong.status_code == 403
    session = requests.Session()
    url = f"{server.url}/users/sign_in?next=//evil.example/"
    form = session.get(url)
    data = {"csrf_token": token_in(form.text), "username": "root", "password": PASSWORD}
    answer = session.post(url, data=data, allow_redirects=False)
    assert answer.headers["Location"] == f"{server.url}/"


def test_what_is_in_a_file_stays_text(browser, project, home):
    commit(project, "main", {"x.html": "<script>alert(1)</script>", "docs.md": "[a](javascript:x)"})
    assert "<script>alert" not in browser.get(f"{home}/-/blob/main/x.html").text
    raw = browser.get(f"{home}/-/raw/main/x.html")
    assert raw.headers["Content-Type"].startswith("text/plain")
    assert raw.headers["X-Content-Type-Options"] == "nosniff"

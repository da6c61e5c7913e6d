"""Users, groups, projects: who sees what, names and paths, pages of listings."""

import sqlite3

import gitlab
import pytest
import requests

from tests.localforge.conftest import TOKEN, commit, make_person


def test_keyword_arguments_travel_in_the_query(gl, name):
    user = gl.users.create(
        username=name, name="N", email=f"{name}@example.com", password="long enough"
    )
    assert gl.users.get(user.id).username == name


@pytest.mark.parametrize("level", [None, 10])
def test_private_things_are_not_found_for_strangers(server, project, person, level):
    user, client = person
    if level is None:
        with pytest.raises(gitlab.GitlabGetError) as error:
            client.projects.get(project.path_with_namespace)
        assert error.value.response_code == 404
        return
    project.members.create({"user_id": user.id, "access_level": level})
    assert client.projects.get(project.id).id == project.id


def test_internal_for_members_of_the_forge_public_for_all(server, gl, name, person):
    internal = gl.projects.create({"name": f"i-{name}", "visibility": "internal"})
    public = gl.projects.create({"name": f"o-{name}", "visibility": "public"})
    assert person[1].projects.get(internal.id).id == internal.id
    anonymous = gitlab.Gitlab(server.url)
    assert anonymous.projects.get(public.id).id == public.id
    with pytest.raises(gitlab.GitlabGetError):
        anonymous.projects.get(internal.id)


def test_rights_come_down_from_the_groups_above(gl, name, person):
    user, client = person
    top = gl.groups.create({"name": name, "path": name})
    below = gl.groups.create({"name": "b", "path": "below", "parent_id": top.id})
    project = gl.projects.create({"name": "p", "namespace_id": below.id})
    assert client.projects.list(get_all=True) == [] or project not in client.projects.list(
        get_all=True
    )
    member = top.members.create({"user_id": user.id, "access_level": 30})
    assert project in client.projects.list(get_all=True, membership=True)
    commit(client.projects.get(project.id), "topic", {"a": "a"})
    with pytest.raises(gitlab.GitlabUpdateError) as error:
        client.projects.update(project.id, {"description": "x"})
    assert error.value.response_code == 403
    member.delete()
    with pytest.raises(gitlab.GitlabGetError):
        client.projects.get(project.id)


def test_taken_names_and_forbidden_paths(gl, name):
    gl.projects.create({"name": name})
    with pytest.raises(gitlab.GitlabCreateError) as error:
        gl.projects.create({"name": name})
    assert error.value.response_code == 400
    assert "has already been taken" in str(error.value)
    for path in ("a.git", "tree", "-a", "a/b", "..", "a b"):
        with pytest.raises(gitlab.GitlabCreateError) as error:
            gl.projects.create({"name": f"{name}x", "path": path})
        assert error.value.response_code == 400


def test_a_renamed_project_redirects(server, gl, name):
    project = gl.projects.create({"name": name, "initialize_with_readme": True})
    old = project.path_with_namespace
    project.path = f"{name}-new"
    project.save()
    answer = requests.get(
        f"{server.url}/api/v4/projects/{old.replace('/', '%2F')}",
        headers={"PRIVATE-TOKEN": TOKEN}, allow_redirects=False,
    )  # fmt: skip
    assert answer.status_code == 301
    assert gl.projects.get(old).id == project.id


def test_pages_by_offset_carry_all_headers(server, gl, name):
    group = gl.groups.create({"name": name, "path": name})
    for number in range(5):
        gl.projects.create({"name": f"p{number}", "namespace_id": group.id})
    url = f"{server.url}/api/v4/groups/{group.id}/projects?per_page=2&page=2"
    answer = requests.head(url, headers={"PRIVATE-TOKEN": TOKEN})
    wanted = {"X-Total": "5", "X-Total-Pages": "3", "X-Page": "2", "X-Per-Page": "2",
              "X-Next-Page": "3", "X-Prev-Page": "1"}  # fmt: skip
    assert {key: answer.headers[key] for key in wanted} == wanted
    assert set(answer.links) == {"first", "next", "prev", "last"}
    assert len(group.projects.list(get_all=True, per_page=2)) == 5


def test_pages_by_keyset_reach_the_end(gl, name):
    for number in range(3):
        gl.projects.create({"name": f"{name}-{number}"})
    every = gl.projects.list(
        pagination="keyset", order_by="id", sort="asc", per_page=2, get_all=True
    )
    ids = [one.id for one in every]
    assert ids == sorted(ids)
    assert {f"{name}-{n}" for n in range(3)} <= {one.name for one in every}
    with pytest.raises(gitlab.GitlabListError, match="not yet available") as error:
        gl.projects.list(pagination="keyset", order_by="name", get_all=True)
    assert error.value.response_code == 405


def test_a_group_lists_by_numbered_pages_what_it_has_and_what_is_shared_with_it(gl, name):
    group = gl.groups.create({"name": name, "path": name})
    gl.projects.create({"name": "own", "namespace_id": group.id})
    gl.projects.create({"name": name}).share(group.id, 30)
    rows = group.projects.list(
        pagination="keyset", order_by="id", sort="asc", per_page=1, iterator=True
    )
    assert (rows.total, [row.name for row in rows]) == (2, ["own", name])
    assert [row.name for row in group.projects.list(with_shared=False)] == ["own"]


def test_archived_projects_are_read_only(project):
    project.archive()
    with pytest.raises(gitlab.GitlabCreateError) as error:
        commit(project, "main", {"x": "x"})
    assert error.value.response_code == 403
    project.unarchive()
    commit(project, "main", {"x": "x"})


def test_forks_share_history_and_topics_filter(gl, name, project, person):
    project.topics = [name, "python"]
    project.visibility = "internal"
    project.save()
    assert [p.id for p in gl.projects.list(topic=name)] == [project.id]
    client = person[1]
    fork = client.projects.get(project.id).forks.create({})
    forked = client.projects.get(fork.id)
    assert forked.forked_from_project["id"] == project.id
    assert forked.commits.list(get_all=True) == project.commits.list(get_all=True)


def test_deleting_is_accepted_and_final(gl, project):
    answer = gl.http_delete(f"/projects/{project.id}")
    assert answer.status_code == 202
    with pytest.raises(gitlab.GitlabGetError):
        gl.projects.get(project.id)


def test_bots_of_a_project_act_with_their_level(server, project):
    token = project.access_tokens.create({"name": "ci", "scopes": ["api"], "access_level": 30})
    bot = server.client(token.token)
    bot.auth()
    assert bot.user.username.startswith(f"project_{project.id}_bot_")
    commit(bot.projects.get(project.id), "bots", {"b": "b"}, start_branch="main")
    project.access_tokens.delete(token.id)
    with pytest.raises(gitlab.GitlabAuthenticationError):
        bot.auth()


def test_a_moved_group_takes_all_with_it(gl, name):
    one = gl.groups.create({"name": name, "path": name})
    two = gl.groups.create({"name": f"{name}b", "path": f"{name}b"})
    project = gl.projects.create({"name": "p", "namespace_id": one.id})
    one.transfer(two.id)
    assert gl.projects.get(project.id).path_with_namespace == f"{name}b/{name}/p"
    assert gl.projects.get(f"{name}/p").id == project.id


def test_scopes_of_a_token_hold(server, gl, name):
    user, _ = make_person(server, gl, f"s-{name}")
    token = user.personal_access_tokens.create({"name": "r", "scopes": ["read_api"]}).token
    reader = server.client(token)
    reader.projects.list(get_all=False)
    with pytest.raises(gitlab.GitlabCreateError) as error:
        reader.projects.create({"name": name})
    assert error.value.response_code == 403


@pytest.mark.parametrize(
    ("scope", "readable", "refused"),
    [
        ("read_user", "/user", "/projects"),
        ("read_repository", "/projects/{id}/repository/files/README.md", "/projects/{id}"),
        ("write_repository", "/personal_access_tokens/self", "/user"),
    ],
)
def test_narrow_scopes_read_what_they_are_named_for(
    server, gl, project, person, scope, readable, refused
):
    user, _ = person
    project.members.create({"user_id": user.id, "access_level": 40})
    token = user.personal_access_tokens.create({"name": "n", "scopes": [scope]}).token
    reader = server.client(token)
    assert reader.http_get(readable.format(id=project.id), query_data={"ref": "main"})
    for call, path in (reader.http_get, refused), (reader.http_delete, "/projects/{id}"):
        with pytest.raises(gitlab.GitlabHttpError) as error:
            call(path.format(id=project.id))
        assert error.value.response_code == 403


@pytest.mark.parametrize(
    "path", ["/projects/{n}", "/users/{n}", "/projects?pagination=keyset&order_by=id&id_after={n}"]
)
def test_a_number_larger_than_any_id_is_not_found(gl, path):
    with pytest.raises(gitlab.GitlabHttpError) as error:
        gl.http_get(path.format(n=10**30))
    assert error.value.response_code == 404


def test_above_ten_thousand_nobody_is_told_the_total(server, gl, name):
    with sqlite3.connect(server.data / "forge.sqlite3", timeout=20) as database:
        database.executemany(
            "INSERT INTO users (username, name, email, created_at)"
            " VALUES (?1, 'N', ?1, '2026-01-01T00:00:00.000Z')",
            [(f"{name}-{number}",) for number in range(10_000)],
        )
    try:
        url, token = f"{server.url}/api/v4/users?per_page=100", {"PRIVATE-TOKEN": TOKEN}
        counted = requests.head(f"{url}&search={name}&page=100", headers=token).headers
        assert (counted["X-Total"], counted["X-Next-Page"]) == ("10000", "")
        headers = requests.head(url, headers=token).headers
        assert headers["X-Next-Page"] == "2"
        assert not {"X-Total", "X-Total-Pages"} & headers.keys()
        assert 'rel="last"' not in headers["Link"]
        assert (
            len(gl.users.list(per_page=100, get_all=True, order_by="id", pagination="keyset"))
            > 10_000
        )
    finally:
        with sqlite3.connect(server.data / "forge.sqlite3", timeout=20) as database:
            database.execute("DELETE FROM users WHERE username LIKE ? || '%'", (name,))


def test_rate_limits_are_told_and_held(start, gl):
    client = start().client()
    settings = client.settings.get()
    settings.throttle_authenticated_api_enabled = True
    settings.throttle_authenticated_api_requests_per_period = 3
    settings.throttle_authenticated_api_period_in_seconds = 3600
    settings.save()
    seen = []
    with pytest.raises(gitlab.GitlabHttpError) as error:
        for _ in range(5):
            answer = client.http_request("get", "/version", obey_rate_limit=False)
            seen.append(int(answer.headers["RateLimit-Remaining"]))
    assert error.value.response_code == 429
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 0

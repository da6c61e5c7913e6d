"""Merge requests from the first push to the merge, and what stands between."""

import gitlab
import pytest

from tests.localforge.conftest import commit, merge_request, settled


def test_checks_run_in_the_background(project):
    opened = merge_request(project)
    assert opened.detailed_merge_status in ("preparing", "checking")
    found = settled(project, opened.iid)
    assert found.detailed_merge_status == "mergeable"
    assert found.prepared_at is not None
    assert found.changes()["changes"][0]["diff"] == "@@ -0,0 +1 @@\n+new\n"


def test_a_second_one_for_the_same_branch_is_a_conflict(project):
    first = merge_request(project)
    with pytest.raises(gitlab.GitlabCreateError) as error:
        project.mergerequests.create(
            {"source_branch": "feature", "target_branch": "main", "title": "again"}
        )
    assert error.value.response_code == 409
    text = f"Another open merge request already exists for this source branch: !{first.iid}"
    assert text in str(error.value)


def test_merge_guards_its_sha_and_happens_once(project):
    found = settled(project, merge_request(project, remove_source_branch=True).iid)
    with pytest.raises(gitlab.GitlabMRClosedError) as error:
        found.merge(sha="0" * 40)
    assert error.value.response_code == 409
    found.merge(sha=found.sha)
    merged = project.mergerequests.get(found.iid)
    assert merged.state == "merged"
    assert project.files.get("feature.txt", ref="main").decode() == b"new\n"
    assert len(project.commits.get(merged.merge_commit_sha).parent_ids) == 2
    with pytest.raises(gitlab.GitlabGetError):
        project.branches.get("feature")
    with pytest.raises(gitlab.GitlabMRClosedError) as error:
        found.merge()
    assert error.value.response_code == 405


def test_conflicts_are_seen_and_refused(project):
    opened = merge_request(project)
    commit(project, "main", {"feature.txt": "other\n"})
    found = settled(project, opened.iid)
    assert (found.detailed_merge_status, found.has_conflicts) == ("conflict", True)
    with pytest.raises(gitlab.GitlabMRClosedError) as error:
        found.merge()
    assert error.value.response_code == 422


def test_squash_makes_one_commit(project):
    opened = merge_request(project)
    commit(project, "feature", {"second": "2"})
    found = settled(project, opened.iid)
    found.merge(squash=True, squash_commit_message="all of it")
    merged = project.mergerequests.get(found.iid)
    assert project.commits.get(merged.squash_commit_sha).title == "all of it"
    assert len(project.commits.list(ref_name="main", first_parent=True, get_all=True)) == 2


def test_fast_forward_needs_a_rebase(project):
    project.merge_method = "ff"
    project.save()
    opened = merge_request(project)
    commit(project, "main", {"meanwhile": "x"})
    found = settled(project, opened.iid)
    assert found.detailed_merge_status == "need_rebase"
    found.rebase()
    found = settled(project, found.iid)
    assert found.detailed_merge_status == "mergeable"
    found.merge()
    assert project.branches.get("main").commit["id"] == found.sha


def test_drafts_wait(project):
    opened = merge_request(project, title="Draft: not yet")
    found = settled(project, opened.iid)
    assert found.draft
    assert found.detailed_merge_status == "draft_status"
    found.title = "now"
    found.save()
    assert project.mergerequests.get(found.iid).detailed_merge_status == "mergeable"


def test_labels_lead_to_merge_requests_of_a_group(gl, name):
    group = gl.groups.create({"name": name, "path": name})
    below = gl.groups.create({"name": "b", "path": "b", "parent_id": group.id})
    for number in range(3):
        data = {"name": f"p{number}", "namespace_id": below.id, "initialize_with_readme": True}
        merge_request(gl.projects.create(data), labels=f"campaign::{number % 2},x")
    assert len(group.mergerequests.list(labels="campaign::0", state="opened", get_all=True)) == 2
    assert len(group.mergerequests.list(labels=["campaign::1", "x"], get_all=True)) == 1
    assert group.mergerequests.list(labels="campaign::2", get_all=True) == []


def test_auto_merge_waits_for_the_pipeline_and_ends_with_a_push(gl, project):
    found = settled(project, merge_request(project).iid)
    state = {"state": "running", "ref": "feature", "name": "build"}
    project.commits.get(found.sha).statuses.create(state)
    found.merge(auto_merge=True)
    assert project.mergerequests.get(found.iid).merge_when_pipeline_succeeds
    sha = commit(project, "feature", {"late": "x"}).id
    assert not project.mergerequests.get(found.iid).merge_when_pipeline_succeeds
    project.commits.get(sha).statuses.create(state)
    settled(project, found.iid).merge(auto_merge=True)
    project.commits.get(sha).statuses.create({**state, "state": "success"})
    assert project.mergerequests.get(found.iid).state == "merged"


def test_approvals_and_discussions_can_be_asked_for(project, person):
    project.only_allow_merge_if_all_discussions_are_resolved = True
    project.approvals_before_merge = 1
    project.save()
    found = settled(project, merge_request(project).iid)
    discussion = found.discussions.create({"body": "why?"})
    assert project.mergerequests.get(found.iid).detailed_merge_status == "discussions_not_resolved"
    discussion.resolved = True
    discussion.save()
    assert project.mergerequests.get(found.iid).detailed_merge_status == "not_approved"
    user, client = person
    project.members.create({"user_id": user.id, "access_level": 30})
    client.projects.get(project.id).mergerequests.get(found.iid).approve()
    assert project.mergerequests.get(found.iid).detailed_merge_status == "mergeable"


def test_merging_into_a_protected_branch_needs_the_right(project, person):
    user, client = person
    project.members.create({"user_id": user.id, "access_level": 30})
    theirs = client.projects.get(project.id)
    found = settled(project, merge_request(theirs).iid)
    with pytest.raises(gitlab.GitlabAuthenticationError):
        theirs.mergerequests.get(found.iid).merge()
    with pytest.raises(gitlab.GitlabCreateError) as error:
        commit(theirs, "main", {"x": "x"})
    assert error.value.response_code == 403


def test_from_a_fork(gl, project, person):
    project.visibility = "internal"
    project.save()
    client = person[1]
    fork = client.projects.get(client.projects.get(project.id).forks.create({}).id)
    commit(fork, "idea", {"idea": "i"}, start_branch="main")
    data = {"source_branch": "idea", "target_branch": "main", "title": "t"}
    opened = fork.mergerequests.create({**data, "target_project_id": project.id})
    assert opened.project_id == project.id
    settled(project, opened.iid).merge()
    assert project.files.get("idea", ref="main").decode() == b"i"

"""What steps can say: each, always() and failure(), output links with conditions; and that a worker
that dies in the middle of an `each` is followed by one that doubles nothing."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from scaffolder import services
from scaffolder.actions import ActionFailed, actions
from scaffolder.models import Run, RunStep
from scaffolder.services.preview import preview
from tests.scaffolder.conftest import FETCH, PAGE

pytestmark = pytest.mark.django_db


def log(message: object, **more: object) -> dict[str, object]:
    return {"id": "log", "name": "Say", "action": "debug:log", "input": {"message": message}} | more


def lines(run: Run) -> list[str]:
    return list(run.log.values_list("text", flat=True))


@pytest.fixture
def counting(monkeypatch):
    """debug:log that counts, puts its message out, and fails once on `stop`."""
    said: list[str] = []

    def act(context, given):
        if given["message"] == "stop" and "stop" not in said:
            said.append("stop")
            raise ActionFailed("stopped once")
        said.append(given["message"])
        return {"text": given["message"]}

    real = actions()["debug:log"]
    monkeypatch.setitem(actions(), "debug:log", dataclasses.replace(real, run=act))
    return said


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        (["a", "b"], ["0=a", "1=b"]),
        ({"x": "a", "y": "b"}, ["x=a", "y=b"]),
        ("${{ [parameters.tier, 'z'] }}", ["0=two", "1=z"]),
        ([], []),
    ],
)
def test_each_does_the_step_for_every_item(release, run, each, expected, counting):
    done = run(release([log("${{ each.key }}=${{ each.value }}", each=each)]))
    assert (done.status, done.error) == (Run.Status.COMPLETED, "")
    assert counting == expected
    assert done.steps.get(step_id="log").output == ({"text": expected} if expected else {})


def test_each_over_a_text_is_an_error_with_file_and_line(release, run):
    done = run(release([log("x", each="${{ parameters.name }}")]))
    assert done.status == Run.Status.FAILED
    assert "block.yaml, line " in done.error
    assert "a list or an object is needed here, and this is 'svc'" in done.error


def test_an_each_goes_on_at_the_item_that_failed(release, run, counting):
    done = run(release([log("${{ each.value }}", each=["a", "stop", "b"])]))
    assert done.status == Run.Status.FAILED
    services.retry_run(run=done, by=done.user)
    services.execute_run(pk=done.pk)
    done.refresh_from_db()
    assert done.status == Run.Status.COMPLETED
    assert counting == ["a", "stop", "stop", "b"]
    assert done.steps.get(step_id="log").output == {"text": ["a", "stop", "b"]}


def test_a_worker_that_dies_in_an_each_is_followed_at_the_next_item(
    release, person, monkeypatch, counting
):
    made = release([log("${{ each.value }}", each=["a", "b", "c"])])
    user = person()
    started = services.start_run(release=made, answers={"name": "a", "owner": "x"}, by=user)
    real = actions()["debug:log"]

    def dying(context, given):
        if given["message"] == "b":
            raise KeyboardInterrupt
        return real.run(context, given)

    with monkeypatch.context() as patch:
        patch.setitem(actions(), "debug:log", dataclasses.replace(real, run=dying))
        with pytest.raises(KeyboardInterrupt):
            services.execute_run(pk=started.pk)
    Run.objects.update(lease=uuid.uuid4(), heartbeat_at=timezone.now() - timedelta(minutes=1))
    services.execute_run(pk=started.pk)
    assert Run.objects.get().status == Run.Status.COMPLETED
    assert counting == ["a", "b", "c"]


def test_after_a_failure_only_steps_that_ask_for_it_are_done(release, run):
    broken = FETCH | {"input": {"url": "./missing"}}
    done = run(
        release(
            [
                broken,
                log("never", id="plain"),
                log("cleaned up", id="always", **{"if": "${{ always() }}"}),
                log("mourned", id="failure", **{"if": "${{ failure() }}"}),
            ],
            weave=False,
        )
    )
    assert done.status == Run.Status.FAILED
    assert "“Render” failed" in done.error
    assert [step.status for step in done.steps.all()] == [
        "failed", "pending", "completed", "completed",
    ]  # fmt: skip
    assert "cleaned up" in lines(done)
    assert "mourned" in lines(done)


def test_without_a_failure_always_is_done_and_failure_is_skipped(release, run):
    done = run(
        release(
            [
                log("a", id="always", **{"if": "${{ always() and parameters.name }}"}),
                log("f", id="failure", **{"if": "${{ failure() }}"}),
            ],
            weave=False,
        )
    )
    assert [step.status for step in done.steps.all()] == ["completed", "skipped"]


def test_a_retry_asks_the_steps_after_the_failure_again(release, run, counting):
    steps = [log("stop"), log("sad", id="sad", **{"if": "${{ failure() }}"})]
    done = run(release(steps, weave=False))
    services.retry_run(run=done, by=done.user)
    services.execute_run(pk=done.pk)
    assert [step.status for step in done.steps.all()] == ["completed", "skipped"]
    assert counting == ["stop", "sad", "stop"]


def test_links_and_texts_are_shown_by_their_condition(release, run):
    output = {
        "links": [
            {"title": "Yes", "url": "https://a.example/${{ parameters.name }}"},
            {"title": "No", "url": "https://b.example", "if": "${{ parameters.tier === 'one' }}"},
        ],
        "text": [{"title": "Hi", "content": "x", "if": "${{ parameters.tier === 'two' }}"}],
        "extra": "${{ context.task.id }}",
    }
    done = run(release([log("x")], output=output))
    assert done.output == {
        "links": [{"title": "Yes", "url": "https://a.example/svc"}],
        "text": [{"title": "Hi", "content": "x"}],
        "extra": str(done.pk),
    }


def test_the_persons_entity_can_be_read(release, run, person, ingest):
    user = person()
    name = user.entity_ref.rpartition("/")[2]
    ingest(
        "apiVersion: backstage.io/v1alpha1\nkind: User\n"
        f"metadata: {{name: {name}}}\nspec: {{profile: {{email: a@b.example}}, memberOf: []}}\n"
    )
    made = release([log("${{ user.entity.spec.profile.email }} ${{ user.ref }}")])
    assert f"a@b.example {user.entity_ref}" in lines(run(made, user))


def test_an_expression_error_names_file_line_and_expression(release, run):
    done = run(release([log("${{ parameters.name | parseEntityRef }}")], weave=False))
    error = done.steps.get().error
    assert error.startswith("block.yaml, line ")
    assert "`${{ parameters.name | parseEntityRef }}`" in error


def test_a_preview_does_each_and_makes_up_what_it_leaves_out(release, person):
    from scaffolder.blocks import golden_path

    steps = [
        {"id": "pub", "name": "Publish", "action": "publish:gitlab",
         "input": {"repoUrl": "forge.example?owner=a&repo=b"}},
        log("${{ each.value }} ${{ steps.pub.output.remoteUrl }}", each=["a", "b"]),
    ]  # fmt: skip
    path = golden_path(release(steps, parameters=[PAGE], weave=False))
    shown = preview(path, {"name": "a", "owner": "x"}, set(), person())
    assert shown.error == ""
    assert shown.skipped == ["Publish"]
    assert shown.log[-2:] == ["a example-remoteUrl", "b example-remoteUrl"]
    assert RunStep.objects.count() == 0

"""Untrusted work is stopped by clock and memory, and its results are not trusted either."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from scaffolder.sandbox import TooBig, TookTooLong, call, together
from scaffolder.weave import File, RenderError, UnsafePath, render_text, render_tree
from scaffolder.weave.tree import check_path


def test_a_call_gives_what_the_function_gives():
    tree = {"${{ values.a }}": File(b"${{ values.a }}", "100755")}
    expected = {"x": File(b"x", "100755")}
    assert call(_render, tree, {"a": "x"}) == expected


def _render(tree, values):
    return render_tree(tree, values=values)


def test_errors_come_back_as_they_are():
    with pytest.raises(RenderError) as caught:
        call(render_text, "\n${{ nope() }}", {}, seconds=5)
    assert (caught.value.line, caught.value.expression) == (2, "${{ nope() }}")
    with pytest.raises(UnsafePath):
        call(check_path, "../x", seconds=5)


def test_the_clock_stops_it():
    started = time.monotonic()
    with pytest.raises(TookTooLong, match=r"^This took longer than 0\.3 s and was stopped\.$"):
        call(time.sleep, 60, seconds=0.3)
    assert time.monotonic() - started < 3


def test_the_clock_stops_a_regular_expression_that_never_ends():
    template = "${{ values.a.replace(r/^(a+)+$/, '') }}"
    with pytest.raises(TookTooLong):
        call(render_text, template, {"values": {"a": "a" * 60 + "!"}}, seconds=0.5)


def test_memory_is_limited():
    with pytest.raises(TooBig, match=r"^This needed more than 100 MB and was stopped\.$"):
        call(bytearray, 10**9, seconds=5, megabytes=100)
    assert len(call(bytearray, 10**7, seconds=5, megabytes=100)) == 10**7


def test_a_child_that_dies_is_an_error_and_not_a_hang():
    with pytest.raises(TooBig):
        call(os._exit, 3, seconds=5)
    assert call(abs, -1, seconds=5) == 1


def test_there_is_no_environment_to_read(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    assert call(_environment, seconds=10) is None


def _environment():
    return os.environ.get("SECRET_KEY")


def test_no_file_can_be_written(tmp_path):
    with pytest.raises(OSError, match="File too large"):
        call(_write, str(tmp_path / "x"), seconds=10)


def _write(path):
    with open(path, "wb") as file:
        return file.write(b"x" * 100_000)


def test_a_result_cannot_name_a_function_to_call():
    with pytest.raises(Exception, match="must not come out of the sandbox"):
        call(_evil, seconds=10)


class Evil:
    def __reduce__(self):
        return (os.system, ("true",))


def _evil():
    return Evil()


def test_many_threads_at_once():
    with ThreadPoolExecutor(8) as pool:
        results = pool.map(
            lambda at: call(render_text, f"${{{{ {at} }}}}", {}, seconds=20), range(40)
        )
        assert list(results) == [str(at) for at in range(40)]


def test_a_forked_worker_has_a_server_of_its_own():
    assert call(abs, -1, seconds=10) == 1
    pid = os.fork()
    if pid == 0:
        answer = call(abs, -2, seconds=10)
        os._exit(0 if answer == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert call(abs, -3, seconds=10) == 3


def test_a_call_is_cheap_once_warm():
    call(abs, -1)
    started = time.monotonic()
    for _ in range(20):
        call(abs, -1)
    assert (time.monotonic() - started) / 20 < 0.1  # measured 7 ms alone on two cores


def test_works_in_a_thread_that_is_not_the_main_one():
    found = []
    thread = threading.Thread(target=lambda: found.append(call(abs, -1, seconds=10)))
    thread.start()
    thread.join(20)
    assert found == [1]


def test_calls_that_belong_together_share_a_child_until_one_is_stopped():
    assert call(os.getpid) != call(os.getpid)
    with together():
        first = call(os.getpid)
        with pytest.raises(UnsafePath):
            call(check_path, "../x")
        assert call(os.getpid) == first
        with pytest.raises(TookTooLong):
            call(time.sleep, 60, seconds=0.2)
        second = call(os.getpid)
        assert second != first
        with pytest.raises(TooBig):
            call(bytearray, 10**9)
    assert call(os.getpid) not in (first, second)

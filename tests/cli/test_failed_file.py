"""``--failed`` and ``--journal``: when they are written, for whom, and over what they never are."""

from __future__ import annotations

import asyncio
import json
import os
import signal

import pytest

from thredfi_async.cli.failed_file import FailedFile
from thredfi_async.push import Outcome, Status

from .support import UNREACHABLE, end, running, thredfi
from .test_push_command import GOOD, SOME_BAD, customer, until

EARLIER = '{"line": 1, "status": "failed", "reason": "of an earlier run", "record": {}}\n'


@pytest.fixture
def failed(tmp_path):
    path = tmp_path / "failed.jsonl"
    path.write_text(EARLIER)
    return path


def lines_of(path) -> list[int]:
    return sorted(json.loads(line)["line"] for line in path.read_text().splitlines())


def names_in(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- refused ---------------------------------------------------------------------------


async def test_a_refused_run_touches_nothing(env, file, tmp_path, failed):
    path, journal = file(GOOD), tmp_path / "run.db"
    assert (await thredfi("push", path, "--journal", journal, env=env)).status == 0
    before = names_in(tmp_path)
    without_key = {name: value for name, value in env.items() if name != "THREDFI_API_KEY"}
    for arguments, known in (
        (("push", path, "--journal", journal), env),
        (("push", path, "--journal", tmp_path / "absent.db", "--resume"), env),
        (("push", path, "--resume"), env),
        (("push", path), without_key),
        (("push", path), {**env, "THREDFI_API_KEY": "wrong"}),
        (("push", tmp_path / "absent"), env),
        (("push", path, "--journal", tmp_path), env),
    ):
        ended = await thredfi(*arguments, "--failed", failed, env=known)
        assert ended.status == 2, (arguments, ended)
        assert failed.read_text() == EARLIER, arguments
    assert names_in(tmp_path) == before


async def test_without_credentials_no_journal_is_begun(env, file, tmp_path):
    journal = tmp_path / "run.db"
    del env["THREDFI_API_KEY"]
    assert (await thredfi("push", file(GOOD), "--journal", journal, env=env)).status == 2
    assert not journal.exists()


@pytest.fixture
def links(tmp_path, file):
    """The input under all its names."""
    path = file([customer(1)], "input.jsonl")
    (tmp_path / "symbolic").symlink_to(path)
    os.link(path, tmp_path / "hard")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link-to-folder").symlink_to(tmp_path / "folder")
    (tmp_path / "dangling").symlink_to(tmp_path / "folder" / "new")
    return path


@pytest.mark.parametrize("option", ["--failed", "--journal"])
@pytest.mark.parametrize("name", ["input.jsonl", "symbolic", "hard", "folder/../input.jsonl"])
async def test_no_output_is_the_input(links, tmp_path, option, name):
    before = links.read_text()
    ended = await thredfi("push", links, option, tmp_path / name)
    assert ended.status == 2
    assert (
        ended.err == f"thredfi: {option} {tmp_path / name} is the input itself: name another file\n"
    )
    assert links.read_text() == before


@pytest.mark.parametrize(
    ("journal", "failed"),
    [
        ("new", "new"),
        ("new", "folder/../new"),
        ("folder/new", "link-to-folder/new"),
        ("folder/new", "dangling"),
        ("new", "new-wal"),
    ],
)
async def test_no_output_is_another(links, tmp_path, journal, failed):
    before = names_in(tmp_path)
    ended = await thredfi(
        "push", links, "--journal", tmp_path / journal, "--failed", tmp_path / failed
    )
    assert ended.status == 2
    assert "itself: name another file" in ended.err
    assert names_in(tmp_path) == before
    assert not names_in(tmp_path / "folder")


async def test_the_journal_of_an_earlier_run_survives_as_failed_file(env, file, tmp_path):
    path, journal = file(SOME_BAD), tmp_path / "run.db"
    assert (await thredfi("push", path, "--journal", journal, env=env)).status == 1
    before = journal.read_bytes()
    options = ("--journal", journal, "--resume", "--failed", journal)
    ended = await thredfi("push", path, *options, env=env)
    assert ended.status == 2
    assert "is --journal itself" in ended.err
    assert journal.read_bytes() == before


async def test_what_standard_input_and_the_key_are_read_from_is_no_output(links, tmp_path):
    key = tmp_path / "key"
    key.write_text("planted-key")
    with links.open() as given:
        ended = await thredfi("push", "-", "--failed", links, stdin=given)
    assert (ended.status, "is the input itself" in ended.err) == (2, True)
    ended = await thredfi("push", links, "--failed", key, "--api-key-file", key)
    assert (ended.status, "is the file of --api-key-file itself" in ended.err) == (2, True)
    assert key.read_text() == "planted-key"
    summary = tmp_path / "summary"
    with summary.open("w") as taken:
        ended = await thredfi("push", links, "--failed", summary, stdout=taken)
    assert (ended.status, "is standard output itself" in ended.err) == (2, True)


async def test_the_emulators_file_is_not_its_plan(tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text("")
    ended = await thredfi("emulator", "--faults", plan, "--db", plan, "--port", "0", env={})
    assert (ended.status, ended.out) == (2, "")
    assert "is the plan of --faults itself" in ended.err
    assert plan.read_text() == ""


# --- written ---------------------------------------------------------------------------


async def test_a_whole_run_replaces_what_was_there_and_is_for_its_owner_alone(
    env, file, tmp_path, failed
):
    failed.chmod(0o644)
    link, journal = tmp_path / "link", tmp_path / "run.db"
    link.symlink_to(failed)
    options = ("--failed", link, "--journal", journal)
    ended = await thredfi("push", file(SOME_BAD), *options, env=env)
    assert ended.status == 1
    assert f"3 records failed; they are in {failed} with the reasons" in ended.err
    assert lines_of(failed) == [21, 22, 23]
    assert link.is_symlink()
    assert {path.stat().st_mode & 0o777 for path in (failed, journal)} == {0o600}
    assert names_in(tmp_path) == {"failed.jsonl", "link", "run.db", "records.jsonl"}


@pytest.fixture
async def under_way(emulator, env, file, tmp_path, failed):
    """A push of which three records have failed; two get no answer, and others wait for them."""
    emulator.faults.add("hang", operations=["create_customer"], seconds=60)
    bad = [customer(number, colour="red") for number in range(3)]
    path = file([*bad, *(customer(number) for number in range(3, 9))])
    options = ("--failed", failed, "--journal", tmp_path / "run.db", "--no-progress", "-c", "2")
    async with running("push", path, *options, env=env) as process:
        part = tmp_path / "failed.jsonl.part"
        await until(lambda: part.exists() and len(lines_of(part)) == 3)
        assert (tmp_path / "run.db-wal").stat().st_mode & 0o777 == 0o600
        yield process, part
    emulator.faults.clear()


async def test_a_killed_run_leaves_its_part_beside_what_was_there(
    under_way, emulator, env, file, failed
):
    process, part = under_way
    process.kill()
    await process.wait()
    assert lines_of(part) == [1, 2, 3]
    assert part.stat().st_mode & 0o777 == 0o600
    assert failed.read_text() == EARLIER
    # The next run has a part of its own, which takes the place in the end.
    emulator.faults.clear()
    ended = await thredfi("push", file(SOME_BAD, "next"), "--failed", failed, env=env)
    assert ended.status == 1
    assert lines_of(part) == [1, 2, 3]
    assert lines_of(failed) == [21, 22, 23]


async def test_an_interrupted_run_names_its_part(under_way, failed):
    process, part = under_way
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.stderr.readline(), 20)
    process.send_signal(signal.SIGINT)
    ended = await end(process)
    assert ended.status == 130
    assert f"they are in {part} with the reasons" in ended.err
    assert f"{failed} is as it was" in ended.err
    assert lines_of(part)[:3] == [1, 2, 3]
    assert failed.read_text() == EARLIER


async def test_what_is_no_regular_file_is_written_to_at_once(env, file):
    ended = await thredfi("push", file(SOME_BAD), "--failed", "/dev/stderr", env=env)
    assert ended.status == 1
    assert [line for line in ended.err.splitlines() if line.startswith('{"line": 21')]


def test_where_it_cant_be_moved_the_part_stays(tmp_path):
    place = tmp_path / "failed.jsonl"
    outcome = Outcome(line=1, type="customer", business="b", external_id="c", status=Status.FAILED)
    with FailedFile(place) as failed:
        failed.add(outcome)
        place.mkdir()
        with pytest.raises(OSError):
            failed.finish()
    assert lines_of(failed.path) == [1]
    assert failed.path.name == "failed.jsonl.part"


async def test_several_parts_have_several_names(tmp_path):
    place = tmp_path / "failed.jsonl"
    with FailedFile(place) as one, FailedFile(place) as other:
        assert [one.path.name, other.path.name] == ["failed.jsonl.part", "failed.jsonl.part2"]
        other.finish()
    assert names_in(tmp_path) == {"failed.jsonl"}


async def test_a_failed_file_that_can_not_be_written_is_said_before_anything_is_sent(
    file, tmp_path
):
    for place, reason in ((tmp_path / "no" / "f", "No such file"), (tmp_path, "Is a directory")):
        ended = await thredfi("push", file(GOOD), "--failed", place, env=UNREACHABLE)
        assert ended.status == 2
        assert f"can't write --failed {place}: {reason}" in ended.err

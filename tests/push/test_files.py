"""Reading lines from files without holding anything up."""

from __future__ import annotations

import asyncio
import gzip
import os
import threading

import pytest

from thredfi_async.push.files import count_lines, read_lines
from thredfi_async.push.records import Unreadable


async def lines_of(path, **more):
    return [line async for line in read_lines(path, **more)]


async def test_lines_come_one_by_one_with_or_without_a_last_newline(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"one\n\ntwo\r\nthree")
    assert await lines_of(path) == [b"one", b"", b"two\r", b"three"]
    path.write_bytes(b"one\n")
    assert await lines_of(path) == [b"one"]
    path.write_bytes(b"")
    assert await lines_of(path) == []


async def test_gzip_is_known_by_its_content_not_by_its_name(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert await lines_of(path) == [b"one", b"two"]


async def test_lines_longer_than_a_block_come_whole(tmp_path):
    path = tmp_path / "records.jsonl"
    long = b"x" * 700_000
    path.write_bytes(long + b"\nshort\n" + long + b"\n")
    assert await lines_of(path) == [long, b"short", long]


async def test_a_line_over_the_limit_is_reported_once_and_the_next_one_read(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"first\n" + b"x" * 2_000_000 + b"\n" + b"y" * 2_000 + b"\nlast\n")
    first, huge, large, last = await lines_of(path, longest=1_000)
    assert (first, last) == (b"first", b"last")
    assert isinstance(huge, Unreadable)
    assert isinstance(large, Unreadable)
    assert "longer than 1000 bytes" in huge.reason
    assert len(huge.text) == 200


async def test_a_file_that_is_missing_or_broken_raises_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError):
        await lines_of(tmp_path / "absent")
    path = tmp_path / "broken.gz"
    path.write_bytes(gzip.compress(os.urandom(100_000))[:-20])
    with pytest.raises(OSError, match="gzip data is broken"):
        await lines_of(path)


async def test_a_pipe_is_read_as_it_fills_and_the_loop_goes_on_meanwhile(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    lines = read_lines(path)
    first = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0.01)
    assert not first.done()
    with open(path, "wb", buffering=0) as pipe:  # noqa: ASYNC230
        pipe.write(b"one\n")
        assert await asyncio.wait_for(first, 5) == b"one"
        pipe.write(b"two\n")
        assert await asyncio.wait_for(anext(lines), 5) == b"two"
    assert [line async for line in lines] == []


async def test_leaving_early_ends_the_thread(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"line\n" * 2_000_000)
    lines = read_lines(path)
    await anext(lines)
    await lines.aclose()
    for _ in range(500):
        if not any("thredfi push" in thread.name for thread in threading.enumerate()):
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("the thread is still there")


@pytest.mark.parametrize(
    ("content", "count"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"a\nb\n", 2)]
)
def test_lines_are_counted_also_packed(tmp_path, content, count):
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    assert count_lines(plain, threading.Event()) == count
    assert count_lines(packed, threading.Event()) == count


def test_counting_can_be_stopped(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"a\n")
    stop = threading.Event()
    stop.set()
    assert count_lines(path, stop) is None

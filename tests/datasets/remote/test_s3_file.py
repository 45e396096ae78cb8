"""An object in S3 as a file: windows, places, broken connections."""

import io

import pytest
from botocore.exceptions import HTTPClientError, IncompleteReadError, ReadTimeoutError

from novaline.datasets.remote import s3_file
from novaline.datasets.remote.s3_file import S3File

CONTENT = bytes(range(256)) * 40


class Breaking(io.BytesIO):
    """A body that breaks after its first read."""

    def __init__(self, content, problem):
        super().__init__(content)
        self.problem = problem
        self.reads = 0

    def read(self, size=-1):
        self.reads += 1
        if self.reads > 1:
            raise self.problem
        return super().read(size)


class Bucket:
    """GetObject of one version of one object; `problems` break the bodies of the next answers."""

    def __init__(self, *problems):
        self.problems = list(problems)
        self.asked = []

    def get_object(self, *, Bucket, Key, VersionId, Range):  # noqa: N803 - boto3's names
        assert (Bucket, Key, VersionId) == ("data", "a.jsonl", "v1")
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        self.asked.append((first, last))
        body = CONTENT[first : last + 1]
        return {"Body": Breaking(body, self.problems.pop(0)) if self.problems else io.BytesIO(body)}


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    monkeypatch.setattr(s3_file, "WINDOW_BYTES", 1000)


def opened(bucket, *, longer=0):
    return S3File(bucket, bucket="data", key="a.jsonl", version="v1", size=len(CONTENT) + longer)


def test_it_reads_the_object_from_start_to_end_window_by_window():
    bucket = Bucket()
    assert opened(bucket).read() == CONTENT
    assert bucket.asked[:2] == [(0, 999), (1000, 1999)]
    assert bucket.asked[-1][1] == len(CONTENT) - 1


def test_it_reads_on_from_wherever_it_was_sought_to():
    bucket = Bucket()
    with opened(bucket) as file:
        assert file.seek(1234) == file.tell() == 1234
        assert file.read(10) == CONTENT[1234:1244]
        assert file.tell() == 1244
        file.seek(5)
        assert file.read(3) == CONTENT[5:8]
    assert bucket.asked == [(1234, 2233), (5, 1004)]


def test_places_count_from_the_start_from_here_and_from_the_end():
    file = opened(Bucket())
    assert (file.seek(100), file.seek(-40, io.SEEK_CUR), file.seek(-8, io.SEEK_END)) == (100, 60, len(CONTENT) - 8)
    assert file.read() == CONTENT[-8:]
    with pytest.raises(ValueError, match="begins at byte 0"):
        file.seek(-1)


def test_without_versions_the_etag_pins_what_is_read():
    asked = []

    class Unversioned:
        def get_object(self, **request):
            asked.append(request)
            return {"Body": io.BytesIO(CONTENT[:10])}

    S3File(Unversioned(), bucket="data", key="a.jsonl", version=None, size=10, etag='"e1"').read()
    assert asked == [{"Bucket": "data", "Key": "a.jsonl", "IfMatch": '"e1"', "Range": "bytes=0-9"}]


def test_at_the_end_there_is_nothing_and_nobody_is_asked():
    bucket = Bucket()
    file = opened(bucket)
    file.seek(len(CONTENT))
    assert file.read() == b""
    assert bucket.asked == []


def test_a_connection_that_breaks_is_taken_up_where_it_broke():
    timeout = ReadTimeoutError(endpoint_url="https://s3")
    bucket = Bucket(timeout, IncompleteReadError(actual_bytes=1, expected_bytes=2))
    file, buffer = opened(bucket), bytearray(400)
    got = b"".join(bytes(buffer[: file.readinto(buffer)]) for _ in range(4))
    assert got == CONTENT[: len(got)]
    assert [first for first, _ in bucket.asked] == [0, 400, 800]


def test_a_connection_that_keeps_breaking_is_an_error():
    class Dead(Breaking):
        def read(self, size=-1):
            raise HTTPClientError(error="reset")

    class AllDead(Bucket):
        def get_object(self, **asked):
            super().get_object(**asked)
            return {"Body": Dead(b"", None)}

    bucket = AllDead()
    with pytest.raises(HTTPClientError):
        opened(bucket).read(1)
    assert len(bucket.asked) == 6


def test_an_object_that_is_shorter_than_it_was_is_an_error_and_no_endless_loop():
    with pytest.raises(IncompleteReadError, match="expected"):
        opened(Bucket(), longer=500).read()

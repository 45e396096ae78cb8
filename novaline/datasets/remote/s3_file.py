"""An object in S3 as a file that can be read from any byte on: in windows, each by a request of its own.

Standard library only, apart from the client that it is given: functions bundle it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3 import S3Client

WINDOW_BYTES: Final = 16 << 20
_ATTEMPTS: Final = 6


class S3File(io.RawIOBase):
    """An object of `size` bytes as it was when it was looked at, read as a stream from wherever it was sought to.

    It is pinned by its `version`, or by its `etag` where the bucket keeps no versions. A connection that breaks or ends
    early is taken up again where it broke; after the sixth attempt at one place botocore's error is raised.
    """

    def __init__(
        self, s3: S3Client, *, bucket: str, key: str, version: str | None, size: int, etag: str | None = None
    ) -> None:
        super().__init__()
        pinned = {"VersionId": version} if version is not None else {"IfMatch": etag} if etag is not None else {}
        self._s3 = s3
        self._request: dict[str, Any] = {"Bucket": bucket, "Key": key, **pinned}
        self.size = size
        self._position = 0
        self._window: Any = None
        self._left = 0

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go on reading at that byte; nothing is asked for yet. Raises ValueError for one before the first."""
        place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if place < 0:
            raise ValueError(f"an object begins at byte 0, and not at {place}")
        if place != self._position:
            self._drop()
        self._position = place
        return place

    def tell(self) -> int:
        """The next byte to be read."""
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer as far as one read goes; 0 at the end of the object."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError  # noqa: PLC0415 - whoever has a client has botocore

        view = memoryview(buffer)
        if self._position >= self.size or not view:
            return 0
        attempts_left = _ATTEMPTS
        while True:
            try:
                return self._read(view)
            except (HTTPClientError, IncompleteReadError):
                self._drop()
                attempts_left -= 1
                if not attempts_left:
                    raise

    def close(self) -> None:
        """Let the connection go."""
        self._drop()
        super().close()

    def _read(self, view: memoryview) -> int:
        from botocore.exceptions import IncompleteReadError  # noqa: PLC0415 - whoever has a client has botocore

        if self._window is None:
            end = min(self._position + WINDOW_BYTES, self.size)
            answer = self._s3.get_object(**self._request, Range=f"bytes={self._position}-{end - 1}")
            self._window, self._left = answer["Body"], end - self._position
        data = self._window.read(min(len(view), self._left))
        if not data:
            raise IncompleteReadError(actual_bytes=self._position, expected_bytes=self.size)
        view[: len(data)] = data
        self._position += len(data)
        self._left -= len(data)
        if not self._left:
            self._drop()
        return len(data)

    def _drop(self) -> None:
        if self._window is not None:
            self._window.close()
        self._window, self._left = None, 0

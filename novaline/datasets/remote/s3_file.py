"""An object in S3 as a file that can be read from any byte on: in windows, each by a request of its own.

Standard library only, apart from the client that it is given.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3 import S3Client

WINDOW_BYTES: Final = 16 << 20
_ATTEMPTS: Final = 3


class S3File(io.RawIOBase):
    """One version of an object of `size` bytes, read as a stream from wherever it was sought to.

    A connection that breaks is taken up again where it broke; after three attempts botocore's error is raised.
    """

    def __init__(self, s3: S3Client, *, bucket: str, key: str, version: str, size: int) -> None:
        super().__init__()
        self._s3 = s3
        self._bucket, self._key, self._version = bucket, key, version
        self._size = size
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
        """Go on reading at that byte, counted from the start."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("an object is sought from its start")
        self._drop()
        self._position = offset
        return offset

    def tell(self) -> int:
        """The next byte to be read."""
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer as far as one read goes; 0 at the end of the object."""
        view = memoryview(buffer)
        from botocore.exceptions import HTTPClientError, IncompleteReadError  # noqa: PLC0415 - whoever has a client has botocore

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
        if self._position >= self._size or not len(view):
            return 0
        if self._window is None:
            end = min(self._position + WINDOW_BYTES, self._size)
            answer = self._s3.get_object(
                Bucket=self._bucket,
                Key=self._key,
                VersionId=self._version,
                Range=f"bytes={self._position}-{end - 1}",
            )
            self._window, self._left = answer["Body"], end - self._position
        data = self._window.read(min(len(view), self._left))
        if not data:
            raise EOFError(f"{self._key} ended at byte {self._position}, expected {self._size}")
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

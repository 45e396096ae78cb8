"""How a training job ends early."""

from typing import Literal

from botocore.exceptions import ClientError


class JobFailure(Exception):
    """The job fails; the text is its FailureReason, led by "AlgorithmError: " or "ClientError: " as on AWS.

    AlgorithmError: what the container refuses (recipe, rows). ClientError: what the account or the request denies.
    """

    @classmethod
    def algorithm(cls, message: str) -> "JobFailure":
        """A failure inside the container."""
        return cls(f"AlgorithmError: {message}")

    @classmethod
    def client(cls, message: str) -> "JobFailure":
        """A failure that permissions, data or settings of the account cause."""
        return cls(f"ClientError: {message}")

    @classmethod
    def denied(cls, doing: str, error: ClientError) -> "JobFailure":
        """What AWS answered while the platform was `doing` something under the execution role."""
        found = error.response.get("Error", {})
        return cls.client(f"{doing}: {found.get('Code', 'Unknown')}: {found.get('Message', '')}")


class FunctionFailure(Exception):
    """A function that a container called raised, or was ended; the text is what Lambda says about it."""


class Interrupted(Exception):
    """The job was stopped, or its time was over; not a failure."""

    def __init__(self, status: Literal["Stopped", "MaxRuntimeExceeded"]) -> None:
        super().__init__(status)
        self.status: Literal["Stopped", "MaxRuntimeExceeded"] = status

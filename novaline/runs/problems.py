"""What AWS refused, in words: botocore's exceptions as one message with the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from novaline.findings import NovalineError

_LOGIN = "sign in again (`aws sso login`, or fresh keys), and check with `aws sts get-caller-identity`"
_HINTS = {
    "ExpiredToken": _LOGIN,
    "ExpiredTokenException": _LOGIN,
    "InvalidClientTokenId": _LOGIN,
    "UnrecognizedClientException": _LOGIN,
    "InvalidAccessKeyId": _LOGIN,
    "SignatureDoesNotMatch": "check the secret access key, and this computer's clock",
    "RequestTimeTooSkewed": "set this computer's clock",
    "NoSuchBucket": "the bucket of the stack's outputs is gone: deploy the environment again",
    "KMSAccessDeniedException": "your role needs kms:GenerateDataKey and kms:Decrypt on the environment's key",
}
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled", "403")
_SLOW_DOWN = ("Throttling", "ThrottlingException", "SlowDown", "TooManyRequestsException", "RequestLimitExceeded")


def in_words(problem: Exception, *, doing: str) -> NovalineError:
    """The problem of a call to AWS as an error for a person; `doing` completes "while …"."""
    from botocore import exceptions as botocore  # noqa: PLC0415 - the command line must start without botocore

    if isinstance(problem, botocore.ClientError):
        return _refusal(problem.response, doing=doing)
    if isinstance(problem, (botocore.NoCredentialsError, botocore.PartialCredentialsError)):
        message = f"there are no AWS credentials in this shell (while {doing})"
        hint = "set AWS_PROFILE, or sign in with `aws sso login`; `novaline rehearse` needs none"
        return NovalineError.of("no-credentials", message, hint=hint)
    if isinstance(problem, (botocore.SSOError, botocore.TokenRetrievalError)):
        return NovalineError.of("credentials-expired", f"{_sentence(problem)} (while {doing})", hint=_LOGIN)
    if isinstance(problem, (botocore.ConnectionError, botocore.HTTPClientError)):
        message = f"AWS could not be reached while {doing}: {_sentence(problem)}"
        hint = "check the network, and what AWS_ENDPOINT_URL and HTTPS_PROXY say in this shell"
        return NovalineError.of("no-connection", message, hint=hint)
    return NovalineError.of("aws-problem", f"{_sentence(problem)} (while {doing})")


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turns whatever botocore or s3transfer raises inside into a NovalineError; `doing` completes "while …"."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415 - the command line must start without boto3
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - likewise

    try:
        yield
    except (BotoCoreError, ClientError) as problem:
        raise in_words(problem, doing=doing) from problem
    except Boto3Error as problem:
        cause = problem.__cause__ or problem.__context__
        raise in_words(cause if isinstance(cause, Exception) else problem, doing=doing) from problem


def error_code(problem: Exception) -> str:
    """AWS's code of a refusal, or the empty string for every other exception."""
    response = getattr(problem, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _refusal(response: object, *, doing: str) -> NovalineError:
    error = response.get("Error", {}) if isinstance(response, dict) else {}
    code, text = str(error.get("Code", "Unknown")), str(error.get("Message", "")).strip()
    if code in _DENIED:
        message = f"AWS refused it while {doing}: {text or code}"
        return NovalineError.of("access-denied", message, hint="ask for that action on that resource, or another role")
    if code in _SLOW_DOWN:
        message = f"AWS asked to slow down while {doing}: {text or code}"
        return NovalineError.of("throttled", message, hint="try again in a minute; nothing was started")
    kind = "credentials-expired" if _HINTS.get(code) == _LOGIN else "aws-refused"
    return NovalineError.of(kind, f"{code} while {doing}: {text or 'no further text'}", hint=_HINTS.get(code))


def _sentence(problem: Exception) -> str:
    return str(problem).strip().rstrip(".") or type(problem).__name__

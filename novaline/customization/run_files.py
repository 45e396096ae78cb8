"""What a run stores while it is compiled: datasets under their digests, rendered recipes in the run's own folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from novaline.customization.names import content_hash, job_base_name
from novaline.datasets.dataset import Dataset, StoredVersion
from novaline.datasets.validated import Validated
from novaline.requests.resources import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Data of a run and where it belongs in the data bucket: a local file under its digest, so that equal data is
    stored once; a version of an object in S3 under that version's digest, as a copy that nobody writes anew.

    `digest` names the content. `sha256` is None where nobody has read an object from start to end; `bytes`, `rows` and
    `validated` are None where an offline plan has not seen it.
    """

    source: Path | StoredVersion
    key: str
    digest: str
    what: str
    sha256: str | None = None
    bytes: int | None = None
    rows: int | None = None
    validated: Validated | None = None

    @property
    def name(self) -> str:
        """A path, or a URI."""
        return str(self.source) if isinstance(self.source, Path) else self.source.uri


class RunFiles:
    """Collects uploads, recipes and the digests of jobs while requests are built."""

    def __init__(self, *, name: str, run: str, resources: Resources) -> None:
        self._name = name
        self._run = run
        self._resources = resources
        self.folder = f"s3://{resources.artifact_bucket}/runs/{run}"
        self.files: dict[str, bytes] = {}
        self.uploads: dict[str, Upload] = {}
        self._digests: list[str] = []

    def upload(self, dataset: Dataset, *, file: str, what: str) -> Upload:
        """The dataset as an upload, under the file name that the container expects."""
        upload = Upload(
            source=dataset.source,
            key=f"data/{dataset.digest}/{file}",
            digest=dataset.digest,
            what=what,
            sha256=dataset.sha256,
            bytes=dataset.bytes,
            rows=dataset.rows,
            validated=dataset.validated,
        )
        return self.uploads.setdefault(upload.key, upload)

    def unseen(self, uri: str, *, file: str, what: str) -> Upload:
        """What an offline plan can say of an object in S3: a run will know its version."""
        source = StoredVersion(uri=uri, version_id=None)
        upload = Upload(source=source, key=f"data/{source.digest}/{file}", digest=source.digest, what=what)
        return self.uploads.setdefault(upload.key, upload)

    def uri(self, upload: Upload) -> str:
        """Where the upload lies."""
        return f"s3://{self._resources.data_bucket}/{upload.key}"

    def recipe(self, job: str, content: bytes, *, template: bool = False) -> str:
        """Stores a job's recipe and returns the URI that its request names.

        A template holds a token for what only the run can fill in; the recipe is written beside it then.
        """
        self.files[f"recipes/{job}/recipe{'.template' if template else ''}.yaml"] = content
        return f"{self.folder}/recipes/{job}/recipe.yaml"

    def trial(self, stage: str, rows: bytes) -> None:
        """Stores the rows on which a stage's reward function is tried before it trains."""
        self.files[f"trial/{stage}.jsonl"] = rows

    def base_name(self, job: str, content: Mapping[str, object]) -> str:
        """The name of a job that is made of `content`, to which the workflow adds its attempt."""
        digest = content_hash(content)
        self._digests.append(digest)
        return job_base_name(name=self._name, job=job, run=self._run, digest=digest)

    def run_digest(self) -> str:
        """A digest of all jobs of this run."""
        return content_hash({"run": self._run, "jobs": self._digests})

    def objects(self) -> list[dict[str, Any]]:
        """Every object that the run reads, with its digest. Version ids are known once it is uploaded."""
        data = [_data_object(self.uri(upload), upload) for upload in self.uploads.values()]
        files = [
            _object(f"{self.folder}/{name}", sha256(content), len(content), _what(name))
            for name, content in self.files.items()
        ]
        return data + files

    def dataset_records(self) -> dict[str, Any]:
        """The datasets by what they are for: key, digest, size, and what validating them gave."""
        return {
            upload.what: {
                "key": upload.key,
                "sha256": upload.sha256,
                "bytes": upload.bytes,
                "file": upload.name.rpartition("/")[2],
                **_validated(upload),
            }
            for upload in self.uploads.values()
        }


def _what(file: str) -> str:
    """What a file of the run's folder is, in words."""
    folder, name, *_ = file.split("/")
    return f"trial rows of stage {name.removesuffix('.jsonl')}" if folder == "trial" else f"recipe of {name}"


def sha256(content: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()


def _data_object(uri: str, upload: Upload) -> dict[str, Any]:
    """Data in the claim, with the record of its validation."""
    return {**_object(uri, upload.sha256, upload.bytes, upload.what), **_validated(upload)}


def _validated(upload: Upload) -> dict[str, Any]:
    """What validating the data gave; of a copy also the version that was validated."""
    record: dict[str, Any] = {"validated": None if upload.validated is None else upload.validated.as_json()}
    if isinstance(upload.source, StoredVersion):
        record["source"] = {"uri": upload.source.uri, "version_id": upload.source.version_id}
    return record


def _object(uri: str, digest: str | None, size: int | None, what: str) -> dict[str, Any]:
    return {"uri": uri, "version_id": None, "sha256": digest, "bytes": size, "what": what}

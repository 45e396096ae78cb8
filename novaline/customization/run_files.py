"""What a run stores while it is compiled: datasets under their digests, rendered recipes in the run's own folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from novaline.customization.names import content_hash, job_base_name
from novaline.datasets.dataset import Dataset
from novaline.requests.resources import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A local file and where it belongs in the data bucket: under its digest, so that equal data is stored once."""

    path: Path
    key: str
    sha256: str
    bytes: int
    what: str


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
        key = f"data/{dataset.sha256}/{file}"
        upload = Upload(path=dataset.path, key=key, sha256=dataset.sha256, bytes=dataset.bytes, what=what)
        return self.uploads.setdefault(key, upload)

    def uri(self, upload: Upload) -> str:
        """Where the upload lies."""
        return f"s3://{self._resources.data_bucket}/{upload.key}"

    def recipe(self, job: str, content: bytes, *, template: bool = False) -> str:
        """Stores a job's recipe and returns the URI that its request names.

        A template holds a token for what only the run can fill in; the recipe is written beside it then.
        """
        self.files[f"recipes/{job}/recipe{'.template' if template else ''}.yaml"] = content
        return f"{self.folder}/recipes/{job}/recipe.yaml"

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
        data = [_object(self.uri(upload), upload.sha256, upload.bytes, upload.what) for upload in self.uploads.values()]
        recipes = [
            _object(f"{self.folder}/{name}", sha256(content), len(content), f"recipe of {name.split('/')[1]}")
            for name, content in self.files.items()
        ]
        return data + recipes

    def dataset_records(self) -> dict[str, Any]:
        """The datasets by what they are for: digest, size, rows, key."""
        return {
            upload.what: {"key": upload.key, "sha256": upload.sha256, "bytes": upload.bytes, "file": upload.path.name}
            for upload in self.uploads.values()
        }


def sha256(content: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()


def _object(uri: str, digest: str, size: int, what: str) -> dict[str, Any]:
    return {"uri": uri, "version_id": None, "sha256": digest, "bytes": size, "what": what}

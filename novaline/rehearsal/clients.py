"""boto3 clients of the embedded AWS: no profile, proxy, metadata service or retry of the surrounding machine."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What signs a request. The root of the embedded account is `ROOT`."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


ROOT = Credentials(access_key_id="test", secret_access_key="test")  # noqa: S106 - the embedded AWS's public root key


class ClientFactory:
    """Makes boto3 clients for one endpoint; safe to use from several threads, a client per service and credential."""

    def __init__(self, *, endpoint: str, ca_bundle: Path, region: str) -> None:
        self._endpoint = endpoint
        self._ca_bundle = ca_bundle
        self._region = region
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._session: Any = None

    def client(self, service: str, credentials: Credentials = ROOT) -> Any:  # noqa: ANN401 - classes made at run time
        """The client of `service` under `credentials`; botocore makes no retries, so that each fault is seen."""
        key = (service, credentials.access_key_id)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(service, credentials)
            return self._clients[key]

    def _make(self, service: str, credentials: Credentials) -> Any:  # noqa: ANN401 - classes made at run time
        import boto3  # noqa: PLC0415 - costs 0.3 s, and `check` and `plan` pass through here without a client
        import botocore.session  # noqa: PLC0415 - likewise
        from botocore.config import Config  # noqa: PLC0415 - likewise

        if self._session is None:
            nothing = (None, None, None, None)
            session = botocore.session.Session(session_vars={"profile": nothing})
            session.set_config_variable("config_file", os.devnull)
            session.set_config_variable("credentials_file", os.devnull)
            self._session = boto3.Session(botocore_session=session, region_name=self._region)
        return self._session.client(
            service,
            endpoint_url=self._endpoint,
            verify=str(self._ca_bundle),
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=Config(
                retries={"total_max_attempts": 1},
                proxies={},
                max_pool_connections=32,
                read_timeout=920,  # a Lambda function may run for 900 s
                s3={"addressing_style": "path"},  # bucket.127.0.0.1 is no host name
            ),
        )

"""The rehearsal's certificate, and the CA bundle by which its clients trust it beside the system's own roots.

Everything is made anew for each start and never leaves the rehearsal's folder.
"""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Where the PEM files of one emulator are."""

    certificate: Path  # the server's chain: leaf, then the authority that signed it
    key: Path
    authority: Path  # for NODE_EXTRA_CA_CERTS, which adds to the roots
    bundle: Path  # system roots + authority, for AWS_CA_BUNDLE, which replaces the roots


def make_material(folder: Path) -> Material:
    """Write a new authority and a certificate for localhost and 127.0.0.1 into `folder`; the key is private to us."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Novaline rehearsal")
    leaf = authority.issue_cert("localhost", "127.0.0.1")
    material = Material(
        certificate=folder / "server.pem",
        key=folder / "server.key",
        authority=folder / "authority.pem",
        bundle=folder / "bundle.pem",
    )
    material.key.touch(mode=0o600)
    leaf.private_key_pem.write_to_path(str(material.key))
    material.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    authority.cert_pem.write_to_path(str(material.authority))
    material.bundle.write_bytes(_system_roots().read_bytes() + b"\n" + authority.cert_pem.bytes())
    return material


def _system_roots() -> Path:
    """The roots that boto3 trusts by default: certifi's if installed, else those that botocore ships."""
    from botocore.httpsession import where  # noqa: PLC0415 - costs 0.2 s, and only a rehearsal needs it

    return Path(where())

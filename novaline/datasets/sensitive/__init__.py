"""Secrets and personal data in datasets: found fast, never printed. See docs/sensitive-data.md."""

from novaline.datasets.sensitive.kinds import KINDS, PERSONAL, SECRETS, Kind
from novaline.datasets.sensitive.scanner import Hit, SensitiveScanner

__all__ = ["KINDS", "PERSONAL", "SECRETS", "Hit", "Kind", "SensitiveScanner"]

"""Novaline: infrastructure as code for Amazon Nova model customization."""

__version__ = "0.1.0"

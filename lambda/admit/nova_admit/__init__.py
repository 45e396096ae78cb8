"""Admit: the first step of a run. Nothing is paid for before the claim check has been verified."""

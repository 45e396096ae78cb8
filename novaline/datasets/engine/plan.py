"""How all parts of a dataset are read alike."""

from __future__ import annotations

from msgspec import Struct

from novaline.datasets.engine.folding import WHOLE, Place
from novaline.datasets.engine.held_out import HeldOut
from novaline.datasets.engine.options import Options


class Plan(Struct, frozen=True, kw_only=True):
    """What the readers of all parts share: where keys are taken from, and what evaluations ask."""

    options: Options
    place: Place = WHOLE
    held_out: HeldOut = HeldOut()

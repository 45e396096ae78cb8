"""Reward functions of one's own: a Python file, checked against the contract and bundled without being executed."""

from novaline.own_code.function import OwnFunction, WrongReference, own_function, together
from novaline.own_code.requirements import Pins, read_pins

__all__ = ["OwnFunction", "Pins", "WrongReference", "own_function", "read_pins", "together"]

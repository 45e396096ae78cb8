"""1 when the answer's number is the reference's, else 0.

The number of an answer is the one that it marks (in answer tags, in a box, behind `####` or `Answer:`; the first there,
or the first behind the last `=`), or else its last that is no ordinal (`3rd`). Thoughts in `<think>` tags or the like
are no part of the answer. Read are `5`, `5.0`, `1,000`, `1'000`, `-3`, `minus 3`, `1e3`, `1.5 x 10^3`, `3/4`, `1 1/2`,
`5,000/1,000`, LaTeX fractions, `$5`, `50%`, `5k`, `5 million`, and a unit behind it. A comma groups thousands; `1,5`
and `5.000.000` may mean two things and are no numbers. With a percent sign on one side only, 50 % is 0.5 as well as 50.
Numbers are compared exactly unless a tolerance is set.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final

from novaline.rewards.contract import Reward, Rollout, Score, Unscorable
from novaline.rewards.library.marks import marked, spoken
from novaline.rewards.library.references import FIELD_DOC, texts_of
from novaline.rewards.options import OptionProblem

_EXACT: Final = Context(prec=60, traps=[DivisionByZero, InvalidOperation, Overflow])
_LONGEST: Final = 300
"""Characters of a number; what is longer is noise."""
_HIGHEST_POWER: Final = 400
# Possessive, so that nothing is read twice; and not what `1,5` may mean: a list, or a comma as decimal point.
_PLAIN: Final = r"(?:\d{1,3}(?:,\d{3})++(?!\d)|\d++)(?!,\d)(?:\.\d++)?+(?![.,]\d)|\.\d++(?!,\d)"
_OF_FRACTION: Final = r"\d{1,100}(?:\.\d{1,100})?"
_NUMBER: Final = re.compile(
    rf"""
    (?<![\w.])(?<!\d,)(?P<sign>(?<![\w)\]}}])[-+\u2212\u2013]|(?:minus|negative)\ )?(?P<money>[$€£¥])?\ ?
    (?: \\[dt]?frac\{{\ ?(?P<over>-?{_OF_FRACTION})\ ?\}}\{{\ ?(?P<under>{_OF_FRACTION})\ ?\}}
      | (?P<whole>{_PLAIN})
        (?: \ ?(?:e|E)(?P<exponent>[-+\u2212]?\d{{1,5}})(?!\w)
          | \ ?(?:x|\u00d7|\*|\\times)\ ?10\ ?\^\ ?\{{?(?P<power>[-+\u2212]?\d{{1,5}})\}}?
          | \ ?/\ ?(?P<below>{_PLAIN})(?!/)
          | \ (?P<part>\d{{1,6}})/(?P<parts>\d{{1,6}})(?![\d/])
        )?
    )
    (?: \ ?\\?(?P<percent>%) | \ ?(?P<unit>[^\W\d_][\w°/^²³]{{0,20}}|°[CFK]?) )?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SCALES: Final = {
    "thousand": Decimal(10**3), "million": Decimal(10**6), "billion": Decimal(10**9), "trillion": Decimal(10**12),
}  # fmt: skip
_ORDINALS: Final = frozenset({"st", "nd", "rd", "th"})
# Other ways to write what the pattern above reads.
_GROUPED: Final = re.compile(r"(?<=\d)(?:\{,\}|\\[,!]|['_\u00a0\u2009\u202f\u2019])(?=\d{3}(?!\d))")
_SHORT_FRACTION: Final = re.compile(r"(\\[dt]?frac)(\d)(\d)")
_VULGAR: Final = re.compile("[\u00bc-\u00be\u2150-\u215e]")
_RAISED: Final = re.compile("(?<=10)[\u00b9\u00b2\u00b3\u2070-\u2079\u207b]+")


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on a number."""

    tolerance: float = field(default=0.0, metadata={"doc": "how far from the reference is still right"})
    relative_tolerance: float = field(
        default=0.0, metadata={"doc": "the same as a share of the reference: 0.01 is one percent"}
    )
    units: Mapping[str, float] = field(
        default_factory=dict,
        metadata={"doc": "units and what each is worth: {m: 1, km: 1000}; a number without one counts as it stands"},
    )
    reference_field: str = field(default="", metadata={"doc": FIELD_DOC})

    def problems(self) -> Iterable[OptionProblem]:
        """Tolerances below 0, units that are worth nothing."""
        for name in ("tolerance", "relative_tolerance"):
            if getattr(self, name) < 0:
                yield OptionProblem(name, f"is {getattr(self, name)}, expected 0 or more")
        for unit, worth in self.units.items():
            if worth <= 0:
                yield OptionProblem(f"units.{unit}", f"is {worth}, expected what one {unit} is worth, above 0")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was read."""

    value: Decimal
    percent: bool = False


def reward(options: Options) -> Reward:
    """See the module. The measures are `found` (the answer has a number) and `marked` (it was marked)."""
    tolerance, share = Decimal(repr(options.tolerance)), Decimal(repr(options.relative_tolerance))
    units = {unit: Decimal(repr(worth)) for unit, worth in options.units.items()}

    def score(rollout: Rollout) -> Score:
        texts = texts_of(rollout, options.reference_field)
        expected = [number for text in texts if (number := number_in(text, units)[0]) is not None]
        if not expected:
            raise Unscorable("the reference holds no number")
        found, was_marked = number_in(rollout.answer, units)
        right = found is not None and any(_near(found, one, tolerance, share) for one in expected)
        return Score(float(right), {"found": float(found is not None), "marked": float(was_marked)})

    return score


def number_in(text: str, units: Mapping[str, Decimal]) -> tuple[Number | None, bool]:
    """The number that a text gives as its answer, and whether it was marked; of several, the last."""
    text = _usual(spoken(text))
    for said in reversed(marked(text)):
        number = _first_of(_NUMBER.finditer(said.rpartition("=")[2]), units)
        if number is not None:
            return number, True
    matches = list(reversed(list(_NUMBER.finditer(text))))
    counting = [match for match in matches if (match["unit"] or "").lower() not in _ORDINALS]
    return _first_of(counting or matches, units), False


def _usual(text: str) -> str:
    """The text with its numbers written as the pattern reads them."""
    text = _SHORT_FRACTION.sub(r"\1{\2}{\3}", _GROUPED.sub(",", text))
    if not text.isascii():
        text = _RAISED.sub(lambda found: "^" + unicodedata.normalize("NFKC", found[0]), text)
        text = _VULGAR.sub(lambda found: " " + unicodedata.normalize("NFKC", found[0]).replace("\u2044", "/"), text)
    return text


def _near(found: Number, expected: Number, tolerance: Decimal, share: Decimal) -> bool:
    readings = [(found.value, expected.value)]
    if found.percent and expected.percent:
        readings = [(found.value / 100, expected.value / 100)]
    elif found.percent:
        readings.append((found.value / 100, expected.value))
    elif expected.percent:
        readings.append((found.value, expected.value / 100))
    return any(abs(one - other) <= max(tolerance, _EXACT.multiply(share, abs(other))) for one, other in readings)


def _first_of(matches: Iterable[re.Match[str]], units: Mapping[str, Decimal]) -> Number | None:
    """The first number that can be worked with."""
    for match in matches:
        try:
            value = _value(match)
        except (InvalidOperation, DivisionByZero, Overflow):
            continue
        if value is not None:
            return Number(_EXACT.multiply(value, _worth(match, units)), bool(match["percent"]))
    return None


def _worth(match: re.Match[str], units: Mapping[str, Decimal]) -> Decimal:
    """What one of the unit behind a number is worth; `K` may be kelvins, unless it is money."""
    unit = match["unit"] or ""
    if unit in units:
        return units[unit]
    if unit == "k" or (unit == "K" and match["money"]):
        return _SCALES["thousand"]
    return _SCALES.get(unit.lower(), Decimal(1))


def _value(match: re.Match[str]) -> Decimal | None:
    """What one match says; None for what is too long or too large to be meant."""
    if match.end() - match.start() > _LONGEST:
        return None
    if match["over"]:
        value = _EXACT.divide(Decimal(match["over"]), Decimal(match["under"]))
    else:
        value = Decimal(match["whole"].replace(",", ""))
        power = int((match["exponent"] or match["power"] or "0").replace("\u2212", "-"))
        if abs(power) > _HIGHEST_POWER:
            return None
        value = value.scaleb(power, _EXACT)
        if match["below"]:
            value = _EXACT.divide(value, Decimal(match["below"].replace(",", "")))
        if match["part"]:
            value = _EXACT.add(value, _EXACT.divide(Decimal(match["part"]), Decimal(match["parts"])))
    return value if match["sign"] in (None, "+") else -value

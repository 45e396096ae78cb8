"""Which models may judge, and the resources that the permission to ask one of them names.

``bedrock:InvokeModel`` is the action behind Converse (API reference, Converse). An inference profile needs it on the
profile and on the foundation model in each region that the profile may route to (user guide, "Prerequisites for
inference profiles").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_ID: Final = r"[a-z0-9-]+\.[a-z0-9-]+(?:[.:][a-z0-9-]+)*"
_FOUNDATION: Final = re.compile(rf"(?:arn:aws:bedrock:[a-z0-9-]+::foundation-model/)?(?P<id>{_ID})")
_PROFILE: Final = re.compile(
    rf"(?:arn:aws:bedrock:[a-z0-9-]+:\d{{12}}:inference-profile/)?(?P<area>[a-z]+)\.(?P<id>{_ID})"
)
_ARN: Final = re.compile(r"arn:aws:bedrock:(?P<region>[a-z0-9-]+):(?P<account>\d{12})?:(?P<kind>[a-z-]+)/.+")
AREAS: Final[Mapping[str, tuple[str, ...]]] = {"us": ("us-east-1", "us-east-2", "us-west-2")}
"""Where an area's profiles may route to (user guide, "Supported Regions and models for inference profiles")."""
_OTHER_AREAS: Final = frozenset({"eu", "apac", "ap", "ca", "sa", "jp", "au", "global", "us-gov"})


class UnknownModel(ValueError):
    """The identifier is none of a model that can judge; the message says what was expected."""


def routes(model: str) -> tuple[str, str | None]:
    """(the foundation model's id, the area of the profile or None). Raises UnknownModel."""
    arn = _ARN.fullmatch(model)
    if arn and arn["kind"] not in {"foundation-model", "inference-profile"}:
        raise UnknownModel(
            f"{model} names a resource of the kind {arn['kind']}; expected a foundation model or a profile of Amazon's "
            "(us.amazon.nova-pro-v1:0), because the permission to ask it names its foundation model too"
        )
    profile = _PROFILE.fullmatch(model)
    if profile and profile["area"] in AREAS:
        return profile["id"], profile["area"]
    if profile and (profile["area"] in _OTHER_AREAS or (arn and arn["kind"] == "inference-profile")):
        known = ", ".join(AREAS)
        raise UnknownModel(f"where profiles of the area {profile['area']} route to is not known here; known: {known}")
    foundation = _FOUNDATION.fullmatch(model)
    if foundation is None:
        raise UnknownModel(f"{model!r} is no model: expected an id such as us.amazon.nova-pro-v1:0, or its ARN")
    return foundation["id"], None


def model_arns(model: str, *, region: str, account: str) -> tuple[str, ...]:
    """What bedrock:InvokeModel must be allowed on, and nothing else, to ask that model from `region`.

    Raises UnknownModel, also for an ARN of another region or account.
    """
    foundation, area = routes(model)
    arn = _ARN.fullmatch(model)
    if arn and (arn["region"] != region or arn["account"] not in {None, account}):
        raise UnknownModel(f"{model} is not of {account} in {region}, where the function runs")
    if area is None:
        return (f"arn:aws:bedrock:{region}::foundation-model/{foundation}",)
    profile = f"arn:aws:bedrock:{region}:{account}:inference-profile/{area}.{foundation}"
    return (profile, *(f"arn:aws:bedrock:{place}::foundation-model/{foundation}" for place in AREAS[area]))


def judge_models(function: str, options: Mapping[str, object]) -> tuple[str, ...]:
    """The models that a declared reward asks, in any depth of a composition; empty for rules."""
    found: list[str] = []
    if function == "judge" and isinstance(options.get("model"), str):
        found.append(str(options["model"]))
    elif function == "weighted":
        found += _within(options)
    return tuple(dict.fromkeys(found))


def _within(value: object) -> list[str]:
    """The models of the judges that are declared somewhere in a composition's options."""
    if isinstance(value, Mapping):
        function, options = value.get("function"), value.get("options")
        if function == "judge" and isinstance(options, Mapping):
            return list(judge_models("judge", options))
        return [model for one in value.values() for model in _within(one)]
    if isinstance(value, list | tuple):
        return [model for one in value for model in _within(one)]
    return []

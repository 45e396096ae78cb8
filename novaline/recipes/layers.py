"""How a recipe is put together from the catalogue's files: pure functions over what the files hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from novaline.recipes.model import Model

_REFERENCE = re.compile(r"\$\{(model|instances)\.(\w+)\}")
_NOT_ON_THE_RECIPE = ("uses", "groups", "variants", "published", "keys")


def merged(
    shared: Iterable[Mapping[str, object]], own: Mapping[str, object], *, groups: Mapping[str, object]
) -> Mapping[str, object]:
    """A recipe's own file on top of the files that it shares, from the outside in.

    Of each shared file: the groups that it names, what it says itself, then its variants in the order in which the
    recipe names them (`uses`, then `variant`). Keys are merged property by property, and null takes a key away;
    `images` and `instances` are merged entry by entry; of everything else the last one counts. Raises KeyError for a
    group, or a variant in `uses`, that is not there.
    """
    files = list(shared)
    uses = _list(own.get("uses"))
    for name in uses:
        if not any(name in _mapping(file.get("variants")) for file in files):
            raise KeyError(name)
    names = [*uses, own.get("variant")]
    whole: dict[str, object] = {}
    keys: dict[str, dict[str, object]] = {}
    for layer in (part for file in files for part in _parts(file, names, groups)):
        _add(whole, keys, layer)
    _add(whole, keys, own)
    return {**whole, "keys": keys}


def assemble(
    data: Mapping[str, object], *, technique: str, model: Model, images: Mapping[str, object]
) -> dict[str, object]:
    """What `Recipe` validates: references filled in, images with their accounts, short names where they are published.

    Raises KeyError or AttributeError for a reference that leads nowhere.
    """
    platforms = _list(data.get("platforms"))
    published = platforms if data.get("published", True) else ()
    known: dict[str, object] = {"model": model, "instances": _mapping(data.get("instances"))}
    return {
        **{name: value for name, value in data.items() if name not in _NOT_ON_THE_RECIPE},
        "technique": technique,
        "model": model,
        "images": {
            platform: _image(name, images)
            for platform, name in _mapping(data.get("images")).items()
            if platform in platforms
        },
        "companions": [_image(name, images) for name in _list(data.get("companions"))],
        "keys": {path: _key(_mapping(spec), published, known) for path, spec in _mapping(data.get("keys")).items()},
    }


def named_accounts(images: Mapping[str, object], *, repository: str | None) -> dict[str, str]:
    """The accounts, by region, that hold a repository (`name` or `name:tag`): its own, or those of most."""
    own = _mapping(images.get("repositories")).get((repository or "").partition(":")[0])
    accounts = images["accounts"] if own is None else own
    return {region: str(account) for region, account in _mapping(accounts).items()}


def _parts(
    file: Mapping[str, object], names: Iterable[object], groups: Mapping[str, object]
) -> Iterator[Mapping[str, object]]:
    variants = _mapping(file.get("variants"))
    for part in (file, *(_mapping(variants[name]) for name in names if isinstance(name, str) and name in variants)):
        for group in _list(part.get("groups")):
            yield {"keys": groups[str(group)]}
        yield part


def _add(whole: dict[str, object], keys: dict[str, dict[str, object]], layer: Mapping[str, object]) -> None:
    for name, value in layer.items():
        if name in ("images", "instances"):
            whole[name] = {**_mapping(whole.get(name)), **_mapping(value)}
        elif name not in ("keys", "variants", "groups"):
            whole[name] = value
    for path, spec in _mapping(layer.get("keys")).items():
        if spec is None:
            keys.pop(path, None)
        else:
            keys[path] = {**keys.get(path, {}), **_mapping(spec)}


def _image(name: object, images: Mapping[str, object]) -> dict[str, object]:
    return {"name": name, "accounts": named_accounts(images, repository=str(name))}


def _key(spec: Mapping[str, object], published: Iterable[object], known: Mapping[str, object]) -> dict[str, object]:
    named = published if spec.get("override") is not None else ()
    filled = dict(spec)
    if "default" in spec:
        filled["default"] = _filled(spec["default"], known)
    filled["overridable_on"] = [name for name in _list(spec.get("overridable_on")) if name in named]
    for name in ("published", "published_default"):
        if name in spec:
            filled[name] = {where: what for where, what in _mapping(spec[name]).items() if where in published}
    return filled


def _filled(default: object, known: Mapping[str, object]) -> object:
    """A default with `${model.x}` and `${instances.x}` replaced; one that is nothing else keeps the value's type."""
    if not isinstance(default, str):
        return default
    whole = _REFERENCE.fullmatch(default)
    return _look_up(whole, known) if whole else _REFERENCE.sub(lambda found: str(_look_up(found, known)), default)


def _look_up(reference: re.Match[str], known: Mapping[str, object]) -> object:
    holder = known[reference[1]]
    return holder[reference[2]] if isinstance(holder, dict) else getattr(holder, reference[2])


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []

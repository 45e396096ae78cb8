"""The rules of pictures, videos and documents in a message.

Source: AWS's data-preparation pages for Nova. What only the object itself tells (its bytes, edges and seconds) is not
looked at: a row names it by its URI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import UNSET

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.conversation import Content, Document, Image, Video
from novaline.datasets.formats.spec import MediaKind, Medium, RuleContext

MOST_IMAGES = 10
"""Pictures in one message."""

FORMATS: Mapping[MediaKind, tuple[str, ...]] = {
    "image": ("gif", "jpeg", "png", "webp"),
    "video": ("mov", "mkv", "mp4", "webm"),
    "document": ("pdf",),
}
_NOT_BY_SCRIPT = frozenset({"webm", "webp"})
_SAFE_URI = re.compile(r"[\w\-/.]+")
_NAMED_OTHERWISE = {"jpg": "jpeg"}
_ACCOUNT_DIGITS = 12


def media_of(content: Sequence[Content]) -> list[tuple[int, MediaKind, Image | Video | Document]]:
    """The media of a message, each with the index of its content item."""
    found: list[tuple[int, MediaKind, Image | Video | Document]] = []
    for index, item in enumerate(content):
        if item.image is not UNSET:
            found.append((index, "image", item.image))
        if item.video is not UNSET:
            found.append((index, "video", item.video))
        if item.document is not UNSET:
            found.append((index, "document", item.document))
    return found


def medium(kind: MediaKind, found: Image | Video | Document) -> Medium:
    """The medium as a view names it."""
    location = found.source.s3Location
    return Medium(kind=kind, uri="" if location is UNSET else location.uri)


def media_flaws(content: Sequence[Content], role: str, place: str, context: RuleContext) -> Iterator[Flaw]:
    """What is wrong with a message's media; `place` is the path of the message's content."""
    media = media_of(content)
    if not media:
        return
    kinds = sorted({kind for _, kind, _ in media})
    yield from _supported(kinds, place, context)
    if role == "assistant":
        yield Flaw("media-in-answer", "an assistant's message holds no media", detail=f"found {kinds[0]} at {place}")
    if len(kinds) > 1:
        yield Flaw("mixed-media", "a message holds one kind of media", detail=f"found {', '.join(kinds)} at {place}")
    counts = {kind: sum(1 for _, each, _ in media if each == kind) for kind in kinds}
    if counts.get("image", 0) > MOST_IMAGES:
        message = f"a message holds at most {MOST_IMAGES} images"
        yield Flaw("too-many-images", message, detail=f"found {counts['image']} at {place}")
    if counts.get("video", 0) > 1:
        yield Flaw("too-many-videos", "a message holds at most one video", detail=f"found {counts['video']} at {place}")
    for index, kind, found in media:
        yield from _format_flaws(kind, found, f"{place}[{index}].{kind}", context)
        yield from _source_flaws(kind, found, f"{place}[{index}].{kind}.source")


def _supported(kinds: Sequence[str], place: str, context: RuleContext) -> Iterator[Flaw]:
    if context.model is None:
        return
    taken = context.model.media
    for kind in kinds:
        if kind not in taken:
            takes = f"text, {', '.join(taken)}" if taken else "text only"
            yield Flaw(
                "media-not-supported",
                f"{context.model.title} takes no {kind}s",
                hint=f"it takes {takes}",
                detail=f"found at {place}",
            )


def _format_flaws(kind: MediaKind, found: Image | Video | Document, place: str, context: RuleContext) -> Iterator[Flaw]:
    known = FORMATS[kind]
    if found.format not in known:
        message = f"the format of {_article(kind)} is one of {', '.join(known)}"
        yield Flaw("media-format", message, detail=f"found {shown(found.format)} at {place}.format")
        return
    if found.format in _NOT_BY_SCRIPT and context.model is not None and context.model.generation == "nova-2":
        message = f"AWS's validator script takes no {found.format} for {context.model.title}; AWS's page names it"
        yield Flaw("media-format-unsure", message, "warning", detail=f"found at {place}.format")
    location = found.source.s3Location
    suffix = "" if location is UNSET else location.uri.rpartition("/")[2].rpartition(".")[2].lower()
    suffix = _NAMED_OTHERWISE.get(suffix, suffix)
    if suffix != found.format and any(suffix in names for names in FORMATS.values()):
        yield Flaw(
            "media-format-differs",
            f"the name of {_article(kind)} says another format than the row",
            "warning",
            detail=f"found {found.format} for a name that ends in .{suffix}, at {place}.format",
        )


def _source_flaws(kind: MediaKind, found: Image | Video | Document, place: str) -> Iterator[Flaw]:
    location = found.source.s3Location
    if location is UNSET:
        given = "bytes" if found.source.bytes is not UNSET else "nothing"
        message = f"{_article(kind)} of a training row lies in S3"
        hint = 'write "source": {"s3Location": {"uri": "s3://…", "bucketOwner": "…"}}'
        yield Flaw("media-source", message, hint=hint, detail=f"found {given}, expected s3Location, at {place}")
        return
    bucket, _, key = location.uri.removeprefix("s3://").partition("/")
    if not location.uri.startswith("s3://") or not bucket or not key:
        message = f"the uri of {_article(kind)} is s3://<bucket>/<key>"
        yield Flaw("media-uri", message, detail=f"found {shown(location.uri)} at {place}.s3Location.uri")
    elif _SAFE_URI.fullmatch(f"{bucket}/{key}") is None:
        message = "AWS's validator script and the Nova Forge SDK take letters, digits and -_./ in a uri only"
        yield Flaw("media-uri-characters", message, "warning", detail=f"found {shown(location.uri)} at {place}")
    owner = location.bucketOwner
    if owner is UNSET:
        message = f"{_article(kind)} needs `bucketOwner`, the id of the account that owns the bucket"
        yield Flaw("bucket-owner", message, detail=f"found none at {place}.s3Location")
    elif len(owner) != _ACCOUNT_DIGITS or not (owner.isascii() and owner.isdigit()):
        message = f"`bucketOwner` is an account id of {_ACCOUNT_DIGITS} digits"
        yield Flaw("bucket-owner", message, detail=f"found {shown(owner)} at {place}.s3Location.bucketOwner")


def shown(value: str) -> str:
    """A value of a row as a message quotes it: at most 40 characters."""
    return repr(value if len(value) <= 40 else f"{value[:39]}…")


def _article(kind: MediaKind) -> str:
    return "an image" if kind == "image" else f"a {kind}"

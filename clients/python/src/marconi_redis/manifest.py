"""The scripts and what `lua/manifest.json` says of them: keys, arguments, errors, digests, repeats.

Guards that no rule of the scripts is written a second time: order, encoding and words come from the
manifest, and a script whose bytes are not those of its digest is not used.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgpack

from .errors import BY_WORD, InvalidArgument

#: The contract that this package is written for.
CONTRACT = 1


def _text(name: str, value: object) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise InvalidArgument(f"{name}: wants text that UTF-8 can hold") from None
    return _bytes(name, value, "text")


def _bytes(name: str, value: object, wanted: str = "bytes") -> bytes:
    if isinstance(value, bytes):
        return value
    raise InvalidArgument(f"{name}: wants {wanted}, not {type(value).__name__}")


def _integer(name: str, value: object) -> bytes:
    if isinstance(value, int) and not isinstance(value, bool):
        return b"%d" % value
    raise InvalidArgument(f"{name}: wants a whole number, not {type(value).__name__}")


#: How a value of each type goes over the wire. What is out of bounds the script refuses itself.
_ENCODERS: dict[str, Callable[[str, object], bytes]] = {
    "integer": _integer,
    "flag": lambda name, value: b"1" if value else b"",
    "uuid": _text,
    "id": _text,
    "text": _text,
    "bin": lambda name, value: bytes(msgpack.packb(_bytes(name, value))),
    "envelope": _bytes,
}


@dataclass(frozen=True)
class Argument:
    """One argument of a script."""

    name: str
    type: str
    optional: bool
    repeated: bool

    def encode(self, value: object) -> bytes:
        """The value as it goes over the wire. Raises InvalidArgument for one of another type."""
        if value is None and (self.optional or self.type == "flag"):
            return b""
        return _ENCODERS[self.type](self.name, value)


@dataclass(frozen=True)
class Repeat:
    """What a second call does where the answer to the first was lost."""

    safe: str
    arg: str | None
    within: int | None

    def lasts(self, values: Mapping[str, object]) -> float:
        """For how many seconds two calls with these arguments have the effect of one; 0: not at all."""
        if self.safe != "always" and self._is_given(values) != _SAFE_WHERE_GIVEN.get(self.safe):
            # Whatever a later manifest says: not safe.
            return 0
        return math.inf if self.within is None else self.within / 1000

    def _is_given(self, values: Mapping[str, object]) -> bool:
        value = values.get(self.arg or "")
        if isinstance(value, list):
            return any(one not in _NOTHING for one in value)
        return value not in _NOTHING


_SAFE_WHERE_GIVEN = {"with": True, "without": False}
_NOTHING = (None, "", b"")


@dataclass(frozen=True)
class Reserved:
    """A metadata name that the scripts themselves go by. Of text the bounds are its bytes."""

    name: str
    type: str
    unit: str
    min: int
    max: int
    doc: str


@dataclass(frozen=True)
class Script:
    """One script: what it is called with, and what it can refuse with."""

    name: str
    sha1: str
    source: bytes
    keys: tuple[str, ...]
    arguments: tuple[Argument, ...]
    errors: frozenset[str]
    writes: bool
    more: bool
    repeat: Repeat

    @cached_property
    def takes_now(self) -> bool:
        """Whether it goes by a clock that the caller can bring."""
        return any(argument.name == "now" for argument in self.arguments)

    def encode(self, values: Mapping[str, object]) -> list[bytes]:
        """The arguments in the script's order. A repeated one is given as a list; several repeated
        ones form a group, and their lists are of one length. What is left out is None."""
        if not values.keys() <= self._names:
            unknown = sorted(values.keys() - self._names)
            raise TypeError(f"{self.name} has no argument {', '.join(unknown)}")
        encoded = [a.encode(values.get(a.name)) for a in self._single]
        columns: list[Any] = [values.get(a.name) or () for a in self._group]
        for row in zip(*columns, strict=True):
            encoded += [a.encode(value) for a, value in zip(self._group, row, strict=True)]
        return encoded

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(a.name for a in self.arguments)

    @cached_property
    def _single(self) -> tuple[Argument, ...]:
        return tuple(a for a in self.arguments if not a.repeated)

    @cached_property
    def _group(self) -> tuple[Argument, ...]:
        return tuple(a for a in self.arguments if a.repeated)


def _lua() -> Path:
    """The scripts of this package; in a source checkout, those of the clone."""
    packaged = Path(__file__).with_name("lua")
    if packaged.is_dir():
        return packaged
    clone = Path(__file__).resolve().parents[4] / "lua"
    if (clone / "manifest.json").is_file():
        return clone
    raise ImportError(f"the scripts are missing: neither {packaged} nor {clone} is there")


def _read(lua: Path, entry: dict[str, Any]) -> Script:
    source = (lua / entry["file"]).read_bytes()
    if hashlib.sha1(source, usedforsecurity=False).hexdigest() != entry["sha1"]:
        raise ImportError(f"{lua / entry['file']} is not the file that the manifest describes")
    arguments = tuple(
        Argument(a["name"], a["type"], a["optional"], a["repeated"]) for a in entry["args"]
    )
    strange = {a.type for a in arguments} - _ENCODERS.keys()
    words, repeat = frozenset(entry["errors"]), entry["repeat"]
    if strange or words - BY_WORD.keys() - {"MORE"}:
        raise ImportError(f"{entry['name']}: the manifest has types or words of a later contract")
    return Script(
        name=entry["name"],
        sha1=entry["sha1"],
        source=source,
        keys=tuple(entry["keys"]),
        arguments=arguments,
        errors=words,
        writes=entry["writes"],
        more=entry["more"],
        repeat=Repeat(repeat["safe"], repeat.get("arg"), repeat.get("within")),
    )


def _load() -> tuple[MappingProxyType[str, Script], MappingProxyType[str, Reserved]]:
    lua = _lua()
    manifest = json.loads((lua / "manifest.json").read_bytes())
    if manifest["contract"] != CONTRACT:
        raise ImportError(f"{lua} is of contract {manifest['contract']}, this package of {CONTRACT}")
    scripts = (_read(lua, entry) for entry in manifest["scripts"])
    known = [field.name for field in fields(Reserved)]
    reserved = (Reserved(**{name: entry[name] for name in known}) for entry in manifest["reserved"])
    return (
        MappingProxyType({script.name: script for script in scripts}),
        MappingProxyType({one.name: one for one in reserved}),
    )


#: Every script, and every reserved metadata name, by its name.
SCRIPTS, RESERVED = _load()

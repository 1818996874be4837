"""The manifest as the one place of the scripts' rules."""

from __future__ import annotations

import re

import pytest

from marconi_redis import InvalidArgument
from marconi_redis.errors import BY_WORD
from marconi_redis.manifest import SCRIPTS
from marconi_redis.metadata import NUMBERS, TEXTS


def test_every_word_of_the_manifest_has_a_class_of_its_own() -> None:
    words = {word for script in SCRIPTS.values() for word in script.errors} - {"MORE"}
    assert words <= BY_WORD.keys()
    assert len({BY_WORD[word] for word in words}) == len(words)
    assert all(BY_WORD[word].word == word for word in words)


def test_reserved_names_are_those_of_the_manifest() -> None:
    import json

    from marconi_redis.manifest import _lua

    entries = json.loads((_lua() / "manifest.json").read_text())["scripts"]
    create = next(entry for entry in entries if entry["name"] == "queue/create")
    doc = next(argument["doc"] for argument in create["args"] if argument["name"] == "name")
    assert set(re.findall(r"_[a-z_]+", doc)) == NUMBERS | TEXTS


def test_arguments_go_in_the_manifests_order_and_groups_are_repeated_as_groups() -> None:
    encoded = SCRIPTS["post"].encode(
        client="c", token=None, ttl=[1, None], delay=[None, 2], body=[b"\xa1a", b"\xa1b"]
    )
    assert encoded == [
        b"",
        b"c",
        b"",
        b"",
        b"",
        b"1",
        b"",
        b"\xc4\x02\xa1a",
        b"",
        b"2",
        b"\xc4\x02\xa1b",
    ]


def test_flags_and_what_is_left_out_are_empty() -> None:
    release = SCRIPTS["release"]
    assert release.encode(claim="x", untried=False) == [b"", b"x", b""]
    assert release.encode(claim="x", untried=True) == [b"", b"x", b"1"]


@pytest.mark.parametrize("value", [1.5, "1", True, b"1"])
def test_an_integer_that_is_none_is_refused_by_its_name(value: object) -> None:
    with pytest.raises(InvalidArgument, match="limit"):
        SCRIPTS["claim"].encode(claim="x", ttl=1, grace=1, limit=value)


def test_an_argument_that_a_script_does_not_have_is_a_bug() -> None:
    with pytest.raises(TypeError):
        SCRIPTS["get"].encode(ids=["1-0"])

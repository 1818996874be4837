"""The manifest as the one place of the scripts' rules."""

from __future__ import annotations

import math

import pytest

from marconi_redis import InvalidArgument, metadata
from marconi_redis.errors import BY_WORD
from marconi_redis.manifest import RESERVED, SCRIPTS, Repeat


def test_every_word_of_the_manifest_has_a_class_of_its_own() -> None:
    words = {word for script in SCRIPTS.values() for word in script.errors} - {"MORE"}
    assert words <= BY_WORD.keys()
    assert len({BY_WORD[word] for word in words}) == len(words)
    assert all(BY_WORD[word].word == word for word in words)


def test_what_is_reserved_goes_to_the_scripts_by_its_type() -> None:
    given: dict[str, object] = {
        name: one.min if one.type == "integer" else "x" * one.min for name, one in RESERVED.items()
    }
    arguments = metadata.arguments({"mine": 1, **given})
    assert arguments["name"] == list(given)
    assert arguments["value"] == [str(value) for value in given.values()]
    for name, value in given.items():
        with pytest.raises(InvalidArgument, match=name):
            metadata.arguments({name: 1 if isinstance(value, str) else "1"})


@pytest.mark.parametrize(
    ("script", "values", "seconds"),
    [
        ("claim", {}, math.inf),
        ("queue/purge", {}, 0),
        ("post", {"token": "t"}, 60),
        ("post", {"token": None}, 0),
        ("queue/create", {}, math.inf),
        ("queue/create", {"metadata": b"\x80"}, 0),
        ("dead/purge", {"id": ["1-0"]}, math.inf),
        ("dead/purge", {"id": [""]}, 0),
    ],
)
def test_a_call_may_be_repeated_as_its_script_and_arguments_say(
    script: str, values: dict[str, object], seconds: float
) -> None:
    assert SCRIPTS[script].repeat.lasts(values) == seconds


def test_a_rule_of_a_later_manifest_is_not_safe() -> None:
    assert Repeat("sometimes", "token", None).lasts({"token": "t"}) == 0


def test_arguments_go_in_the_manifests_order_and_groups_are_repeated_as_groups() -> None:
    encoded = SCRIPTS["post"].encode(
        {"client": "c", "ttl": [1, None], "delay": [None, 2], "body": [b"\xa1a", b"\xa1b"]}
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
    assert release.encode({"claim": "x", "untried": False}) == [b"", b"x", b""]
    assert release.encode({"claim": "x", "untried": True}) == [b"", b"x", b"1"]


@pytest.mark.parametrize("value", [1.5, "1", True, b"1"])
def test_an_integer_that_is_none_is_refused_by_its_name(value: object) -> None:
    with pytest.raises(InvalidArgument, match="limit"):
        SCRIPTS["claim"].encode({"claim": "x", "ttl": 1, "grace": 1, "limit": value})


def test_an_argument_that_a_script_does_not_have_is_a_bug() -> None:
    with pytest.raises(TypeError):
        SCRIPTS["get"].encode({"ids": ["1-0"]})

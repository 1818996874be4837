"""Metadata: what the scripts go by, and that a map comes back as it was given."""

import pytest

from zaqar_marconi_redis import units

USUAL = {
    "_default_message_ttl": 3600,
    "_default_message_delay": 30,
    "_max_claim_count": 3,
    "_dead_letter_queue": "dead",
    "_dead_letter_queue_messages_ttl": 7200,
    "_flavor": "gold",
    "_max_messages_post_size": 2000,
    "team": {"name": "billing"},
}
ODD = [
    {},
    {"_default_message_ttl": 0},
    {"_default_message_ttl": "an hour"},
    {"_default_message_ttl": True},
    {"_default_message_ttl": 60, "_default_message_delay": 60},
    {"_default_message_delay": -1},
    {"_max_claim_count": 3},
    {"_max_claim_count": 0, "_dead_letter_queue": "dead"},
    {"_dead_letter_queue": None, "_max_claim_count": 3},
    {"_flavor": None},
]


def test_the_scripts_go_by_ms_and_counts():
    assert units.to_store(USUAL) == {
        "_default_message_ttl": 3_600_000,
        "_default_message_delay": 30_000,
        "_max_claim_count": 3,
        "_dead_letter_queue": "dead",
        "_dead_letter_queue_messages_ttl": 7_200_000,
        "_flavor": "gold",
        "zaqar:_max_messages_post_size": 2000,
        "team": {"name": "billing"},
    }


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_what_the_scripts_would_refuse_is_kept_from_them(odd):
    kept = units.to_store(odd)
    assert not {"_max_claim_count", "_dead_letter_queue", "_default_message_delay", "_flavor"} & set(kept)
    assert kept.get("_default_message_ttl", 60_000) == 60_000


@pytest.mark.parametrize("given", [USUAL, *ODD], ids=str)
def test_a_map_comes_back_as_it_was_given(given):
    assert units.from_store(units.to_store(given)) == given


def test_a_time_of_another_program_is_rounded_up_to_seconds():
    assert units.from_store({"_default_message_ttl": 1500}) == {"_default_message_ttl": 2}


def test_a_filter_sees_what_zaqar_sees():
    kept = units.to_store(USUAL)
    assert units.is_like(kept, {"_default_message_ttl": 3600, "_max_messages_post_size": 2000})
    assert not units.is_like(kept, {"_default_message_ttl": 3_600_000})
    assert not units.is_like(kept, {"missing": None})

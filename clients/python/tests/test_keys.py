"""Names and keys, by the table of the contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from marconi_redis import Corrupt, InvalidArgument, QueuePath, Store
from marconi_redis.keys import Prefix, QueueKeys

CONTRACT = Path(__file__).parents[3] / "docs" / "contract.md"


def golden() -> list[tuple[str, str, str]]:
    """The table of keys as it stands in the contract, so that the two can't part."""
    section = CONTRACT.read_text().partition("\n## Keys\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| `(.+?)` \| `(.+?)` \|$", section, re.MULTILINE)
    return [(project.strip("`").replace("(none)", ""), queue, key) for project, queue, key in rows]


def test_names_stand_in_keys_as_the_table_of_the_contract_has_them() -> None:
    table = golden()
    assert len(table) == 8
    for project, queue, key in table:
        path = QueuePath(project, queue)
        assert QueueKeys(Prefix(), path).key("log") == key
        assert QueuePath.from_tag(path.tag) == path


@pytest.mark.parametrize(
    ("project", "queue", "argument"),
    [
        ("p", "", "queue"),
        ("p", "x" * 257, "queue"),
        ("x" * 257, "q", "project"),
        ("p\n", "q", "project"),
        ("p", "\x7f", "queue"),
        ("p", "\x85", "queue"),
        ("p", "😀" * 65, "queue"),
        ("p", "\ud800", "queue"),
    ],
)
def test_names_out_of_bounds_are_refused_by_the_argument_they_were(
    project: str, queue: str, argument: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        QueuePath(project, queue)
    assert refused.value.argument == argument


@pytest.mark.parametrize(
    "tag",
    ["", "p", "p/", "p/q/r", "p/%2f", "p/%41", "p/%", "p/%2", "p/%ZZ", "p/%FF", "p/%0A", "p/{q"],
)
def test_a_tag_that_is_written_in_another_way_names_no_queue(tag: str) -> None:
    with pytest.raises(Corrupt):
        QueuePath.from_tag(tag)


@pytest.mark.parametrize("prefix", ["", "a{", "}", "a\n", "x" * 65])
def test_no_prefix_can_take_the_hash_tag_away(prefix: str) -> None:
    with pytest.raises(InvalidArgument):
        Prefix(prefix)


def test_names_of_strange_characters_make_queues_that_never_meet(store: Store) -> None:
    names = [(project, queue) for project, queue, _ in golden()]
    for number, (project, queue) in enumerate(names):
        store.queue(project, queue).post(number)
    for number, (project, queue) in enumerate(names):
        found = store.queue(project, queue).list().messages
        assert [message.body for message in found] == [number]
        assert queue in [entry.name for entry in store.queues(project).queues]

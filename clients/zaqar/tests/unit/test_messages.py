"""Messages: bodies and checksums, bulk deletion, refusals in Zaqar's words."""

import uuid
from concurrent import futures

import marconi_redis
import pytest
from zaqar.storage import errors, utils
from zaqar.transport.validation import ValidationFailed

PROJECT, QUEUE, CLIENT = "shop", "orders", uuid.UUID(int=1)
CLAIM = {"ttl": 300, "grace": 60}


@pytest.fixture(autouse=True)
def queue(node):
    node.queues.create(QUEUE, project=PROJECT)


def post(node, *bodies, **message):
    messages = [{"ttl": 600, "body": body, **message} for body in bodies]
    return node.messages.post(QUEUE, messages, CLIENT, project=PROJECT)


def claim(node, limit):
    return node.claims.create(QUEUE, CLAIM, project=PROJECT, limit=limit)[0]


def left(node):
    page = node.messages.list(QUEUE, project=PROJECT, echo=True, include_claimed=True)
    return [message["id"] for message in next(page)]


def other_program(port):
    return marconi_redis.Store(f"redis://127.0.0.1:{port}").queue(PROJECT, QUEUE)


def test_another_program_reads_what_zaqar_posts_and_the_other_way_round(node, port):
    post(node, {"order": 1})
    others = other_program(port)
    assert [message.body for message in others.list().messages] == [{"order": 1}]
    others.post({"order": 2})
    page = node.messages.list(QUEUE, project=PROJECT, echo=True)
    assert [message["body"] for message in next(page)] == [{"order": 1}, {"order": 2}]


def test_a_checksum_is_kept_beside_the_body_from_the_post_on(make_node):
    node, plain = make_node(general={"enable_checksum": True}), make_node()
    (checked,) = post(node, {"order": 1})
    (unchecked,) = post(plain, {"order": 2})
    for reader in (node, plain):
        found = reader.messages.get(QUEUE, checked, project=PROJECT)
        assert (found["body"], found["checksum"]) == ({"order": 1}, utils.get_checksum({"order": 1}))
        found = reader.messages.get(QUEUE, unchecked, project=PROJECT)
        assert found["body"] == {"order": 2} and "checksum" not in found


def test_a_body_that_another_program_broke_hides_no_other(node, port):
    other_program(port).post(marconi_redis.NewMessage(b"\xc1", raw=True))
    post(node, "good")
    page = node.messages.list(QUEUE, project=PROJECT, echo=True)
    assert [message["body"] for message in next(page)] == [None, "good"]


def test_bulk_deletion_without_claims_takes_what_is_held_too(node):
    ids = post(node, *range(5))
    claim(node, 2), claim(node, 1)
    node.messages.bulk_delete(QUEUE, [*ids[:4], "no-id"], project=PROJECT)
    assert left(node) == ids[4:]


def test_bulk_deletion_with_claims_takes_only_what_they_hold(node):
    ids = post(node, *range(5))
    first, second = claim(node, 2), claim(node, 1)
    with pytest.raises(errors.MessageNotClaimed):
        node.messages.bulk_delete(QUEUE, ids, project=PROJECT, claim_ids=[first, second])
    with pytest.raises(errors.ClaimDoesNotMatch):
        node.messages.bulk_delete(QUEUE, ids[:3], project=PROJECT, claim_ids=[first])
    with pytest.raises(errors.ClaimDoesNotExist):
        node.messages.bulk_delete(QUEUE, ids[:3], project=PROJECT, claim_ids=[first, second, str(uuid.uuid4())])
    assert left(node) == ids
    node.messages.bulk_delete(QUEUE, ids[:3], project=PROJECT, claim_ids=[first, second])
    assert left(node) == ids[3:]


def test_a_delay_that_outlasts_the_message_is_the_callers_mistake(node):
    with pytest.raises(ValidationFailed, match="delay"):
        post(node, "never seen", delay=600)


def test_a_post_to_a_queue_that_zaqar_does_not_know_is_refused(node):
    with pytest.raises(errors.QueueDoesNotExist):
        node.messages.post("unknown", [{"ttl": 60, "body": 1}], CLIENT, project=PROJECT)
    assert not node.queues.exists("unknown", project=PROJECT)


def test_a_delete_says_what_stands_in_its_way(node):
    ids = post(node, *range(3))
    first, second = claim(node, 1), claim(node, 1)
    for message, under, word in (
        (ids[0], None, errors.MessageIsClaimed),
        (ids[0], second, errors.MessageNotClaimedBy),
        (ids[0], str(uuid.uuid4()), errors.ClaimDoesNotExist),
        (ids[2], first, errors.MessageNotClaimed),
    ):
        with pytest.raises(word):
            node.messages.delete(QUEUE, message, project=PROJECT, claim=under)
    node.messages.delete(QUEUE, ids[0], project=PROJECT, claim=first)
    assert left(node) == ids[1:]


def test_a_server_that_is_gone_is_a_connection_error(make_node, port):
    node = make_node(deadline=0.2, planes=("127.0.0.1:1",) * 2)
    assert not node.data.is_alive()
    with pytest.raises(errors.ConnectionError, match="nothing was done"):
        node.messages.get(QUEUE, "1-1", project=PROJECT)


def test_threads_of_one_node_never_hold_one_message_twice(node):
    ids = [message for start in range(0, 200, 100) for message in post(node, *range(start, start + 100))]

    def work(_):
        held = []
        while True:
            _, messages = node.claims.create(QUEUE, CLAIM, project=PROJECT, limit=7)
            found = [message["id"] for message in messages]
            if not found:
                return held
            held += found

    with futures.ThreadPoolExecutor(8) as pool:
        held = [message for part in pool.map(work, range(8)) for message in part]
    assert sorted(held) == sorted(ids)

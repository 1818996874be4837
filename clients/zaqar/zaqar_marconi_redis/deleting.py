"""Bulk deletion as Zaqar has it: without claims, whoever holds the messages.

Guards that what is deleted is what was asked for: where a script refuses because of a claim, the message is looked up
and deleted under the claim that holds it, never by going round the script.
"""

import marconi_redis as client

#: How often what is claimed or released meanwhile is looked up anew.
_ROUNDS = 8


def bulk_delete(queue, ids, claim_ids=None):
    """Deletes messages; with `claim_ids` only where these claims hold each of them, refused otherwise.

    One atomic step where nobody holds them, or one claim all of them; else one for each claim.
    """
    if claim_ids:
        return _under(queue, ids, claim_ids)
    refused: client.MarconiError | None = None
    for _ in range(_ROUNDS):
        try:
            # Nobody holds them, as a rule.
            return queue.delete_many(ids)
        except client.MessageIsClaimed as error:
            refused = error
        try:
            return _by_holder(queue, ids)
        except (
            client.MessageIsClaimed,
            client.MessageNotClaimed,
            client.MessageNotClaimedBy,
            client.ClaimDoesNotExist,
        ) as error:
            # Claimed, or let go, since it was looked up.
            refused = error
    raise refused or client.MessageIsClaimed(path=queue.path)


def _under(queue, ids, claim_ids):
    if len(claim_ids) == 1:
        return queue.delete_many(ids, claim=claim_ids[0])
    held = _held(queue, ids)
    for claim in claim_ids:
        queue.get_claim(claim)
    for holder, messages in held.items():
        if holder is None:
            raise client.MessageNotClaimed(messages[0], id=messages[0], path=queue.path)
        if holder not in claim_ids:
            raise client.MessageNotClaimedBy(holder, id=holder, path=queue.path)
    return _delete(queue, held)


def _by_holder(queue, ids):
    return _delete(queue, _held(queue, ids))


def _held(queue, ids):
    """The ids of those that are there, by the claim that holds them."""
    held: dict[str | None, list[str]] = {}
    for message in queue.get_many(ids):
        held.setdefault(message.claim, []).append(message.id)
    return held


def _delete(queue, held):
    return sum(queue.delete_many(messages, claim=claim) for claim, messages in held.items())

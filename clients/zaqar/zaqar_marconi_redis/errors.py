"""The errors of the client, in Zaqar's words.

Guards that each means in Zaqar what it means in the scripts, and that a caller's mistake is answered as one: Zaqar's
transports turn ValidationFailed, which is a ValueError, into a 400, and what they don't know into a 503.
"""

import functools
import inspect

import marconi_redis as client
from zaqar.storage import errors
from zaqar.transport.validation import ValidationFailed


class Unreachable(errors.ConnectionError):
    """Redis did not answer, or what it holds can't be used. Says whether it was done: no, yes, or unknown."""

    msg_format = "{detail}"


class TokenReused(errors.Conflict):
    """A token came with other content."""

    msg_format = "{detail}"


class PoolInUseByQueues(errors.PoolInUseByFlavor):
    """The pool holds queues; Zaqar has no word of its own for that."""

    msg_format = "Pool {pid} holds queues ({fid})"


def refused(why):
    """A caller's mistake."""
    # ValidationFailed formats its text.
    return ValidationFailed(str(why).replace("{", "{{").replace("}", "}}"))


def _of_queue(kind):
    return lambda error: kind(error.queue, _project(error))


def _of_id(kind):
    return lambda error: kind(error.id, error.queue, _project(error))


def _project(error):
    return error.project or None


#: By the client's class. Whoever knows more, the claim that was asked for, catches before.
_SAID = {
    client.QueueDoesNotExist: _of_queue(errors.QueueDoesNotExist),
    client.TopicDoesNotExist: _of_queue(errors.TopicDoesNotExist),
    client.MessageDoesNotExist: _of_id(errors.MessageDoesNotExist),
    client.ClaimDoesNotExist: _of_id(errors.ClaimDoesNotExist),
    client.MessageIsClaimed: lambda error: errors.MessageIsClaimed(error.id),
    client.MessageNotClaimed: lambda error: errors.MessageNotClaimed(error.id),
    client.MessageNotClaimedBy: lambda error: errors.MessageNotClaimedBy(error.id, None),
    client.TokenReused: lambda error: TokenReused(detail=str(error)),
    client.PoolDoesNotExist: lambda error: errors.PoolDoesNotExist(error.detail),
    client.PoolAlreadyExists: lambda error: errors.PoolAlreadyExists(),
    client.FlavorDoesNotExist: lambda error: errors.FlavorDoesNotExist(error.detail),
    client.SubscriptionDoesNotExist: lambda error: errors.SubscriptionDoesNotExist(error.id),
    client.SubscriptionAlreadyExists: lambda error: errors.SubscriptionAlreadyExists(),
    client.InvalidArgument: refused,
    client.TooLarge: refused,
}


def translated(error):
    """Zaqar's error for one of the client's."""
    for kind in type(error).__mro__:
        if kind in _SAID:
            return _SAID[kind](error)
    if isinstance(error, client.Codec) and error.outcome == "not done":
        return refused(error)
    return Unreachable(detail=str(error))


def said(method):
    """A method of a controller, whose errors are Zaqar's; of a listing, those of its iteration too."""
    if inspect.isgeneratorfunction(method):

        @functools.wraps(method)
        def telling(*args, **kwargs):
            try:
                yield from method(*args, **kwargs)
            except client.MarconiError as error:
                raise translated(error) from error
    else:

        @functools.wraps(method)
        def telling(*args, **kwargs):
            try:
                return method(*args, **kwargs)
            except client.MarconiError as error:
                raise translated(error) from error

    return telling

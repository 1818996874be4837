"""What each word of the server's leads to, by a server that says it."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marconi_redis import Corrupt, InvalidArgument, MarconiError, Queue, Store, Transport


class Saying:
    """Answers scripts with what it is told, the last one for ever, and everything else with OK."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="marconi-")) / "saying.sock"
        self.answers: list[bytes] = []
        self.asked = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        # Who has heard enough breaks the line.
        with client, client.makefile("rb") as stream, contextlib.suppress(ConnectionError):
            while head := stream.readline():
                words = []
                for _ in range(int(head[1:])):
                    length = int(stream.readline()[1:])
                    words.append(stream.read(length + 2)[:-2])
                client.sendall(self._answer(words))

    def _answer(self, words: list[bytes]) -> bytes:
        if words[0] != b"EVALSHA":
            return b"+OK\r\n"
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def saying() -> Iterator[Saying]:
    one = Saying()
    yield one
    one.close()


@pytest.fixture
def queue(saying: Saying) -> Queue:
    return Store(f"unix://{saying.path}", deadline=1).queue("p", "q")


def purge(queue: Queue) -> object:
    return queue.purge()


def renew(queue: Queue) -> object:
    return queue.renew("00000000-0000-4000-8000-000000000000")


WAITS = [
    "LOADING",
    "TRYAGAIN",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "BUSY",
    "NOREPLICAS",
    "READONLY",
    "NOSCRIPT",
]


@pytest.mark.parametrize("word", WAITS)
def test_a_server_that_can_not_yet_is_asked_again_whatever_it_is_asked(
    saying: Saying, queue: Queue, word: str
) -> None:
    saying.answers = [f"-{word} not yet\r\n".encode()] * 2 + [b":7\r\n"]
    assert queue.purge() == 7
    assert saying.asked == 3


@pytest.mark.parametrize("word", WAITS[:-2])
def test_one_that_never_can_leaves_it_undone_at_the_deadline(
    saying: Saying, queue: Queue, word: str
) -> None:
    saying.answers = [f"-{word} not yet\r\n".encode()]
    begun = time.monotonic()
    with pytest.raises(Transport, match=word) as failed:
        queue.purge()
    assert failed.value.outcome == "not done"
    assert 0.3 < time.monotonic() - begun < 1.5
    # The pauses grow: at most 10 ms at first, and half a second at the end.
    assert saying.asked < 15


@pytest.mark.parametrize("word", ["OOM", "NOAUTH", "WRONGPASS", "NOPERM", "MISCONF", "CROSSSLOT"])
def test_what_no_repetition_changes_is_told_at_once(saying: Saying, queue: Queue, word: str) -> None:
    saying.answers = [f"-{word} no\r\n".encode()]
    with pytest.raises(Transport, match=word) as failed:
        queue.purge()
    assert (failed.value.outcome, saying.asked) == ("not done", 1)


@pytest.mark.parametrize("operation", [purge, renew])
@pytest.mark.parametrize("word", ["ERR", "WRONGTYPE", "UNHEARDOF"])
def test_what_nobody_knows_may_have_been_done(
    saying: Saying, queue: Queue, word: str, operation: Callable[[Queue], object]
) -> None:
    saying.answers = [f"-{word} in the middle of it\r\n".encode()]
    with pytest.raises(Transport, match=word) as failed:
        operation(queue)
    assert (failed.value.outcome, saying.asked) == ("unknown", 1)


def test_once_unknown_no_later_refusal_makes_it_not_done(saying: Saying, queue: Queue) -> None:
    queue = Store(f"unix://{saying.path}", deadline=2.5).queue("p", "q")
    # Half an answer, and then a server that can not.
    saying.answers = [b"*5\r\n:1\r\n", b"-LOADING not yet\r\n"]
    with pytest.raises(Transport) as failed:
        renew(queue)
    assert failed.value.outcome == "unknown"
    assert saying.asked > 1


def test_a_refusal_of_a_script_that_can_not_have_said_it_is_none(saying: Saying, queue: Queue) -> None:
    # The manifest says which words a script has; purge has no CLAIMED.
    saying.answers = [b"-CLAIMED 1-0 is held\r\n"]
    with pytest.raises(Transport, match="CLAIMED") as failed:
        queue.purge()
    assert failed.value.outcome == "unknown"
    saying.answers = [b"-BADARG now: wants digits\r\n"]
    with pytest.raises(InvalidArgument) as refused:
        queue.purge()
    assert refused.value.argument == "now"


@pytest.mark.parametrize("answer", [b"$1\r\nx\r\n", b"*0\r\n", b"*2\r\n:1\r\n:2\r\n"])
def test_an_answer_of_another_form_is_told_as_such(saying: Saying, queue: Queue, answer: bytes) -> None:
    saying.answers = [answer]
    with pytest.raises(MarconiError) as failed:
        renew(queue)
    assert (failed.value.word, failed.value.outcome, failed.value.queue) == ("CORRUPT", "done", "q")


def test_more_without_end_is_left_undone_at_the_deadline(saying: Saying, queue: Queue) -> None:
    saying.answers = [b"-MORE sweep, then call again\r\n"]
    # Sweeps are refused too here: what is asked of a server like this is not done.
    with pytest.raises(Transport) as failed:
        queue.purge()
    assert failed.value.outcome == "not done"


LETTER = b"*3\r\n$3\r\n1-0\r\n$3\r\np/d\r\n$1\r\nx\r\n"


@pytest.mark.parametrize(
    ("answers", "ask"),
    [
        ([b"*2\r\n$1\r\n7\r\n:1\r\n"], Queue.check),
        ([b"*4\r\n$0\r\n\r\n:1\r\n$1\r\na\r\n$1\r\nb\r\n", b"*1\r\n:0\r\n"], Queue.repair),
        ([LETTER, b":1\r\n", b":0\r\n", LETTER], Queue.carry_dead_letters),
    ],
)
def test_a_server_that_leads_nowhere_is_corrupt(
    saying: Saying, queue: Queue, answers: list[bytes], ask: Callable[[Queue], object]
) -> None:
    saying.answers = answers
    with pytest.raises(Corrupt):
        ask(queue)

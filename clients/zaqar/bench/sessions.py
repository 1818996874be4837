"""One client's line to Zaqar: through the storage controllers, through HTTP, or through the WSGI application itself.

Guards that a life of messages is the same three verbs whichever way it goes: post, claim, delete.
"""

import http.client
import io
import json
import uuid

from bench.plan import CLAIM, PROJECT, QUEUE


class DriverSession:
    """Calls the controllers as Zaqar's transport does: those of the pipeline before the storage driver."""

    def __init__(self, storage):
        self._queues = storage.queue_controller
        self._messages = storage.message_controller
        self._claims = storage.claim_controller
        self._client = uuid.uuid4()

    def post(self, messages):
        """Posts in one call."""
        return list(self._messages.post(QUEUE, messages=messages, project=PROJECT, client_uuid=self._client))

    def claim(self, limit, lengths=CLAIM):
        """The claim, and what names its messages: bodies and all, they are read."""
        claim, found = self._claims.create(QUEUE, metadata=lengths, project=PROJECT, limit=limit)
        return claim, [message["id"] for message in found]

    def delete(self, claim, name):
        """Deletes one message of a claim."""
        self._messages.delete(QUEUE, message_id=name, project=PROJECT, claim=claim)

    def delete_many(self, claim, names):
        """Deletes messages of a claim in one call."""
        self._messages.bulk_delete(QUEUE, message_ids=names, project=PROJECT, claim_ids=[claim])

    def counted(self):
        """How many messages the queue has, by the driver's own count."""
        found = self._queues.stats(QUEUE, project=PROJECT)["messages"]
        return {name: found[name] for name in ("claimed", "total")}


class RefusedError(Exception):
    """The API answered with another status than the one that was to come."""


class _WebSession:
    """The same over Zaqar's API, version 2."""

    _BASE = f"/v2/queues/{QUEUE}"

    def __init__(self):
        self._headers = {
            "Client-ID": str(uuid.uuid4()),
            "X-Project-Id": PROJECT,
            "Accept": "application/json",
            "Content-Type": "application/json",
        }

    def _request(self, method, path, body):
        raise NotImplementedError

    def _asked(self, method, path, document, *wanted):
        body = b"" if document is None else json.dumps(document).encode()
        status, answer = self._request(method, path, body)
        if status not in wanted:
            raise RefusedError(f"{method} {path.partition('?')[0]}: {status}")
        return json.loads(answer) if answer else None

    def post(self, messages):
        """Posts in one request."""
        return self._asked("POST", f"{self._BASE}/messages", {"messages": messages}, 201)["resources"]

    def claim(self, limit, lengths=CLAIM):
        """The claim, and the addresses of its messages."""
        found = self._asked("POST", f"{self._BASE}/claims?limit={limit}", lengths, 201, 204)
        hrefs = [message["href"] for message in found["messages"]] if found else []
        return hrefs[0].partition("claim_id=")[2] if hrefs else None, hrefs

    def delete(self, claim, name):
        """Deletes one message of a claim: its address names both."""
        self._asked("DELETE", name, None, 204)

    def delete_many(self, claim, names):
        """Deletes messages of a claim in one request."""
        ids = ",".join(name.partition("?")[0].rpartition("/")[2] for name in names)
        self._asked("DELETE", f"{self._BASE}/messages?ids={ids}&claim_ids={claim}", None, 204)


class HttpSession(_WebSession):
    """Over one connection that is kept."""

    def __init__(self, port):
        super().__init__()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def _request(self, method, path, body):
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        return response.status, response.read()


class WsgiSession(_WebSession):
    """Without a server or a network: what a request costs inside Zaqar."""

    def __init__(self, application):
        super().__init__()
        self._application = application
        self._told = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self._headers.items()}

    def _request(self, method, path, body):
        target, _, query = path.partition("?")
        answered = []
        environ = self._told | {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": target,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        parts = self._application(environ, lambda status, headers, exc_info=None: answered.append(status))
        answer = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        return int(answered[0].split()[0]), answer

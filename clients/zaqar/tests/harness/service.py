"""The real zaqar-server on our driver, driven by Zaqar's own client over HTTP.

Guards that the driver works where Zaqar itself loads it: by its entry points, from a configuration file of a few lines.
"""

import contextlib
import os
import pathlib
import sys
import traceback

import marconi_redis
from zaqar.storage import utils

from harness import servers

CONFIGURATION = """\
[DEFAULT]
auth_strategy =
admin_mode = True
pooling = False
enable_checksum = True

[drivers]
transport = wsgi
message_store = marconi
management_store = marconi

[drivers:message_store:marconi]
uri = {uri}

[drivers:management_store:marconi]
uri = {uri}

[drivers:transport:wsgi]
bind = 127.0.0.1
port = {port}

[signed_url]
secret_key = not-a-secret

[oslo_policy]
enforce_scope = False
policy_file = {policy}
"""
POLICY = '{"default": "rule:admin_or_owner", "context_is_admin": "@", "admin_or_owner": "@", "health:get": "@"}\n'


def drive(out):
    """Starts Redis and the service, goes through what a user does, and counts the steps."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with servers.redis_server() as redis_port, _service(redis_port, out) as port:
        store = marconi_redis.Store(f"redis://127.0.0.1:{redis_port}")
        for step in _steps(_client(port), store):
            try:
                step()
                counts["passed"] += 1
            except Exception:
                counts["failed"] += 1
                print(f"  FAILED service: {step.__doc__}", flush=True)
                traceback.print_exc()
    return counts


@contextlib.contextmanager
def _service(redis_port, out):
    folder = pathlib.Path(out) / "service"
    folder.mkdir(exist_ok=True)
    port = servers.free_port()
    policy, configuration = folder / "policy.json", folder / "zaqar.conf"
    policy.write_text(POLICY)
    configuration.write_text(CONFIGURATION.format(uri=f"marconi://127.0.0.1:{redis_port}", port=port, policy=policy))
    command = [str(pathlib.Path(sys.executable).parent / "zaqar-server"), "--config-file", str(configuration)]
    with servers.running(command, folder / "zaqar-server.log", port, dict(os.environ, PYTHONWARNINGS="ignore")):
        yield port


def _client(port):
    from zaqarclient.queues import client

    options = {"os_project_id": "shop", "os_auth_token": "", "os_auth_url": "", "insecure": ""}
    return client.Client(
        f"http://127.0.0.1:{port}", version=2, conf={"auth_opts": {"backend": "noauth", "options": options}}
    )


def _steps(client, store):
    """What a user does, in this order; each checks what the service answers."""
    queue = client.queue("orders", force_create=True)
    bodies = [{"order": number} for number in range(5)]
    held = []

    def create():
        """a queue is made, and given metadata"""
        assert queue.exists()
        wanted = {"_default_message_ttl": 600, "team": "billing"}
        queue.metadata(new_meta=wanted)
        told = queue.metadata(force_reload=True)
        assert wanted.items() <= told.items(), told

    def post():
        """messages are posted"""
        answer = queue.post([{"body": body} for body in bodies])
        assert len(answer["resources"]) == 5

    def listed():
        """messages are listed in their order, with the ttl of their queue"""
        listed = list(queue.messages(echo=True))
        assert [message.body for message in listed] == bodies
        assert {message.ttl for message in listed} == {600}

    def claim():
        """a claim takes the oldest"""
        claim = queue.claim(ttl=60, grace=60, limit=2)
        held.extend(claim)
        assert [message.body for message in held] == bodies[:2]

    def stats():
        """stats tell free and claimed ones apart"""
        counted = queue.stats["messages"]
        assert (counted["free"], counted["claimed"], counted["total"]) == (3, 2, 5)

    def delete():
        """a message is deleted under its claim"""
        held[0].delete()
        assert queue.stats["messages"]["total"] == 4

    def pop():
        """a pop takes what nobody holds"""
        assert [message.body for message in queue.pop(count=2)] == bodies[2:4]

    def queues():
        """queues are listed"""
        assert [found.name for found in client.queues()[0]] == ["orders"]

    def subscribe():
        """a subscription is made and listed"""
        made = client.subscription("orders", subscriber="http://127.0.0.1:9/", ttl=600, options={})
        assert [found.id for found in client.subscriptions("orders")] == [made.id]

    def health():
        """health says that storage can be reached, and how much there is"""
        told = client.health()
        assert told["storage_reachable"]
        assert told["message_volume"]["total"] == 2

    def encrypted():
        """what is posted to an encrypted queue is not to be read in Redis, and comes back as it was"""
        secrets = client.queue("secrets", force_create=True)
        secrets.metadata(new_meta={"_enable_encrypt_messages": True})
        secrets.post([{"body": {"word": "hush"}, "ttl": 300}])
        (stored,) = store.queue("shop", "secrets").list().messages
        assert b"hush" not in stored.raw_body
        assert [message.body for message in secrets.messages(echo=True)] == [{"word": "hush"}]
        secrets.delete()

    def checksum():
        """a message comes with the checksum of its body"""
        (message,) = queue.messages(echo=True, limit=1)
        assert message.checksum == utils.get_checksum(message.body)

    def gone():
        """a queue is deleted"""
        queue.delete()
        assert list(client.queues()[0]) == []

    return [create, post, listed, claim, stats, delete, pop, queues, subscribe, health, encrypted, checksum, gone]

"""URIs: what each means, which are refused, and that what is meant can be reached."""

import pathlib

import marconi_redis
import pytest
import redis
import trustme
from zaqar.common.errors import ConfigurationError

from harness import servers
from zaqar_marconi_redis import place, uri


def test_a_server_is_a_host_a_port_and_a_database():
    found = uri.read("marconi://redis.example:6380?dbid=3&socket_timeout=0.25")
    assert (found.hosts, found.database, found.timeout) == ((("redis.example", 6380),), 3, 0.25)
    assert uri.read("marconi://[::1]").hosts == (("::1", 6379),)


def test_a_user_and_a_password_may_be_given_or_a_password_alone():
    both = uri.read("marconi://me:s%40fe@host")
    assert (both.username, both.password) == ("me", "s@fe")
    alone = uri.read("marconi://:s%2Ffe@host")
    assert (alone.username, alone.password) == (None, "s/fe")


def test_a_unix_socket_is_a_path():
    found = uri.read("marconi://:safe@/run/redis.sock?dbid=1")
    assert (found.socket, found.password, found.database) == ("/run/redis.sock", "safe", 1)


def test_sentinels_are_hosts_with_a_master():
    found = uri.read("marconi://:safe@a:26380,b?master=mymaster&sentinel_username=s&sentinel_password=t")
    assert found.hosts == (("a", 26380), ("b", 26379))
    assert (found.master, found.sentinel) == ("mymaster", {"username": "s", "password": "t"})


def test_a_cluster_is_hosts_that_say_so():
    found = uri.read("marconi://a:7000,b:7001?cluster=true")
    assert (found.hosts, found.cluster) == ((("a", 7000), ("b", 7001)), True)


def test_tls_is_verified_unless_it_says_not_to():
    found = uri.read("marconi://host?tls=true&tls_ca=/ca.pem")
    assert (found.tls["ssl_cert_reqs"], found.tls["ssl_ca_certs"]) == ("required", "/ca.pem")
    assert found.tls["ssl_check_hostname"]
    assert uri.read("marconi://host?tls=true&tls_verify=false").tls["ssl_cert_reqs"] == "none"


def test_zaqars_own_tests_have_blanks_in_their_options():
    assert uri.read("marconi://127.0.0.1:6379/?dbid = 2").database == 2


@pytest.mark.parametrize(
    "wrong",
    [
        "redis://host",
        "marconi://",
        "marconi:///",
        "marconi://me@host",
        "marconi://host:0",
        "marconi://host:x",
        "marconi://a,b",
        "marconi://a,b?master=m&cluster=true",
        "marconi://a?cluster=true&dbid=1",
        "marconi://a?cluster=perhaps",
        "marconi://host?dbid=-1",
        "marconi://host?dbid=x",
        "marconi://host?socket_timeout=0",
        "marconi://host?tls_ca=/ca.pem",
        "marconi://host?database=1",
        "marconi:///run/redis.sock?tls=true",
        "marconi:///run/redis.sock?master=m",
    ],
)
def test_what_can_not_mean_what_it_says_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        uri.read(wrong)


def test_no_password_shows():
    found = uri.read("marconi://me:secret@host?master=m&sentinel_password=secret")
    assert "secret" not in repr(found)
    with pytest.raises(ConfigurationError) as refused:
        uri.read("marconi://me:secret@a,b")
    assert "secret" not in str(refused.value)


def answers(text):
    """Whether a post and a claim go through to where a URI leads."""
    plane = place.Plane(text, "mq", 5.0, "server")
    try:
        queue = plane.queue("p", "q")
        queue.create()
        queue.post("hello")
        return [message.body for message in queue.claim().messages] == ["hello"]
    finally:
        plane.close()


def test_a_password_alone_and_a_user_with_one_are_let_in_and_others_are_not():
    with servers.redis_server("--requirepass", "safe", "--user", "me", "on", ">mine", "~*", "&*", "+@all") as port:
        assert answers(f"marconi://:safe@127.0.0.1:{port}")
        assert answers(f"marconi://me:mine@127.0.0.1:{port}?dbid=1")
        with pytest.raises(marconi_redis.Transport):
            answers(f"marconi://:wrong@127.0.0.1:{port}")


def test_a_server_is_reached_behind_its_unix_socket():
    folder = pathlib.Path(servers.short_folder())
    with servers.redis_server("--unixsocket", str(folder / "own.sock")):
        assert answers(f"marconi://{folder}/own.sock")
    folder.rmdir()


def test_sentinels_are_asked_for_the_master(tmp_path):
    with servers.redis_server() as master:
        settings = tmp_path / "sentinel.conf"
        settings.write_text(f"sentinel monitor zaqar 127.0.0.1 {master} 1\n")
        with servers.redis_server(str(settings), "--sentinel") as sentinel:
            assert answers(f"marconi://127.0.0.1:{sentinel}?master=zaqar")


def test_a_cluster_is_reached_by_one_of_its_nodes():
    with servers.redis_server("--cluster-enabled", "yes") as port:
        with redis.Redis(port=port) as node:
            node.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
            servers.until(lambda: node.cluster("INFO")["cluster_state"] == "ok", "no cluster came up")
        assert answers(f"marconi://127.0.0.1:{port}?cluster=true")


def test_tls_is_spoken_and_a_stranger_is_not_trusted(tmp_path):
    ours, theirs = trustme.CA(), trustme.CA()
    paths = {name: str(tmp_path / f"{name}.pem") for name in ("ca", "other", "cert", "key")}
    ours.cert_pem.write_to_path(paths["ca"])
    theirs.cert_pem.write_to_path(paths["other"])
    issued = ours.issue_cert("localhost")
    issued.private_key_pem.write_to_path(paths["key"])
    issued.cert_chain_pems[0].write_to_path(paths["cert"])
    tls_port = servers.free_port()
    with servers.redis_server(
        "--tls-port",
        str(tls_port),
        "--tls-cert-file",
        paths["cert"],
        "--tls-key-file",
        paths["key"],
        "--tls-ca-cert-file",
        paths["ca"],
        "--tls-auth-clients",
        "no",
    ):
        assert answers(f"marconi://localhost:{tls_port}?tls=true&tls_ca={paths['ca']}")
        with pytest.raises(marconi_redis.Transport):
            answers(f"marconi://localhost:{tls_port}?tls=true&tls_ca={paths['other']}")

"""What becomes of figures: nothing that was too slow or failed is dropped, and ratios stay within a round."""

import pytest

from bench import clients, figures, life, mongod, peers, plan, results, table


def told(seconds, deleted, post=0.001):
    """What one client has to tell of a slice in which it posted and deleted one by one, and claimed ten at a time."""
    calls = {"post": [post] * deleted, "claim": [0.004] * (deleted // 10), "delete": [0.002] * deleted}
    return {"seconds": seconds, "calls": calls, "messages": dict.fromkeys(calls, deleted), "failures": {}}


def cell(peer, rates, over=None, **other):
    rounds = [dict.fromkeys(figures.VERBS, rate) for rate in rates]
    where = {"state": "empty", "interface": "driver", "clients": 1, "shape": "one"}
    return {"peer": peer, **where, "rounds": rounds, "over": over, "failures": {}, **other}


def test_a_verbs_rate_is_what_all_clients_reach_that_do_nothing_else():
    rates = figures.of_slice([told(1.0, 100), told(2.0, 100)], 0.02)["rates"]
    assert rates["life"] == pytest.approx(150)
    assert rates["post"] == pytest.approx(2000)
    assert rates["claim"] == pytest.approx(5000)


def test_server_cpu_is_divided_among_the_messages_that_lived():
    assert figures.of_slice([told(1.0, 100)], 0.02)["server_cpu_us"] == pytest.approx(200)


def test_a_cell_that_never_came_to_its_end_says_so():
    found = figures.of_cell(["over 60 s", "over 60 s"])
    assert found == {"over": "over 60 s", "rounds": []}
    assert list(results.unsound([cell("stock", [], over="over 60 s")]))


def test_a_cell_of_which_one_round_was_too_slow_keeps_the_others_and_says_so():
    found = figures.of_cell([figures.of_slice([told(1.0, 100)], 0.02), "over 60 s"])
    assert found["over"] == "over 60 s"
    assert len(found["rounds"]) == 1


def test_a_ratio_is_of_the_same_round():
    (ratio,) = results.ratios([cell("ours", [100, 300]), cell("stock", [10, 100])])
    assert ratio["times"]["life"] == {"median": 6.5, "min": 3, "max": 10}


def test_a_target_without_a_figure_is_not_met():
    found = results.ratios([cell("ours", [100]), cell("stock", [], over="over 60 s")])
    judged = results.against_targets(found, plan.SMALL, peers.PEERS)
    assert [(target["measured"], target["met"]) for target in judged] == [(None, False)]


def test_a_target_is_met_by_the_median():
    found = results.ratios([cell("ours", [20, 40, 90]), cell("stock", [10, 10, 10])])
    (target,) = results.against_targets(found, plan.SMALL, peers.PEERS)
    assert (target["target"], target["measured"], target["met"]) == (3, 4, True)


class Failing:
    """A session whose deletes all fail."""

    def post(self, messages):
        return ["id"] * len(messages)

    def claim(self, limit):
        return "claim", ["id"] * limit

    def delete(self, claim, name):
        raise ConnectionError


def test_what_fails_is_counted_and_ends_the_slice():
    client = life.Life(Failing(), "one", 0)
    client.run_until(float("inf"))
    assert client.failures == {"delete: ConnectionError": 20}
    assert client.messages == {"post": 20, "claim": 20, "delete": 0}


def test_an_order_that_is_not_carried_out_in_time_ends_the_clients_and_is_told(monkeypatch):
    made = clients.Clients.__new__(clients.Clients)
    started = []
    monkeypatch.setattr(made, "_start", lambda: started.append(True), raising=False)
    ours, theirs = clients._context.Pipe()
    made._processes = [clients._context.Process(target=theirs.recv)]
    made._processes[0].start()
    with pytest.raises(clients.TooSlowError, match=r"over 0\.1 s"):
        made._answers([ours], 0.1)
    assert made._processes[0].exitcode is not None
    assert started


def test_the_page_names_what_was_too_slow():
    found = {
        "cells": [cell("stock", [], over="over 60 s")],
        "plan": {"states": {"empty": "nothing queued"}, "peers": {"stock": "stock Redis"}},
    }
    assert "over 60 s" in table._rates(found)


def test_the_page_names_a_queue_that_did_not_stay_as_full_as_it_was():
    kept = {"peer": "mongo", "state": "empty", "wanted": {"total": 0}, "found": {"total": 21}}
    found = {"kept": [kept], "plan": {"states": {"empty": "nothing queued"}, "peers": {"mongo": "MongoDB"}}}
    assert "MongoDB: 21 total for 0" in table._kept(found)
    assert "every queue held" in table._kept(found | {"kept": [kept | {"found": kept["wanted"]}]})


def test_a_mongod_that_does_not_start_is_a_reason_and_no_server(monkeypatch):
    monkeypatch.setenv("MONGOD", "/bin/false")
    binary, why_not = mongod.find("unused")
    assert binary is None
    assert "/bin/false does not start" in why_not

"""What the page says of results that are not as usual."""

from report import table


def cell(section, setting, queue, **figures):
    """A cell with one round."""
    return {"section": section, "setting": setting, "queue": queue, "figures": figures}


def figure(value, **more):
    """A figure with no spread."""
    return {"median": value, "min": value, "max": value, "rounds": [value], **more}


def results(*cells, missing=None, targets=()):
    """A run with these cells."""
    return {
        "command": "make bench",
        "begun": "2020-01-01T00:00:00Z",
        "seconds": 60,
        "machine": {"cpu": "a", "cores": 2, "server_cores": [0], "client_cores": [1], "kernel": "1", "memory_mib": 1},
        "load": {"before": 0.1, "after": 1.5},
        "server": "redis 7.0.15",
        "versions": {"bullmq": "6.7.0"},
        "missing": missing or {},
        "plan": {"name": "full", "rounds": 9, "messages": 1, "calls": 1, "sent": 1, "sent_slowly": 1, "stored": 1},
        "targets": list(targets),
        "cells": list(cells),
    }


def test_the_page_names_what_is_missing_and_why():
    page = table.written(results(missing={"BullMQ": "no such module"}))
    assert "**BullMQ is missing from this run: no such module.**" in page


def test_a_target_without_a_figure_is_on_the_page_and_not_met():
    target = {"name": "life", "bound": "at most", "target": 2, "unit": "times", "measured": None, "met": False}
    page = table.written(results(targets=[target | {"min": None, "max": None}]))
    assert "| life | at most 2 times | no figure | **no** |" in page


def test_a_figure_stands_with_its_rounds_and_with_how_many_times_ours_is_of_it():
    times = {"median": 2.5, "min": 2, "max": 3}
    life = figure(4, ours_against_it=times)
    page = table.written(results(cell("settings", "by ten", "raw Streams", life_cpu_us=life)))
    (row,) = [line for line in page.splitlines() if line.startswith("| by ten | raw Streams | 4 (4 to 4)")]
    assert "| 2.5 (2 to 3) |" in row
    assert row.split(" | ")[3] == "-"


def test_a_cell_whose_figure_is_no_number_shows_none():
    broken = {"rounds": [None]}
    page = table.written(results(cell("bytes", "queued", "raw Streams", bytes=broken)))
    assert "| queued | raw Streams | - | - |" in page

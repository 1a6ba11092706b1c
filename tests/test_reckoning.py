"""The reckoning of docs/ray.md: by hand, and the page as the script prints it."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def reckoning(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("reckoning")


@pytest.fixture
def figures(reckoning):
    """Easy ones."""
    easy = {"docs": 1e6, "gpus": 4, "gpus_per_machine": 2, "words": 100, "bytes_in": 400, "bytes_out": 600}
    easy |= {"network_words": 1000, "other_words": 1000, "read_docs": 50, "write_docs": 25}
    easy |= {"storage_bytes": 1.4e6, "link_bytes": 2.4e6, "start_seconds": 100, "price": 2}
    assert easy.keys() == reckoning.FIGURES.keys()
    return easy


def test_each_stage_has_the_rate_that_it_has_alone(reckoning, figures):
    assert reckoning.find_rates(figures) == pytest.approx(
        {
            "workers, both of the next": 20,  # 0.2 s a doc, 4 of them
            "- the network, on the GPU": 40,
            "- tokenizing, decoding, on the CPU": 40,
            "reading": 200,
            "writing": 100,
            "storage": 1000,  # 1,400 bytes a doc
            "links": 2000,  # 2,400 bytes a doc, two machines
        }
    )


def test_slowest_stage_decides(reckoning, figures):
    # 1e6 / 20 + 100 = 50,100 seconds, 13.92 hours, on 4 GPUs, for 2 dollars
    answer = reckoning.reckon(figures)[0]
    assert "13.9 hours, 56 GPU hours, 111 dollars. The slowest stage: workers." in answer
    assert "The slowest stage: writing." in reckoning.reckon({**figures, "write_docs": 1})[0]


def test_page_is_what_the_script_prints(reckoning, capsys):
    reckoning.main([])
    page = (ROOT / "docs" / "ray.md").read_text(encoding="utf8")
    kept = page.split("<!-- reckoning: begin -->\n")[1].split("<!-- reckoning: end -->")[0]
    assert kept == capsys.readouterr().out
    assert "measured |" in kept
    assert "assumed |" in kept


def test_own_figure_is_called_so(reckoning, capsys):
    reckoning.main(["--network_words", "500000"])
    out = capsys.readouterr().out
    assert "0.8 hours" in out  # 80 / 500,000 + 80 / 295,000 s a doc, 16 at a time, and 120 s to start
    assert "| `network_words` | 500,000 | yours |" in out

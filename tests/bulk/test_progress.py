import io
import re

import pytest

from spacy_xlmr_ner.bulk.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bar_tells_speed_and_what_is_left(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress(1000, n_done=20, is_shown=True) as progress:
        progress.advance(30)
        progress.note_read(250)  # a quarter of the bytes held 50 texts: there are about 200
    shown = terminal.getvalue().split("\r")
    assert any(re.search(r"25%.* 50\.0/200 .*\d\d:\d\d<\d\d:\d\d, .*text/s", line) for line in shown)


def test_bar_of_unknown_length_tells_how_many(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Progress(0, n_done=0, is_shown=True) as progress:
        progress.advance(7)
        progress.note_read(0)
        progress._bar.refresh()
    assert re.search(r"7\.00text .*text/s", terminal.getvalue())


@pytest.mark.parametrize("is_shown, is_terminal", [(False, True), (True, False)])
def test_no_bar_where_none_is_wanted_or_can_be_seen(monkeypatch, is_shown, is_terminal):
    file = Terminal() if is_terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", file)
    with Progress(100, n_done=0, is_shown=is_shown) as progress:
        progress.advance(7)
        progress.note_read(50)
    assert file.getvalue() == ""

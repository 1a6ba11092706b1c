"""The page to try a model on, asked over real sockets."""

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
import spacy
import uvicorn
from typer.testing import CliRunner

from spacy_xlmr_ner.cli import app as cli
from spacy_xlmr_ner.server import app as app_module
from spacy_xlmr_ner.server.app import make_app
from spacy_xlmr_ner.server.running import open_socket

SENTENCE = "Anna lives in Berlin"
LIMIT = 200


class Served:
    """An application on a port of its own."""

    def __init__(self, nlp, *, address="127.0.0.1", max_requests=2):
        self.socket = open_socket("127.0.0.1", 0)
        self.port = self.socket.getsockname()[1]
        app = make_app(nlp, address=address, max_chars=LIMIT, max_requests=max_requests)
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()

    def ask(self, method, path, body=None, *, kind="application/json", **headers):
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, {"Content-Type": kind, **headers})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read().decode("utf8")

    def tag(self, text):
        status, _, body = self.ask("POST", "/tag", json.dumps({"text": text}))
        return status, json.loads(body)

    def close(self):
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture
def nlp(make_nlp, chosen_checkpoint):
    return make_nlp(chosen_checkpoint)


@pytest.fixture
def served(nlp):
    own = Served(nlp)
    yield own
    own.close()


def test_page_comes_with_its_script_and_style(served):
    status, headers, page = served.ask("GET", "/")
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert served.ask("GET", path)[0] == 200
    assert re.findall(r'(?:src|href)="(?!/)', page) == []  # nothing from elsewhere


def test_page_lets_nothing_from_elsewhere_run(served):
    policy = served.ask("GET", "/")[1]["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


def test_answer_has_the_entities_of_the_pipeline(served, nlp):
    status, answer = served.tag(SENTENCE)
    assert status == 200
    doc = nlp(SENTENCE)
    assert answer["text"] == SENTENCE
    assert answer["ents"] == [
        {"start": e.start_char, "end": e.end_char, "label": e.label_, "text": e.text, "score": e._.score}
        for e in doc.ents
    ]
    assert [ent["text"] for ent in answer["ents"]] == ["Anna", "Berlin"]


def test_answer_has_pieces_over_tags(served):
    pieces = served.tag("Anna in")[1]["pieces"]
    assert pieces == [["<s>", "O"], ["▁Anna", "B-PER"], ["▁in", "O"], ["</s>", "O"]]


def test_entities_are_drawn_in_the_order_of_the_list(served):
    answer = served.tag(SENTENCE)[1]
    assert re.findall(r"<mark[^>]*>(\w+)", answer["html"]) == [ent["text"] for ent in answer["ents"]]


def test_markup_in_the_text_stays_text(served):
    drawn = served.tag("<script>alert(1)</script> Anna <img src=x onerror=alert(1)>")[1]["html"]
    assert "<script" not in drawn
    assert "<img" not in drawn
    assert "&lt;script&gt;" in drawn


def test_markup_in_a_label_stays_text(make_nlp, chosen_checkpoint):
    nlp = make_nlp(chosen_checkpoint, label_map={"PER": "<script>alert(1)</script>"})
    served = Served(nlp)
    try:
        answer = served.tag(SENTENCE)[1]
    finally:
        served.close()
    assert answer["ents"][0]["label"] == "<script>alert(1)</script>"
    assert "<script" not in answer["html"]


@pytest.mark.parametrize("text", ["", " ", "\x00\x07\x1b[31m Anna", "\u202e Anna \u202c", "🚀" * 40, "\ud83d Anna"])
def test_odd_texts_are_answered(served, text):
    status, answer = served.tag(text)
    assert status == 200
    assert len(answer["ents"]) == text.count("Anna")


def test_text_that_is_too_long_is_refused(served):
    assert served.tag("a" * LIMIT)[0] == 200
    status, answer = served.tag("a" * (LIMIT + 1))
    assert status == 413
    assert "XN271" in answer["error"]
    assert "201 characters; at most 200" in answer["error"]


def test_a_megabyte_is_refused_before_it_is_read_as_json(served, monkeypatch):
    monkeypatch.setattr(app_module.json, "loads", lambda body: pytest.fail("it was read"))
    status, _, body = served.ask("POST", "/tag", json.dumps({"text": "a" * 10**6}))
    assert status == 413
    assert "XN271" in body


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "{}", '{"text": 1}', "null", '{"text": null}', b"\xff\xfe", "[" * 2400]
)
def test_request_without_a_text_is_refused(served, body):
    status, _, answer = served.ask("POST", "/tag", body)
    assert status == 400
    assert "XN273" in answer


@pytest.mark.parametrize(
    "name", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "192.168.1.2", "[", ""]
)
def test_requests_by_another_name_are_refused_on_loopback(served, name):
    status, _, answer = served.ask("GET", "/", Host=name)
    assert status == 400
    assert "XN274" in answer


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "127.0.0.2", "[::1]:8000"])
def test_requests_by_names_of_this_machine_are_taken(served, name):
    assert served.ask("GET", "/", Host=name)[0] == 200


def test_forms_of_other_pages_are_refused(served):
    """They can send text of a few kinds without being asked whether they may, and JSON is none of these."""
    status, _, answer = served.ask("POST", "/tag", json.dumps({"text": SENTENCE}), kind="text/plain")
    assert status == 415
    assert "XN273" in answer


def test_slow_requests_count_and_end(nlp, monkeypatch):
    monkeypatch.setattr(app_module, "READ_SECONDS", 0.5)
    monkeypatch.setattr(app_module, "WAITING", 0)
    served = Served(nlp, max_requests=1)
    try:
        with closing(socket.create_connection(("127.0.0.1", served.port), timeout=30)) as slow:
            head = (
                "POST /tag HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
            )
            slow.sendall(head.encode())
            deadline = time.monotonic() + 30
            while served.tag(SENTENCE)[0] != 503 and time.monotonic() < deadline:
                pass
            assert slow.recv(100).startswith(b"HTTP/1.1 408")
        assert served.tag(SENTENCE)[0] == 200
    finally:
        served.close()


def test_requests_by_any_name_are_taken_where_others_may_use_it(nlp):
    served = Served(nlp, address="0.0.0.0")
    try:
        assert served.ask("GET", "/", Host="pc.example")[0] == 200
    finally:
        served.close()


def test_error_of_the_pipeline_is_told(served, nlp, monkeypatch):
    monkeypatch.setattr(app_module, "make_answer", lambda text, nlp: 1 / 0)
    status, answer = served.tag(SENTENCE)
    assert status == 500
    assert answer["error"] == "division by zero"


def test_no_more_texts_than_allowed_are_tagged_at_a_time_and_too_many_are_turned_away(nlp, monkeypatch):
    running, most, go_on = [], [], threading.Event()

    def answer(text, nlp):
        running.append(text)
        most.append(len(running))
        go_on.wait(30)
        running.remove(text)
        return {"text": text}

    monkeypatch.setattr(app_module, "make_answer", answer)
    monkeypatch.setattr(app_module, "WAITING", 2)
    served = Served(nlp, max_requests=2)
    found = []
    try:
        threads = [threading.Thread(target=lambda i=i: found.append(served.tag(f"text {i}")[0])) for i in range(9)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 30
        while len(found) < 3 and time.monotonic() < deadline:  # those that are turned away are told at once
            time.sleep(0.01)
        go_on.set()
        for thread in threads:
            thread.join()
    finally:
        served.close()
    assert max(most) == 2
    assert sorted(found) == [200] * 6 + [503] * 3


def test_port_in_use_is_told():
    with closing(open_socket("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"XN270.*127.0.0.1 port {port} cannot be had.*--port"):
            open_socket("127.0.0.1", port)


def test_host_that_is_none_is_told():
    with pytest.raises(OSError, match="XN270"):
        open_socket("no such host", 0)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_until_it_is_told_to_stop(number, chosen_checkpoint):
    command = [sys.executable, "-m", "spacy_xlmr_ner", "serve", str(chosen_checkpoint), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = ""
    while "http://" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    port = int(re.search(r"http://127\.0\.0\.1:(\d+)/", said)[1])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", "/tag", json.dumps({"text": SENTENCE}), {"Content-Type": "application/json"})
        assert len(json.loads(connection.getresponse().read())["ents"]) == 2
    process.send_signal(number)
    rest, _ = process.communicate(timeout=30)
    assert "Traceback" not in rest
    assert "Ended" in rest
    assert process.returncode == 0


def test_command_says_that_the_port_is_in_use(chosen_checkpoint):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = CliRunner().invoke(cli, ["serve", str(chosen_checkpoint), "--port", str(taken.getsockname()[1])])
    assert result.exit_code == 1
    assert "XN270" in result.output
    assert isinstance(result.exception, SystemExit)


def test_pipeline_without_the_component_is_told(make_nlp, tmp_path):
    spacy.blank("xx").to_disk(tmp_path)
    result = CliRunner().invoke(cli, ["serve", str(tmp_path), "--port", "0"])
    assert result.exit_code == 1
    assert "XN111" in result.output


@pytest.fixture
def ruler_nlp(nlp):
    """Entities that have no score are shown at any threshold."""
    ruler = nlp.add_pipe("entity_ruler", before="xlmr_ner")
    ruler.add_patterns([{"label": "WORD", "pattern": "lives"}])
    return nlp


def test_entity_without_a_score_has_none(ruler_nlp):
    served = Served(ruler_nlp)
    try:
        answer = served.tag(SENTENCE)[1]
    finally:
        served.close()
    assert [(ent["label"], ent["score"] is None) for ent in answer["ents"]] == [
        ("PER", False),
        ("WORD", True),
        ("LOC", False),
    ]

"""The recipe's service, asked over real sockets by several threads at a time."""

import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.util import find_spec

import pytest
import uvicorn
from spacy.language import Language

from spacy_xlmr_ner.server.running import open_socket

pytestmark = pytest.mark.skipif(find_spec("fastapi") is None, reason="fastapi is not installed (extra `ecosystem`)")
N_THREADS = 8
WORDS = ["Jack", "Sparrow", "loves", "New", "York", "Anna", "lives", "in", "Berlin", "and", "the", "Siemens", "AG"]
# As many for each thread, of many lengths.
TEXTS = [[" ".join(WORDS[i % 7 : i % 7 + 1 + (i + j) % 6]) for j in range(6)] for i in range(N_THREADS)]


@pytest.fixture
def nlp(make_nlp, random_checkpoint):
    return make_nlp(random_checkpoint)


@pytest.fixture
def port(run_recipe, nlp):
    sock = open_socket("127.0.0.1", 0)
    app = run_recipe("A service with FastAPI", nlp)["app"]
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    yield sock.getsockname()[1]
    server.should_exit = True
    thread.join()


def ask(port, texts):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", "/entities", json.dumps(texts), {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status == 200
        return json.loads(response.read())


def flatten(answers):
    return [ent for docs in answers for ents in docs for ent in ents]


def test_threads_get_the_answers_that_each_would_get_alone(port, nlp):
    alone = [
        [
            [{"text": e.text, "label": e.label_, "start": e.start_char, "score": e._.score} for e in nlp(text).ents]
            for text in texts
        ]
        for texts in TEXTS
    ]
    meeting = threading.Barrier(N_THREADS)

    @Language.component("meet")
    def meet(doc):
        meeting.wait(timeout=60)  # no doc goes on before each of the threads has one in hand
        return doc

    nlp.add_pipe("meet", first=True)
    with ThreadPoolExecutor(N_THREADS) as pool:
        found = list(pool.map(lambda texts: ask(port, texts), TEXTS))
    scores = [ent.pop("score") for ent in flatten(alone)]
    assert [ent.pop("score") for ent in flatten(found)] == pytest.approx(scores, abs=1e-4)
    assert len(scores) > 20
    assert found == alone

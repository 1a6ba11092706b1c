import json

import pytest
from spacy.tokens import Doc
from spacy.vocab import Vocab
from toys import write_chosen

from spacy_xlmr_ner.analysis import evaluate, transfer
from spacy_xlmr_ner.loading import load_pipeline


@pytest.fixture
def data():
    docs = [Doc(Vocab(), words=["Jack", "in", "Berlin"], ents=["B-PER", "O", "B-LOC"])]
    return {"de": docs, "fr": [Doc(Vocab(), words=["Anna"], ents=["B-PER"])]}


@pytest.fixture
def models(chosen_checkpoint, tmp_path):
    return {"good": str(chosen_checkpoint), "bad": str(write_chosen(tmp_path / "bad", {"▁Jack": "B-PER"}))}


def test_transfer_has_a_row_for_each_model(models, data):
    table = transfer(models, data)
    cells = {
        model: [table.scores[model].languages[language].f1.value for language in table.languages]
        for model in table.models
    }
    assert table.languages == ["de", "fr"]
    # the bad one finds Jack alone: one of two
    assert cells == {"good": [1.0, 1.0], "bad": [pytest.approx(2 / 3), 0.0]}
    assert table.scores["bad"].mean.f1.value == pytest.approx(1 / 3)


def test_transfer_cells_are_those_of_evaluate(models, data):
    table = transfer(models, data, seed=3)
    for name, path in models.items():
        assert table.scores[name] == evaluate(load_pipeline(path, lang="xx"), data, seed=3).scores


def test_transfer_to_json_is_json(models, data):
    read = json.loads(json.dumps(transfer(models, data).to_json(), allow_nan=False))
    assert set(read) == {"format", "models", "languages", "scores", "notes"}
    assert read["scores"]["good"]["languages"]["de"]["f1"]["value"] == 1.0

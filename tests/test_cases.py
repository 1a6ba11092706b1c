import pickle
import subprocess
import sys
import warnings

import pytest
from known_cases import CASES
from spacy.tokens import Doc, DocBin
from toys import write_chosen, write_random


@pytest.fixture(scope="module")
def case_checkpoints(tmp_path_factory):
    """The checkpoint of each case, by name."""
    return {
        case.name: write_chosen(
            tmp_path_factory.mktemp("case"),
            case.tag_by_piece,
            tags=case.tags,
            sharpness=8.0,
            words=case.words,
            suffixes=case.suffixes,
        )
        for case in CASES
    }


def get_ents(doc):
    return [(ent.text, ent.label_, ent.start_char) for ent in doc.ents]


@pytest.mark.filterwarnings("ignore:.*XW301")  # of the one word that is longer than a window
@pytest.mark.parametrize("decoding", ["viterbi", "argmax"])
@pytest.mark.parametrize("input", ["words", "text"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_gives_the_right_entities(case, input, decoding, case_checkpoints, make_nlp):
    nlp = make_nlp(case_checkpoints[case.name], lang=case.lang, decoding=decoding, model={"input": input})
    doc = nlp(case.text)
    assert get_ents(doc) == list(case.right)
    assert all(0.9 < ent._.score <= 1.0 for ent in doc.ents)


@pytest.mark.filterwarnings("ignore:.*XW301")
@pytest.mark.parametrize("runtime, precision", [("onnx", "float32"), ("onnx", "int8"), ("torch", "bfloat16")])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_gives_the_right_entities_however_it_is_computed(case, runtime, precision, case_checkpoints, make_nlp):
    nlp = make_nlp(case_checkpoints[case.name], lang=case.lang, model={"runtime": runtime, "precision": precision})
    assert get_ents(nlp(case.text)) == list(case.right)


@pytest.mark.parametrize("input", ["words", "text"])
def test_word_longer_than_a_window_is_warned_of_once(input, case_checkpoints, make_nlp):
    nlp = make_nlp(case_checkpoints["word longer than a window"], model={"input": input})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nlp("contact" * 800)
    assert [str(warning.message)[:8] for warning in caught] == ["[XW301] "]
    assert "first 510 pieces" in str(caught[0].message)


def test_entity_ruler_before_the_component_is_respected(chosen_checkpoint, make_nlp):
    nlp = make_nlp(chosen_checkpoint)
    nlp.add_pipe("entity_ruler", first=True).add_patterns([{"label": "PRODUCT", "pattern": "Berlin lives"}])
    doc = nlp("Anna Berlin lives in New York")
    assert get_ents(doc) == [("Anna", "PER", 0), ("Berlin lives", "PRODUCT", 5), ("New York", "LOC", 21)]
    assert [ent._.score is None for ent in doc.ents] == [False, True, False]


def through_doc_bin(doc):
    return next(iter(DocBin(docs=[doc]).get_docs(doc.vocab)))


def through_doc_bin_with_user_data(doc):
    return next(iter(DocBin(docs=[doc], store_user_data=True).get_docs(doc.vocab)))


def through_bytes(doc):
    return Doc(doc.vocab).from_bytes(doc.to_bytes())


def through_pickle(doc):
    return pickle.loads(pickle.dumps(doc))


@pytest.mark.parametrize(
    "carry", [through_doc_bin, through_doc_bin_with_user_data, through_bytes, through_pickle], ids=lambda f: f.__name__
)
def test_scores_survive(carry, chosen_checkpoint, make_nlp):
    doc = make_nlp(chosen_checkpoint)("Anna lives in New York")
    scores = [ent._.score for ent in doc.ents]
    assert len(scores) == 2
    carried = carry(doc)
    assert get_ents(carried) == get_ents(doc)
    assert [ent._.score for ent in carried.ents] == scores
    assert carried.spans["xlmr_ner"].attrs["scores"] == scores


MEASURE = """
import resource, sys, spacy
nlp = spacy.blank("xx")
nlp.add_pipe("xlmr_ner", config={"model": {"name": sys.argv[1]}})
sentence = "Jack lives in New York and Anna loves Berlin. "
nlp(sentence)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
doc = nlp((sentence * 22000)[:1_000_000])
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(doc), (after - before) * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.slow
def test_document_of_a_million_characters_takes_less_than_a_gibibyte_beside_the_weights(tmp_path):
    # As wide as XLM-R base; its memory beside the weights does not grow with the layers, so one will do.
    write_random(tmp_path, num_hidden_layers=1, hidden_size=768, num_attention_heads=12, intermediate_size=3072)
    done = subprocess.run([sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    n_tokens, n_bytes = map(int, done.stdout.split())
    assert n_tokens > 200_000
    assert n_bytes < 2**30

"""spaCy's own entity linker behind the component."""

import pytest
import spacy
from spacy.kb import InMemoryLookupKB
from spacy.tokens import DocBin, Span
from spacy.training import Example
from spacy.util import fix_random_seed

# Two places of one name, told apart by the words around.
TEXTS = {
    "Q64": ["Anna lives in Berlin on the river Spree", "the Spree flows through Berlin and Anna swims"],
    "Q821244": ["Jack lives in Berlin of New Hampshire", "a Hampshire town with woods is Berlin and Jack saws"],
}


def make_kb(vocab):
    kb = InMemoryLookupKB(vocab, entity_vector_length=2)
    kb.add_entity(entity="Q64", freq=1, entity_vector=[1.0, 0.0])
    kb.add_entity(entity="Q821244", freq=1, entity_vector=[0.0, 1.0])
    kb.add_alias(alias="Berlin", entities=["Q64", "Q821244"], probabilities=[0.5, 0.5])
    return kb


def make_examples(nlp):
    """Gold with all entities: spaCy's linker takes an entity's context from another's place where gold lacks some."""
    for kb_id, texts in TEXTS.items():
        for text in texts:
            reference = nlp.make_doc(text)
            kinds = {"Berlin": ("LOC", kb_id), "Anna": ("PER", ""), "Jack": ("PER", "")}
            found = [(token.i, *kinds[token.text]) for token in reference if token.text in kinds]
            reference.ents = [Span(reference, i, i + 1, label=label, kb_id=linked) for i, label, linked in found]
            reference[0].is_sent_start = True
            yield Example(nlp.make_doc(text), reference)


@pytest.fixture
def linking(make_nlp, chosen_checkpoint):
    """Trained on the entities that the component finds, by their context alone."""
    fix_random_seed(0)
    nlp = make_nlp(chosen_checkpoint)
    nlp.add_pipe("sentencizer", first=True)
    linker = nlp.add_pipe("entity_linker", config={"incl_prior": False, "use_gold_ents": False})
    examples = list(make_examples(nlp))
    linker.initialize(lambda: examples, nlp=nlp, kb_loader=make_kb)
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.003
    annotating = ["sentencizer", "xlmr_ner"]
    for _ in range(15):
        nlp.update(examples, sgd=optimizer, exclude=annotating, annotates=annotating)
    return nlp


def get_links(doc):
    return [(ent.text, ent.kb_id_) for ent in doc.ents if ent.kb_id_ != "NIL"]


def test_linker_learns_from_our_entities(linking, tmp_path):
    texts = [text for texts in TEXTS.values() for text in texts]
    expected = [[("Berlin", kb_id)] for kb_id, texts in TEXTS.items() for _ in texts]
    assert [get_links(doc) for doc in linking.pipe(texts)] == expected
    linking.to_disk(tmp_path)
    docs = list(spacy.load(tmp_path).pipe(texts))
    assert [get_links(doc) for doc in docs] == expected
    assert all(ent._.score > 0.9 for doc in docs for ent in doc.ents)
    assert [[ent.label_ for ent in doc.ents] for doc in docs[:2]] == [["PER", "LOC"], ["LOC", "PER"]]


def test_recipe_links_and_keeps_scores(run_recipe):
    doc = run_recipe("Linking")["doc"]
    assert [(ent.text, ent.label_, ent.kb_id_) for ent in doc.ents] == [
        ("Angela Merkel", "PER", "NIL"),
        ("Paris", "LOC", "Q90"),
    ]
    stored = next(DocBin(docs=[doc]).get_docs(spacy.blank("xx").vocab))
    assert [(ent.kb_id_, ent._.score) for ent in stored.ents] == [(ent.kb_id_, ent._.score) for ent in doc.ents]
    assert None not in [ent._.score for ent in stored.ents]

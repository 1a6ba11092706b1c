"""Texts in a table to entities in a table, and back to docs."""

import io

import pytest

pd = pytest.importorskip("pandas", reason="pandas is not installed (extra `pandas`)")

EXPECTED = {"a": [("Angela Merkel", "PER"), ("Paris", "LOC")], "b": [], "c": [("山田さん", "PER")]}


def get_ents(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


@pytest.fixture
def recipe(run_recipe):
    return run_recipe("pandas")


def test_recipe_goes_to_a_table_and_back(recipe, bundled):
    ents = recipe["ents"]
    found = [(ent.row, ent.text, ent.label) for ent in ents.itertuples()]
    assert found == [(row, *ent) for row, expected in EXPECTED.items() for ent in expected]
    assert [get_ents(doc) for doc in recipe["docs"]] == list(EXPECTED.values())
    again = [bundled(text) for text in recipe["texts"]["text"]]
    scores = [ent._.score for doc in recipe["docs"] for ent in doc.ents]
    assert scores == pytest.approx([ent._.score for doc in again for ent in doc.ents], abs=1e-4)
    assert [doc.text for doc in recipe["docs"]] == recipe["texts"]["text"].tolist()


@pytest.mark.parametrize("form", ["csv", "json"])
def test_table_survives_being_written(recipe, form):
    ents = recipe["ents"]
    if form == "csv":
        back = pd.read_csv(io.StringIO(ents.to_csv(index=False)))
    else:
        back = pd.read_json(io.StringIO(ents.to_json(orient="records", double_precision=15)), orient="records")
    pd.testing.assert_frame_equal(back, ents, rtol=1e-12)
    assert ents["score"].dtype == float

"""spacy-streamlit on the component named `ner`, its pages really run."""

import re
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(
    find_spec("spacy_streamlit") is None, reason="spacy-streamlit is not installed (extra `ecosystem`)"
)
SECONDS = 120


@pytest.fixture(scope="module")
def page(read_recipe):
    """The page of the recipe, as it comes."""
    from streamlit.testing.v1 import AppTest

    page = AppTest.from_string(read_recipe("A page of spacy-streamlit"), default_timeout=SECONDS).run()
    assert not page.exception
    return page


def get_drawings(page):
    return [part.value for part in page.markdown if 'class="entities"' in part.value]


def find_scores(drawing):
    return re.findall(r">(\d\.\d\d)</span>", drawing)


def test_page_draws_entities(page, bundled):
    page.text_area[0].set_value("Emmanuel Macron wohnt in Berlin <script>").run()
    plain, scored = get_drawings(page)
    for drawing in (plain, scored):
        assert drawing.count("<mark") == 2
        assert "Emmanuel Macron" in drawing and "Berlin" in drawing and "PER" in drawing and "LOC" in drawing
        assert "<script>" not in drawing and "&lt;script&gt;" in drawing
    ents = bundled("Emmanuel Macron wohnt in Berlin <script>").ents
    assert find_scores(plain) == []
    assert find_scores(scored) == [format(ent._.score, ".2f") for ent in ents]
    assert page.dataframe[0].value[["text", "label_"]].values.tolist() == [
        ["Emmanuel Macron", "PER"],
        ["Berlin", "LOC"],
    ]


def test_page_offers_the_components_labels_and_heeds_the_choice(page):
    page.text_area[0].set_value("Emmanuel Macron wohnt in Berlin").run()
    assert sorted(page.multiselect[0].options) == ["LOC", "ORG", "PER"]
    page.multiselect[0].unselect("LOC").run()
    plain, scored = get_drawings(page)
    assert [plain.count("<mark"), scored.count("<mark")] == [1, 2]
    assert page.dataframe[0].value["text"].tolist() == ["Emmanuel Macron"]


WHOLE_PAGE = """
import spacy_streamlit

spacy_streamlit.visualize(
    [{path!r}], "Jack lives in New York", visualizers=["ner", "tokens"], color=None, show_logo=False
)
"""


def test_whole_page_of_a_saved_pipeline(make_nlp, chosen_checkpoint, tmp_path):
    """It looks for `ner`, shows doc and meta as JSON, and the config."""
    from streamlit.testing.v1 import AppTest

    make_nlp(chosen_checkpoint, name="ner").to_disk(tmp_path)
    page = AppTest.from_string(WHOLE_PAGE.format(path=str(tmp_path)), default_timeout=SECONDS).run()
    assert not page.exception
    assert page.multiselect[0].options == ["PER", "ORG", "LOC"]
    (drawing,) = get_drawings(page)
    assert drawing.count("<mark") == 2
    ents, tokens = (table.value for table in page.dataframe)
    assert ents["text"].tolist() == ["Jack", "New York"]
    assert tokens["ent_type_"].tolist() == ["PER", "", "", "LOC", "LOC"]
    doc, meta = (part.value for part in page.json)
    assert '"label":"PER"' in doc.replace(" ", "")
    assert '"ner":["PER","ORG","LOC"]' in meta.replace(" ", "").replace("\n", "")

import re
from html.parser import HTMLParser

import pytest
import spacy
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_xlmr_ner.analysis import evaluate, transfer
from spacy_xlmr_ner.report import make_evaluation_page, make_transfer_page
from spacy_xlmr_ner.report.elements import make_heat, make_number

EVIL = "<script>alert('&')</script>"
pytestmark = pytest.mark.filterwarnings("ignore:.*XW23")
VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Reads the text of a page, and which tags it has; refuses tags that are not closed in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attrs, self.texts = [], set(), [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attrs += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def make_gold(words, tags):
    return Doc(Vocab(), words=words, ents=tags)


@pytest.fixture(scope="module")
def evaluation(chosen_checkpoint):
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": str(chosen_checkpoint)}})
    data = {
        "de": [make_gold(["Jack", EVIL, "Berlin"], ["B-PER", f"B-{EVIL}", "B-ORG"])],
        "ar": [make_gold(["محمد", "in", "Berlin"], ["B-PER", "O", "O"])],
        EVIL: [make_gold(["Anna"], ["B-PER"])],
    }
    return evaluate(nlp, data, name=EVIL)


@pytest.fixture(scope="module")
def page(evaluation):
    return make_evaluation_page(evaluation)


def test_page_is_one_file_without_scripts(page):
    reader = Reader(page)
    assert reader.tags & {"script", "link", "img", "iframe", "object"} == set()
    assert [name for name, _ in reader.attrs if name in ("src", "href") or name.startswith("on")] == []
    assert not re.search(r"url\(|@import|https?://", page)


def test_page_escapes_words_labels_and_names(page):
    assert "<script" not in page
    assert "".join(Reader(page).texts).count(EVIL) > 5


def test_page_has_every_part(page):
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == ["Scores", "Kinds of error", "Confusion of tags", "Loss", "Sentences of highest loss"]


def get_row(page, heading, name):
    """The texts of the cells of a row in the first table behind a heading."""
    rows = page[page.index(heading) :].split("</table>")[0].split("<tr")
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    texts = [[re.sub("<.*?>", "", cell) for cell in row] for row in cells]
    return next(row[1:] for row in texts if row and row[0] == name)


def test_page_shows_which_share_of_a_tag_is_taken_for_another(page):
    # Of the two tokens outside, "in" is found to be so, and "Berlin" to be a place; of O, PER, ORG, LOC, B before I.
    assert get_row(page, ">Confusion of tags<", "O") == ["2", "0.500", "·", "·", "·", "·", "0.500", "·"]


def test_page_shows_the_mean_loss_of_a_token_and_its_sum(page):
    # By hand: another tag than the gold one has the logit 8, six have 0: 8 + log(1 + 6 exp(-8)) = 8.002, twice.
    assert get_row(page, ">By token<", "Berlin") == ["2", "8.002", "16.0"]
    assert get_row(page, ">By gold tag<", "B-ORG") == ["1", "8.002", "8.0"]


def test_page_shows_figures_with_intervals(chosen_checkpoint):
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": str(chosen_checkpoint)}})
    page = make_evaluation_page(evaluate(nlp, {"de": [make_gold(["Jack"], ["B-PER"])] * 2}))
    assert '1.000<span class="interval">1.000–1.000</span>' in page


def test_page_shows_intervals_that_say_nothing(page):
    # The only gold entity in Arabic is not found, and an invented one is.
    assert get_row(page, ">Scores<", "ar")[:3] == ["0.0000.000–1.000"] * 3


def test_page_sets_text_of_either_direction(page):
    assert "direction: rtl" in page
    assert "direction: ltr" in page
    assert '<td class="quote" dir="rtl" lang="ar">' in page


def test_page_shows_gold_beside_found(page):
    hardest = page[page.index("Sentences of highest loss") :]
    assert hardest.count(">gold</div>") == hardest.count(">found</div>") == 3


def test_page_is_readable_in_the_dark(page):
    assert "prefers-color-scheme: dark" in page
    assert "color-scheme: light dark" in page


def test_page_tells_of_labels(page):
    assert "XW230" in page


def test_page_without_probabilities_says_so():
    nlp = spacy.blank("xx")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Jack"}])
    page = make_evaluation_page(evaluate(nlp, {"en": [make_gold(["Jack"], ["B-PER"])]}))
    assert "no confusion matrix, no losses" in page
    assert "<h2>Loss</h2>" not in page
    assert "There are none." in page


def test_make_heat_shades_and_keeps_within_bounds():
    assert "0.00)" in make_heat(-1.0, "x")
    assert "1.00)" in make_heat(2.0, "x")
    assert "hot" in make_heat(0.9, "x")
    assert "hot" not in make_heat(0.3, "x")


@pytest.mark.filterwarnings("ignore:.*XW301")
def test_page_clips_what_is_too_long_for_a_cell(chosen_checkpoint):
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner", config={"model": {"name": str(chosen_checkpoint)}})
    page = make_evaluation_page(evaluate(nlp, {"en": [make_gold(["Jack" * 5000], ["B-LOC"])]}))
    assert page.count("Jack" * 5000) == 2  # the doc itself, gold and found


def test_make_number_escapes():
    assert make_number("<b>") == '<td class="number">&lt;b&gt;</td>'


def test_transfer_page_has_a_cell_for_each_model_and_language(chosen_checkpoint):
    data = {"de": [make_gold(["Jack"], ["B-PER"])], EVIL: [make_gold(["the"], ["O"])]}
    page = make_transfer_page(transfer({EVIL: str(chosen_checkpoint)}, data))
    cells = re.findall(r"<td.*?</td>", page)
    assert "<script" not in page
    assert len(cells) == 3
    assert "1.000" in cells[0]
    assert cells[1] == '<td class="number"></td>'  # no entities there
    assert "1.000" in cells[2]
    Reader(page)

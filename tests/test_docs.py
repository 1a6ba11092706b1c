import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))
RECIPES = ROOT / "docs" / "recipes.md"


def find_blocks(page):
    """Language, whether it is not to be run, and code of each block."""
    return re.findall(r"^```(\w+)( no-run)?\n(.*?)^```", page.read_text(encoding="utf8"), re.MULTILINE | re.DOTALL)


BLOCKS = find_blocks(README)


def test_readme_python_blocks_run(capsys):
    """One after the other, as a reader types them; the last one prints the pieces."""
    namespace = {}
    for language, no_run, code in BLOCKS:
        if language == "python" and not no_run:
            exec(compile(code, str(README), "exec"), namespace)
    out = capsys.readouterr().out
    readme = README.read_text(encoding="utf8")
    promised = re.search(r"# (Angela Merkel PER 0\.\d\d), (Paris LOC 0\.\d\d)$", readme, re.MULTILINE)
    assert out.splitlines()[:2] == list(promised.groups())
    assert "▁Angel" in out


@pytest.mark.parametrize("page", [page for page in PAGES if page != RECIPES], ids=lambda page: page.stem)
def test_python_blocks_of_the_docs_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write files
    namespace = {}
    for language, no_run, code in find_blocks(page):
        if language == "python" and not no_run:
            exec(compile(code, str(page), "exec"), namespace)


def test_every_recipe_is_run_by_a_test_of_its_own():
    """Some need another's package; the tests beside that package skip where it is not there."""
    headings = re.findall(r"^## (.+)$", RECIPES.read_text(encoding="utf8"), re.MULTILINE)
    tests = "".join(path.read_text(encoding="utf8") for path in (ROOT / "tests" / "ecosystem").glob("test_*.py"))
    assert set(re.findall(r"(?:run|read)_recipe\(\"([^\"]+)\"", tests)) == set(headings)
    assert [no_run for _, no_run, _ in find_blocks(RECIPES) if no_run] == []


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.stem)
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf8"))
    if not (ROOT / "spacy_xlmr_ner").exists():  # the suite over an installed wheel
        links = [link for link in links if not link.startswith("spacy_xlmr_ner/")]
    known = {"reference.md"}  # made when the docs are built
    assert [link for link in links if link not in known and not (page.parent / link).exists()] == []


def test_navigation_has_every_page():
    named = set(re.findall(r": (\w+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf8"), re.MULTILINE))
    assert named == {page.name for page in PAGES} | {"reference.md"}


def test_docs_build_without_warnings(tmp_path):
    pytest.importorskip("mkdocs", reason="mkdocs is not installed (extra `dev`)")
    from mkdocs.__main__ import cli

    command = ["build", "--strict", "--config-file", str(ROOT / "mkdocs.yml"), "--site-dir", str(tmp_path)]
    cli.main(command, standalone_mode=False)  # raises where there is a warning
    reference = (tmp_path / "reference.html").read_text(encoding="utf8")
    assert not any("```" in page.read_text(encoding="utf8") for page in tmp_path.glob("*.html"))
    for name in ("XlmrNer.token_probs", "displacy_options", "migrate_config", "build_token_tagger_v1"):
        assert name in reference


def test_readme_sentences_in_six_languages_come_out_as_shown():
    import spacy

    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner")
    table = README.read_text(encoding="utf8").split("| sentence | found |\n|---|---|\n")[1].split("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.split("\n")]
    assert len(rows) == 6
    found = [", ".join(f"{ent.text} {ent.label_}" for ent in nlp(sentence).ents) for sentence, _ in rows]
    assert found == [expected for _, expected in rows]


def test_readme_has_two_setup_commands_each_on_one_line():
    commands = [code.strip() for language, _, code in BLOCKS if language == "bash"]
    assert [command.count("\n") for command in commands] == [0, 0]
    assert commands[0].endswith('&& python -m spacy_xlmr_ner tag "Jack Sparrow loves New York!"')
    assert commands[1].endswith("&& pytest")


@pytest.mark.parametrize("block", ["components.xlmr_ner", "components.xlmr_ner.model"])
def test_docs_name_every_setting(block):
    from inspect import signature

    from spacy_xlmr_ner.architectures import build_xlmr_tagger_v1
    from spacy_xlmr_ner.component import DEFAULT_CONFIG, Config

    settings = set(Config().from_str(DEFAULT_CONFIG)["xlmr_ner"]) - {"model"}
    if block.endswith("model"):
        settings = set(signature(build_xlmr_tagger_v1).parameters)
    page = ROOT / "docs" / "settings.md"
    table = page.read_text(encoding="utf8").split(f"| `[{block}]` |")[1].split("\n\n")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(named) == sorted(settings)


def test_readme_config_example_is_read(chosen_checkpoint):
    import spacy
    from thinc.api import Config

    text = next(code for language, _, code in BLOCKS if language == "ini")
    config = Config().from_str(text.replace("some/hub-id or local folder", str(chosen_checkpoint)), interpolate=False)
    del config["components"]["xlmr_ner"]["label_map"]["MISC"]  # the small checkpoint has no such label
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    assert nlp.get_pipe("xlmr_ner").labels == ("PERSON", "ORG", "LOC")
    assert nlp.get_pipe("xlmr_ner").threshold == {"ORG": 0.8}


def test_readme_holds_no_blanks_to_be_filled():
    assert not re.search(r"\b[A-Z]+_TABLE\b|TODO|TBD", README.read_text(encoding="utf8"))

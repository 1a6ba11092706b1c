import re
from pathlib import Path

import pytest
import spacy

RECIPES = Path(__file__).parents[2] / "docs" / "recipes.md"


@pytest.fixture(scope="session")
def bundled():
    """The pipeline of the recipes: the small model in the package."""
    nlp = spacy.blank("xx")
    nlp.add_pipe("xlmr_ner")
    return nlp


@pytest.fixture(scope="session")
def read_recipe():
    """The Python code under a heading of docs/recipes.md."""

    def read(heading):
        section = RECIPES.read_text(encoding="utf8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
        (code,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        return code

    return read


@pytest.fixture
def run_recipe(read_recipe, bundled):
    """Run a recipe; returns the names that it has set: run_recipe("Negation")["doc"]."""

    def run(heading, nlp=bundled):
        namespace = {"spacy": spacy, "nlp": nlp, "__name__": "recipe"}
        exec(compile(read_recipe(heading), f"{RECIPES}: {heading}", "exec"), namespace)
        return namespace

    return run

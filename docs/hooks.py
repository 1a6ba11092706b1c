"""The reference, made from the docstrings when the documentation is built (`mkdocs build --strict`)."""

import importlib
import inspect
import re
from typing import Any, Dict, List

from mkdocs.structure.files import File

PAGE = "reference.md"
# What is public, by the heading that it stands under.
PUBLIC: Dict[str, List[str]] = {
    "The component": ["spacy_xlmr_ner.component:XlmrNer"],
    "Functions": [
        "spacy_xlmr_ner.tag_text:tag_text",
        "spacy_xlmr_ner.drawing:displacy_options",
        "spacy_xlmr_ner.drawing:displacy_ents",
        "spacy_xlmr_ner.migration:migrate_config",
        "spacy_xlmr_ner.splitting:split_checkpoint",
        "spacy_xlmr_ner.ent_score:register_extension",
    ],
    "Evaluation": [
        "spacy_xlmr_ner.analysis:read_data",
        "spacy_xlmr_ner.analysis:evaluate",
        "spacy_xlmr_ner.analysis:transfer",
    ],
    "Many texts": [
        "spacy_xlmr_ner.bulk.job:annotate_files",
        "spacy_xlmr_ner.bulk.summary:Summary",
        "spacy_xlmr_ner.bulk.ray_job:annotate_files_on_ray",
        "spacy_xlmr_ner.bulk.ray_dataset:annotate_dataset",
    ],
    "Architectures": [
        "spacy_xlmr_ner.architectures:build_xlmr_tagger_v1",
        "spacy_xlmr_ner.architectures:build_token_tagger_v1",
    ],
}
_FIELD = re.compile(r"^(?:\w+(?: \([^)]*\))?(?:, \w+(?: \([^)]*\))?)*|RETURNS \(.*?\)|YIELDS \(.*?\)|RAISES \(.*?\)): ")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Take off what tells the tests to leave a block alone."""
    return markdown.replace("```python no-run\n", "```python\n")


def on_files(files: Any, config: Any) -> Any:
    """Add the page to those of the folder."""
    files.append(File.generated(config, PAGE, content=make_reference()))
    return files


def make_reference() -> str:
    """The whole page."""
    lines = ["# Reference", "", "Made from the docstrings of the package.", ""]
    for heading, places in PUBLIC.items():
        lines += [f"## {heading}", ""]
        for place in places:
            module, name = place.split(":")
            lines += describe(getattr(importlib.import_module(module), name), name)
    return "\n".join(lines)


def describe(thing: Any, name: str, *, level: int = 3) -> List[str]:
    """A function, or a class with its public methods."""
    lines = [
        f"{'#' * level} {name}",
        "",
        "```text",
        f"{name}{find_signature(thing)}",
        "```",
        "",
        *format_docstring(thing),
        "",
    ]
    if inspect.isclass(thing):
        for own, member in vars(thing).items():
            if (
                not own.startswith("_")
                and inspect.getdoc(member)
                and (inspect.isfunction(member) or isinstance(member, property))
            ):
                lines += describe(member, f"{name}.{own}", level=level + 1)
    return lines


def find_signature(thing: Any) -> str:
    """As it is called; nothing for a property."""
    return "" if isinstance(thing, property) else re.sub(r"'([\w.]+)'", r"\1", str(inspect.signature(thing)))


def format_docstring(thing: Any) -> List[str]:
    """Paragraphs as they are, and a list of the arguments and what comes back."""
    lines: List[str] = []
    for line in (inspect.getdoc(thing) or "").split("\n"):
        if _FIELD.match(line):
            head, _, rest = line.partition(": ")
            lines += [f"- **`{head}`**: {rest}"]
        elif line.startswith("    ") and lines and lines[-1].lstrip().startswith("- **"):
            lines[-1] += f" {line.strip()}"
        else:
            if line and lines and lines[-1].startswith("- **"):
                lines.append("")
            lines.append(line)
    text = "\n".join(lines)
    return re.sub(r"(?m)^(?!- )(.+)\n- ", r"\1\n\n- ", text).split("\n")  # a list begins behind an empty line

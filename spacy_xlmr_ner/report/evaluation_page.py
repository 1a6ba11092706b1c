"""The report of an evaluation, as a page."""

from html import escape
from typing import Dict, Iterator, List, Optional, Sequence

from ..analysis.error_kinds import KINDS, MEANINGS
from ..analysis.error_report import ErrorExample, ErrorReport
from ..analysis.evaluation import Evaluation, HardSentence
from ..analysis.mentions import Mention
from ..analysis.scores import Estimate, Scores
from ..analysis.tag_losses import LossRow, TagReport
from ..drawing import draw_ents, find_direction, pick_colors
from .elements import (
    clip,
    make_cell,
    make_heat,
    make_html_page,
    make_isolated,
    make_number,
    make_paragraph,
    make_row,
    make_table,
    mark_language,
)
from .score_tables import draw_heat, draw_scores

ABOUT_SCORES = (
    "An entity is right if both its borders and its label are. Small figures: 95 % bootstrap intervals, over "
    "sentences, or over docs that are not parted in them; 0 to 1 where there is but one, which cannot be resampled."
)
ABOUT_LOSS = (
    "The loss of a token is -log p(gold tag): 0 where the model was sure and right, high where it was sure and wrong. "
    "{n_tokens:,} tokens have one; {n_left_out:,} were left out: without gold annotation, label or pieces."
)


def make_evaluation_page(evaluation: Evaluation) -> str:
    """Show an evaluation as one page of HTML that opens from disk. All that comes from data is escaped.

    evaluation (Evaluation): What `evaluate` returned.
    RETURNS (str): A whole page.
    """
    return make_html_page(f"Entities of {evaluation.model}", _draw_parts(evaluation))


def _draw_parts(evaluation: Evaluation) -> Iterator[str]:
    n_languages = len(evaluation.scores.languages)
    where = next(iter(evaluation.scores.languages)) if n_languages == 1 else f"{n_languages} languages or data sets"
    yield make_paragraph(f"{evaluation.n_docs:,} docs, {evaluation.n_tokens:,} tokens: {where}.", kind="soft")
    for note in evaluation.notes:
        yield make_paragraph(note, kind="note")
    yield "<h2>Scores</h2>" + make_paragraph(ABOUT_SCORES, kind="soft") + draw_scores(evaluation.scores)
    if n_languages > 1:
        yield "<h3>F1 by language and label</h3>" + _draw_grid(evaluation.scores)
    yield "<h2>Kinds of error</h2>" + _draw_errors(evaluation.errors)
    if evaluation.tags is not None:
        yield "<h2>Confusion of tags</h2>" + _draw_confusion(evaluation.tags)
        yield "<h2>Loss</h2>" + _draw_losses(evaluation.tags)
    if evaluation.hardest:
        yield "<h2>Sentences of highest loss</h2>" + _draw_hardest(evaluation.hardest)


def _draw_grid(scores: Scores) -> str:
    labels = list(scores.labels)
    rows: Dict[str, List[Optional[Estimate]]] = {}
    for language, by_label in scores.languages_labels.items():
        rows[language] = [by_label[label].f1 if label in by_label else None for label in labels]
        rows[language].append(scores.languages[language].f1)
    return draw_heat("", [*labels, "All"], rows)


def _draw_errors(errors: ErrorReport) -> str:
    total = sum(errors.counts.values())
    rows = [
        make_row(
            kind,
            [
                make_number(f"{n:,}"),
                make_number(f"{n / total:.1%}"),
                f'<td class="quote">{escape(MEANINGS[kind])}</td>',
            ],
        )
        for kind, n in errors.counts.items()
        if total
    ]
    parts = [make_table(("Kind", "Errors", "Share", "What it is"), rows) if rows else make_paragraph("There are none.")]
    if len(errors.languages) > 1 and total:
        parts.append("<h3>By language</h3>" + _draw_errors_by_language(errors))
    for kind, examples in errors.examples.items():
        if examples:
            shown = f"{escape(kind)}: {len(examples)} of {errors.counts[kind]:,}"
            rows = [_draw_example(example) for example in examples]
            table = make_table(("Language", "Gold", "Found", "Where"), rows)
            parts.append(f"<details open><summary>{shown}</summary>{table}</details>")
    return "\n".join(parts)


def _draw_errors_by_language(errors: ErrorReport) -> str:
    rows = []
    for language, counts in errors.languages.items():
        total = max(1, sum(counts.values()))
        cells = [make_heat(counts[kind] / total, f"{counts[kind]:,}") for kind in KINDS]
        rows.append(make_row(language, cells))
    return make_table(("", *KINDS), rows, kind="heats")


def _draw_example(example: ErrorExample) -> str:
    where = f"{escape(example.before)}<mark>{escape(clip(example.text))}</mark>{escape(example.after)}"
    direction = find_direction(example.before + example.text + example.after)
    quote = f'<td class="quote" dir="{direction}"{mark_language(example.language)}>{where}</td>'
    gold = _draw_mention(example.gold, example.gold_text, example.language)
    found = _draw_mention(example.found, example.found_text, example.language)
    return make_row(example.language, [gold, found, quote])


def _draw_mention(mention: Optional[Mention], text: str, language: str) -> str:
    if mention is None:
        return make_cell()
    score = "" if mention.score is None else f' <span class="soft">{mention.score:.2f}</span>'
    return make_cell(f"{make_isolated(text, language)} <b>{make_isolated(mention.label, '')}</b>{score}")


def _draw_confusion(tags: TagReport) -> str:
    rows = []
    for tag, counts in zip(tags.tags, tags.confusion):
        total = sum(counts)
        shares = [count / total if total else 0.0 for count in counts]
        rows.append(
            make_row(tag, [make_number(f"{total:,}"), *(make_heat(share, _format_share(share)) for share in shares)])
        )
    about = "Rows: gold tags of tokens. Columns: the most probable tag. Shares of the row."
    return make_paragraph(about, kind="soft") + make_table(("", "Tokens", *tags.tags), rows, kind="heats")


def _format_share(share: float) -> str:
    return f"{share:.3f}" if share else "·"


def _draw_losses(tags: TagReport) -> str:
    about = ABOUT_LOSS.format(n_tokens=tags.n_tokens, n_left_out=tags.n_left_out)
    if tags.n_misfits:
        about += f" {tags.n_misfits:,} gold entities begin or end inside a token of the pipeline and cannot be found."
    parts = [
        make_paragraph(about, kind="soft"),
        "<h3>By gold tag</h3>" + _draw_loss_rows("Tag", tags.by_tag),
        "<h3>By token</h3>" + _draw_loss_rows("Token", tags.by_token),
    ]
    return "\n".join(parts)


def _draw_loss_rows(what: str, losses: Sequence[LossRow]) -> str:
    rows = [
        make_row(
            row.name, [make_number(text) for text in (f"{row.n_tokens:,}", f"{row.mean:.3f}", f"{row.total:,.1f}")]
        )
        for row in losses
    ]
    return make_table((what, "Tokens", "Mean loss", "Sum"), rows, kind="numbers")


def _draw_hardest(sentences: Sequence[HardSentence]) -> str:
    colors = pick_colors({mention.label for one in sentences for mention in (*one.gold, *one.found)})
    return "\n".join(_draw_hard_sentence(one, colors) for one in sentences)


def _draw_hard_sentence(one: HardSentence, colors: Dict[str, str]) -> str:
    place = f"{one.language}, doc {one.doc}" + (f", from character {one.start:,}" if one.start else "")
    head = f"{place}: loss {one.loss:.1f}, {one.loss / one.n_tokens:.2f} a token"
    drawn = [
        f'<div class="soft">{name}</div><div class="drawn"{mark_language(one.language)}>'
        f"{draw_ents(one.text, mentions, colors)}</div>"
        for name, mentions in (("gold", one.gold), ("found", one.found))
    ]
    return f'<div class="pair"><h3>{escape(head)}</h3>{"".join(drawn)}</div>'

"""Parts of a page that opens from disk: no scripts, nothing fetched, light and dark, text in either direction."""

from html import escape
from typing import Iterable, Sequence

from ..analysis.data import is_language

STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #5f6670; --line: #d9dce1; --paper: #fff; --raised: #f4f5f7;
  --heat: 37, 99, 235; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa3ad; --line: #3a3f46; --paper: #16181b;
  --raised: #202328; --heat: 96, 150, 255; } }
body { font: 16px/1.5 system-ui, "Noto Sans", sans-serif; color: var(--ink); background: var(--paper);
  max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; } h2 { font-size: 1.25rem; margin-top: 3rem; }
h3 { font-size: 1rem; margin: 2rem 0 0.25rem; }
p, li { max-width: 48rem; } .soft { color: var(--soft); } .note { border-inline-start: 4px solid #d97706;
  padding-inline-start: 0.75rem; margin: 0.5rem 0; }
.scroll { overflow: auto; max-height: 34rem; border: 1px solid var(--line); border-radius: 6px; width: fit-content;
  max-width: 100%; }
table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.7rem; text-align: start; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > * { border-bottom: 0; }
thead th { position: sticky; top: 0; background: var(--raised); white-space: nowrap; z-index: 1; }
tbody th { font-weight: 600; white-space: nowrap; }
.group th { font-weight: 400; color: var(--soft); background: var(--raised); }
.number { text-align: end; white-space: nowrap; }
.interval { color: var(--soft); font-size: 0.8em; margin-inline-start: 0.5em; }
.heat { text-align: center; white-space: nowrap; } .hot { color: #fff; }
.heat .interval { color: inherit; opacity: 0.85; margin: 0; }
.numbers thead th:not(:first-child) { text-align: end; } .heats thead th:not(:first-child) { text-align: center; }
.quote { min-width: 16rem; overflow-wrap: anywhere; } .short { overflow-wrap: anywhere; min-width: 6rem; }
.quote mark { background: #fde68a; color: #1c1e21; padding: 0 0.15em; border-radius: 3px; }
.pair { border: 1px solid var(--line); border-radius: 6px; padding: 0.5rem 1rem; margin: 1rem 0; }
.pair .drawn { overflow: auto; max-height: 20rem; overflow-wrap: anywhere; } mark.entity { color: #1c1e21;
  -webkit-box-decoration-break: clone; box-decoration-break: clone; }
summary { cursor: pointer; font-weight: 600; margin: 1rem 0 0.5rem; }
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
{content}
</body>
</html>
"""
# Heat from which on text is white.
HOT = 0.6
# Characters of a text in a cell.
MAX_SHOWN = 200


def make_html_page(title: str, parts: Iterable[str]) -> str:
    """A whole page. title (str): Plain text. parts (Iterable[str]): HTML."""
    return PAGE.format(title=escape(title), style=STYLE, content="\n".join(part for part in parts if part))


def make_table(header: Sequence[str], rows: Iterable[str], *, kind: str = "") -> str:
    """A table that scrolls where it is too long or too wide.

    header (Sequence[str]): Plain text; empty for no heading.
    rows (Iterable[str]): What `make_row` returned.
    kind (str): What the cells are, for the place of the headings: "numbers", "heats", or "" for text.
    """
    heads = "".join(f'<th scope="col">{_isolate(text)}</th>' for text in header)
    return (
        f'<div class="scroll" tabindex="0"><table class="{kind}"><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}</tbody></table></div>"
    )


def make_row(name: str, cells: Iterable[str]) -> str:
    """A row. name (str): Plain text, its heading. cells (Iterable[str]): HTML of cells."""
    return f'<tr><th scope="row">{_isolate(name)}</th>{"".join(cells)}</tr>\n'


def make_divider(text: str, n_columns: int) -> str:
    """A row that heads a group of rows."""
    return f'<tr class="group"><th colspan="{n_columns}">{escape(text)}</th></tr>\n'


def make_number(text: str, *, interval: str = "") -> str:
    """A cell with a number, and its interval behind it."""
    behind = f'<span class="interval">{escape(interval)}</span>' if interval else ""
    return f'<td class="number">{escape(text)}{behind}</td>'


def make_heat(heat: float, text: str, *, interval: str = "") -> str:
    """A shaded cell. heat (float): From 0 (no shade) to 1."""
    heat = min(max(heat, 0.0), 1.0)
    behind = f'<br><span class="interval">{escape(interval)}</span>' if interval else ""
    name = "heat hot" if heat > HOT else "heat"
    return f'<td class="{name}" style="background: rgba(var(--heat), {heat:.2f})">{escape(text)}{behind}</td>'


def make_cell(html: str = "") -> str:
    """A cell with HTML in it."""
    return f'<td class="short">{html}</td>'


def make_paragraph(text: str, *, kind: str = "") -> str:
    """A paragraph of plain text. kind (str): "soft" or "note"."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def make_isolated(text: str, language: str) -> str:
    """Text of any script within a line, which keeps its direction to itself."""
    return f"<bdi{mark_language(language)}>{escape(clip(text))}</bdi>"


def mark_language(language: str) -> str:
    """The attribute that says the language, from which a browser chooses glyphs; nothing if it is no language tag."""
    return f' lang="{language.replace("_", "-")}"' if is_language(language) else ""


def clip(text: str) -> str:
    """The beginning of a text that would be too long for a cell."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def _isolate(text: str) -> str:
    return f"<bdi>{escape(clip(text))}</bdi>"

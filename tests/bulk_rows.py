"""Rows for the tests of bulk jobs, and what the chosen checkpoint finds in them."""

import json

TEXTS = ["Jack Spar lives in Berlin", "", "Anna love New York", "張三住在北京", "the Siemens AG and Anna", "don 🚀 in"]
# Start, end, label.
PLACES = [
    [(0, 9, "PER"), (19, 25, "LOC")],
    [],
    [(0, 4, "PER"), (10, 18, "LOC")],
    [],
    [(4, 14, "ORG"), (19, 23, "PER")],
    [],
]
N_ENTS = {"LOC": 2, "ORG": 1, "PER": 3}
ROWS = [{"id": f"n{i}", "text": text, "year": 1990 + i} for i, text in enumerate(TEXTS)]


def write_rows(path, rows):
    """Write JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")


def read_rows(folder):
    """Read all shards of a folder, in JSON lines."""
    return [json.loads(line) for path in sorted(folder.glob("part-*.jsonl")) for line in path.open(encoding="utf8")]


def read_json_lines(path):
    """Read JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]


def list_places(ents):
    """Start, end and label of entities."""
    return [(ent["start"], ent["end"], ent["label"]) for ent in ents]


def read_folder(out):
    """All that a job has written, but for what it took in time and whether it was resumed."""
    found = {path.name: path.read_bytes() for path in out.iterdir() if path.name not in (".lock", "summary.json")}
    lines = [json.loads(line) for line in found.pop("manifest.jsonl").splitlines()]
    found["manifest"] = [{key: value for key, value in line.items() if key != "seconds"} for line in lines]
    summary = out / "summary.json"
    if summary.exists():
        kept = json.loads(summary.read_bytes())
        found["summary"] = {key: value for key, value in kept.items() if key not in ("seconds", "n_resumed")}
    return found

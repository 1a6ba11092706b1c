"""The page of all results, README.md beside this file, made of what is in results/; measures nothing.

    python benchmarks/report.py

Plots need Matplotlib (`pip install matplotlib`); without it those that are there stay as they are.
"""

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import List

from record import RESULTS, Benchmark, describe

PAGE = Path(__file__).parent / "README.md"
# In the order of the page.
NAMES = (
    "throughput",
    "engines",
    "gpu",
    "bundled",
    "precision",
    "padding",
    "scaling",
    "overhead",
    "start",
    "growth",
    "training",
    "trainer",
    "sharing",
    "annotate",
    "annotate_memory",
    "ray_scaling",
    "cases",
    "fuzz",
    "soak",
)
INTRODUCTION = """# Benchmarks

One file a question. Each measures, prints a table and, with `--write`, keeps the result in `results/` with its date,
machine, versions and command, and makes this page and its plots anew. What is compared takes turns in one run; medians
are shown. `--toy` runs each at tiny size without the corpora, to see that it works. Real text and XLM-R's vocabulary
are read from `../shared`, which is not part of the project; without it a benchmark says so and leaves.
"""


def read_benchmark(name: str) -> Benchmark:
    """The benchmark of a file."""
    return importlib.import_module(name).BENCHMARK


def make_part(benchmark: Benchmark) -> List[str]:
    """What the page says of one benchmark; nothing where there is no result yet."""
    record = benchmark.read()
    if record is None:
        return []
    lines = [f"## {benchmark.question}", "", f"    {record['command']}", "", describe(record), ""]
    lines += benchmark.tabulate(record["result"])
    if benchmark.plot is not None:
        picture = RESULTS / f"{benchmark.name}.svg"
        if find_spec("matplotlib"):
            draw(benchmark, record["result"], picture)
        if picture.exists():
            lines += ["", f"![{benchmark.question}]({picture.relative_to(PAGE.parent)})"]
    return [*lines, ""]


def draw(benchmark: Benchmark, result: object, picture: Path) -> None:
    """Draw a plot, the same file for the same result."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams |= {"svg.hashsalt": benchmark.name, "axes.spines.top": False, "axes.spines.right": False}
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(8, 4.5), layout="constrained")
    benchmark.plot(result, figure)
    figure.savefig(picture, metadata={"Date": None})
    pyplot.close(figure)


def write_page() -> None:
    """Write README.md."""
    lines = [INTRODUCTION]
    for name in NAMES:
        lines += make_part(read_benchmark(name))
    PAGE.write_text("\n".join(lines), encoding="utf8")


if __name__ == "__main__":
    write_page()

"""How long a cluster takes over many docs, what that costs, and what is slowest: reckoned, not measured.

    python benchmarks/reckoning.py
    python benchmarks/reckoning.py --docs 1e9 --gpus 64 --network_words 30000

Each figure is an option. docs/ray.md holds what is printed without any.
"""

import argparse
from typing import Dict, List, NamedTuple, Optional, Sequence

from record import make_table


class Figure(NamedTuple):
    """A number that goes in.

    value (float): It.
    is_measured (bool): Whether it was measured, or is assumed.
    about (str): What it is.
    """

    value: float
    is_measured: bool
    about: str


FIGURES: Dict[str, Figure] = {
    "docs": Figure(1e8, False, "docs"),
    "gpus": Figure(16, False, "GPUs, a worker each"),
    "gpus_per_machine": Figure(8, False, "GPUs of a machine"),
    "words": Figure(80, True, "words of a doc: the 4,000 texts of 1 to 12 sentences of the benchmarks"),
    "bytes_in": Figure(523, True, "bytes of its line that is read: the same texts"),
    "bytes_out": Figure(834, True, "bytes of its line that is written: 311 more, with 3.5 entities (150 of them)"),
    "network_words": Figure(20_000, False, "words a second that one GPU computes; no GPU was measured"),
    "other_words": Figure(295_000, True, "words a second of all else in a worker: overhead.py, the small model"),
    "read_docs": Figure(24_000, True, "docs a second that a process reads: ray_scaling.py, two cores without AVX-512"),
    "write_docs": Figure(28_600, True, "docs a second that a process writes: the same"),
    "storage_bytes": Figure(1e9, False, "bytes a second of the file system that all machines share"),
    "link_bytes": Figure(1.25e9, False, "bytes a second of a machine's link (10 Gbit/s)"),
    "start_seconds": Figure(120, False, "seconds until all workers have their model"),
    "price": Figure(3.0, False, "dollars for a GPU, with its share of a machine, an hour"),
}


def find_rates(figures: Dict[str, float]) -> Dict[str, float]:
    """Docs per second that each stage would do if it were the only one.

    A worker's two parts overlap in part; they are reckoned one after the other. As many processes read, and write, as
    there are workers. Lines are read twice, once to count them. A doc crosses the network on its way to the worker
    and, with its entities, from it, each time leaving one machine and entering another.
    """
    words, gpus = figures["words"], figures["gpus"]
    machines = gpus / figures["gpus_per_machine"]
    bytes_in, bytes_out = figures["bytes_in"], figures["bytes_out"]
    seconds_of_a_doc = words / figures["network_words"] + words / figures["other_words"]
    return {
        "workers, both of the next": gpus / seconds_of_a_doc,
        "- the network, on the GPU": gpus * figures["network_words"] / words,
        "- tokenizing, decoding, on the CPU": gpus * figures["other_words"] / words,
        "reading": gpus * figures["read_docs"],
        "writing": gpus * figures["write_docs"],
        "storage": figures["storage_bytes"] / (2 * bytes_in + bytes_out),
        "links": machines * figures["link_bytes"] / (bytes_in + bytes_out + 2 * bytes_in + bytes_out),
    }


def reckon(figures: Dict[str, float]) -> List[str]:
    """The answer, as lines of Markdown."""
    rates = find_rates(figures)
    alone = {stage: rate for stage, rate in rates.items() if not stage.startswith("-")}
    slowest = min(alone, key=lambda stage: alone[stage])
    hours = (figures["docs"] / alone[slowest] + figures["start_seconds"]) / 3600
    gpu_hours = hours * figures["gpus"]
    rows = [
        [stage, f"{rate:,.0f}", f"{figures['docs'] / rate / 3600:,.2f}", f"{rate / alone[slowest]:,.1f}"]
        for stage, rate in rates.items()
    ]
    answer = f"**{figures['docs']:,.0f} docs on {figures['gpus']:.0f} GPUs: {hours:,.1f} hours, {gpu_hours:,.0f} GPU "
    answer += f"hours, {gpu_hours * figures['price']:,.0f} dollars. The slowest stage: {slowest.split(',')[0]}.**"
    return [answer, "", *make_table(["stage alone", "docs/s", "hours", "against the slowest"], rows)]


def list_figures(figures: Dict[str, float]) -> List[str]:
    """What went in, as lines of Markdown."""
    rows = []
    for name, figure in FIGURES.items():
        is_own = figures[name] != figure.value
        source = "yours" if is_own else "measured" if figure.is_measured else "assumed"
        rows.append([f"`{name}`", f"{figures[name]:,.10g}", source, figure.about])
    return make_table(["figure", "value", "", "what"], rows)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Print the answer, and what went in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, figure in FIGURES.items():
        parser.add_argument(f"--{name}", type=float, default=figure.value, help=figure.about.replace("%", "%%"))
    figures = vars(parser.parse_args(argv))
    print("\n".join([*reckon(figures), "", *list_figures(figures)]))


if __name__ == "__main__":
    main()

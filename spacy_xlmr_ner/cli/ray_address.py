"""An option whose value may be left out."""

import re
from typing import Any, List

from typer.core import TyperCommand

OPTION = "--ray"
# What stands behind the option and is no path to annotate: `./auto` is one.
ADDRESS = re.compile(r"auto|local|ray://\S+|[\w.-]+:\d+|\[[0-9a-fA-F:]+\]:\d+")


class RayAddressCommand(TyperCommand):
    """Lets `--ray` stand alone; click's options have a value or none."""

    def parse_args(self, ctx: Any, args: List[str]) -> List[str]:
        """Read `--ray IN` as `--ray= IN`, and `--ray ADDRESS IN` as it stands."""
        read: List[str] = []
        for i, arg in enumerate(args):
            following = args[i + 1] if i + 1 < len(args) else ""
            is_alone = arg == OPTION and "--" not in args[:i] and not ADDRESS.fullmatch(following)
            read.append(f"{OPTION}=" if is_alone else arg)
        return list(super().parse_args(ctx, read))

"""Options that take all that follows, up to the next option."""

from typing import Any, ClassVar, FrozenSet, List

from typer.core import TyperCommand


class ManyTextsCommand(TyperCommand):
    """Lets `--text` take several files, as people write it; click's options take one a time."""

    options: ClassVar[FrozenSet[str]] = frozenset({"--text"})

    def parse_args(self, ctx: Any, args: List[str]) -> List[str]:
        """Read `--text a b` and `--text=a b` as `--text a --text b`."""
        spread: List[str] = []
        option = ""
        for arg in args:
            if arg.startswith("-"):
                name = arg.split("=")[0]
                option = name if name in self.options else ""
            elif option and spread[-1] != option:
                spread.append(option)
            spread.append(arg)
        return list(super().parse_args(ctx, spread))

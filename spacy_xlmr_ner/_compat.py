"""Is the extra there? One question a package, asked when the feature is used, not at import."""

from importlib import import_module
from types import ModuleType

from .errors import Errors


def require_extra(package: str, *, extra: str) -> ModuleType:
    """Import a package that comes with an extra.

    package (str): The name to import, of a module of it too.
    extra (str): The extra of this distribution that installs it.
    RETURNS (ModuleType): The imported package.
    RAISES (ImportError): XN112, with the pip line, if it is not installed.
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as err:
        missing = err.name or package
        raise ImportError(Errors.XN112.format(package=missing.split(".")[0], extra=extra)) from err

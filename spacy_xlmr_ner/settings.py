"""Checks of settings: what was found, what may stand there, and where."""

from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Sequence, Union

from thinc.api import Config

from .errors import Errors

# XLM-R's two specials; a checkpoint with another number is checked when it is loaded.
N_SPECIAL = 2


def check_choice(setting: str, found: Any, allowed: Sequence[Any], *, where: str) -> Any:
    """Return a value that is one of those allowed.

    setting (str): The name of the setting.
    found (Any): Its value.
    allowed (Sequence[Any]): What may stand there.
    where (str): The block of the config.
    RAISES (ValueError): XN102.
    """
    if found not in allowed:
        shown = ", ".join(repr(value) for value in allowed)
        raise ValueError(Errors.XN102.format(setting=setting, found=found, allowed=shown, where=where))
    return found


def check_number(setting: str, found: Any, *, least: int) -> None:
    """RAISES (ValueError): XN106 if the value is no whole number of at least `least`."""
    if isinstance(found, bool) or not isinstance(found, int) or found < least:
        raise ValueError(Errors.XN106.format(setting=setting, found=found, least=least))


def check_range(setting: str, found: Any, expected: str, fits: Callable[[float], bool], *, where: str) -> None:
    """Refuse a number out of range.

    setting (str): The name of the setting.
    found (Any): Its value.
    expected (str): What may stand there, in words that follow "a number".
    fits (Callable[[float], bool]): The same as a test.
    where (str): The block of the config.
    RAISES (ValueError): XN121.
    """
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not fits(found):
        raise ValueError(Errors.XN121.format(setting=setting, found=found, expected=expected, where=where))


def check_label_list(found: Any, *, where: str) -> None:
    """RAISES (ValueError): XN110 if these are no labels, each of them once."""
    if isinstance(found, str) or not all(isinstance(label, str) and label for label in found):
        expected = "a list of labels"
        raise ValueError(Errors.XN110.format(setting="labels", found=found, expected=expected, where=where))
    check_different("labels", list(found), where=where)


def check_different(setting: str, found: Sequence[str], *, where: str) -> None:
    """RAISES (ValueError): XN110 if a name stands twice."""
    twice = [name for i, name in enumerate(found) if name in found[:i]]
    if twice:
        raise ValueError(Errors.XN110.format(setting=setting, found=twice[0], expected="different names", where=where))


def check_overlap(overlap: int, window: int) -> None:
    """RAISES (ValueError): XN101 if windows that overlap so would never get on."""
    limit = window - N_SPECIAL
    if overlap >= limit:
        raise ValueError(Errors.XN101.format(overlap=overlap, n_special=N_SPECIAL, limit=limit))


def check_threshold(threshold: Union[float, Mapping[str, float]], *, name: str) -> None:
    """RAISES (ValueError): XN103 if a threshold is no number from 0 to 1."""
    by_label = threshold.items() if isinstance(threshold, Mapping) else [(None, threshold)]
    for label, number in by_label:
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= 1:
            which = "" if label is None else f" of label '{label}'"
            raise ValueError(Errors.XN103.format(which=which, found=number, name=name))


def check_label_map(label_map: Mapping[str, Optional[str]], *, name: str) -> None:
    """RAISES (ValueError): XN110 if a label is mapped to anything but a label or null."""
    for label, new in label_map.items():
        if not (new is None or (isinstance(new, str) and new)):
            raise ValueError(
                Errors.XN110.format(
                    setting="label_map",
                    found={label: new},
                    expected="labels to other labels, or to null to drop them",
                    where=f"[components.{name}]",
                )
            )


def check_labels(setting: str, found: Iterable[str], *, known: Sequence[Optional[str]], name: str) -> None:
    """Refuse labels that the checkpoint lacks.

    setting (str): The name of the setting.
    found (Iterable[str]): The labels that it names.
    known (Sequence[Optional[str]]): Those that there are; None counts for nothing.
    name (str): The component.
    RAISES (ValueError): XN107.
    """
    unknown = [label for label in found if label not in known]
    if unknown:
        shown = ", ".join(dict.fromkeys(label for label in known if label is not None))
        raise ValueError(Errors.XN107.format(setting=setting, name=name, found=", ".join(unknown), known=shown))


def check_portable(setting: str, values: Mapping[str, Any], *, name: str) -> None:
    """Refuse what config.cfg would give back otherwise than it got it.

    The file is asked rather than its rules copied: each entry is written and read again.

    setting (str): The name of the setting.
    values (Mapping[str, Any]): Its value.
    name (str): The component.
    RAISES (ValueError): XN104, naming the entry.
    """
    for key, value in values.items():
        if not _survives({key: value}):
            raise ValueError(Errors.XN104.format(setting=setting, found={key: value}, name=name))


def _survives(values: Dict[str, Any]) -> bool:
    config = {"components": {"ner": {"setting": values}}}
    try:
        return bool(Config().from_str(Config(config).to_str()) == config)
    except Exception:  # whatever the parser makes of such a name, it is not the name
        return False

"""How many steps a training takes, and what becomes of its learning rate on the way."""

import itertools
from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence

from spacy.training import Example

MAX_STEPS = 1_000_000  # that are looked at


@dataclass(frozen=True)
class Schedule:
    """The steps of a training. A step is one of the optimizer's.

    steps_per_epoch (int): Batches that the batcher makes of the training docs.
    n_steps (Optional[int]): Of the whole training, if `patience` does not end it before; None: nothing else ends it.
    first_rate, highest_rate, last_rate (float): The learning rate.
    highest_step (int): The first step that has the highest rate.
    is_falling (bool): Whether the rate still sinks with the last step.
    idle_steps (int): Steps at the end whose rate is 0: nothing is learned in them.
    """

    steps_per_epoch: int
    n_steps: Optional[int]
    first_rate: float
    highest_rate: float
    highest_step: int
    last_rate: float
    is_falling: bool
    idle_steps: int


def plan_schedule(training: Dict[str, Any], examples: Sequence[Example]) -> Schedule:
    """Work out the steps of a training.

    training (Dict[str, Any]): The block [training], resolved. Its batcher and its learning rate are used up.
    examples (Sequence[Example]): The training data.
    RETURNS (Schedule): Of as many epochs and steps as `max_epochs` and `max_steps` allow.
    """
    steps_per_epoch = sum(1 for _ in training["batcher"](examples))
    limits = [training["max_epochs"] * steps_per_epoch] if training["max_epochs"] > 0 else []
    if training["max_steps"]:
        limits.append(training["max_steps"] + 1)  # spaCy stops behind the step of that number, counted from 0
    n_steps = min(limits) if limits else None
    rates = list_rates(training["optimizer"], min(n_steps or 1, MAX_STEPS))
    highest = max(rates)
    return Schedule(
        steps_per_epoch=steps_per_epoch,
        n_steps=n_steps,
        first_rate=rates[0],
        highest_rate=highest,
        highest_step=rates.index(highest),
        last_rate=rates[-1],
        is_falling=len(rates) > 1 and rates[-1] < rates[-2],
        idle_steps=sum(1 for _ in itertools.takewhile(lambda rate: rate == 0, reversed(rates))),
    )


def list_rates(optimizer: Any, n_steps: int) -> Sequence[float]:
    """The learning rates of the first steps, at least one."""
    rates = [float(optimizer.learn_rate)]
    if "learn_rate" in optimizer.schedules:
        rates += [float(rate) for rate in itertools.islice(optimizer.schedules["learn_rate"], max(0, n_steps - 1))]
    return rates

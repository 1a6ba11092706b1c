import pytest
from spacy.training.batchers import configure_minibatch
from thinc.api import Adam, warmup_linear

from spacy_xlmr_ner.corpus_report.schedule import plan_schedule


def plan(*, max_epochs=0, max_steps=0, rate=0.1, n_examples=10):
    training = {
        "batcher": configure_minibatch(size=4),
        "optimizer": Adam(rate),
        "max_epochs": max_epochs,
        "max_steps": max_steps,
    }
    return plan_schedule(training, list(range(n_examples)))


@pytest.mark.parametrize(
    "limits, n_steps",
    [
        ({"max_epochs": 2}, 6),
        ({"max_steps": 4}, 5),
        ({"max_epochs": 2, "max_steps": 4}, 5),
        ({"max_epochs": 1, "max_steps": 4}, 3),
        ({}, None),
        ({"max_epochs": -1}, None),
    ],
)
def test_schedule_counts_steps_as_spacy_takes_them(limits, n_steps):
    schedule = plan(**limits)
    assert (schedule.steps_per_epoch, schedule.n_steps) == (3, n_steps)


def test_schedule_follows_a_warm_up_and_a_decay():
    # steps 0 to 5: 0, 0.1, 0.2, 0.1333, 0.0667, 0
    schedule = plan(max_epochs=2, rate=warmup_linear(0.2, 2, 5))
    assert (schedule.first_rate, schedule.highest_rate, schedule.highest_step) == (0.0, 0.2, 2)
    assert (schedule.last_rate, schedule.idle_steps, schedule.is_falling) == (0.0, 1, True)


def test_schedule_finds_a_rate_that_has_not_come_down():
    schedule = plan(max_epochs=2, rate=warmup_linear(0.2, 2, 22))
    assert schedule.is_falling
    assert schedule.last_rate == pytest.approx(0.2 * 17 / 20)


def test_schedule_of_a_constant_rate_neither_falls_nor_idles():
    schedule = plan(max_epochs=2)
    assert (schedule.highest_rate, schedule.last_rate, schedule.is_falling, schedule.idle_steps) == (0.1, 0.1, False, 0)


def test_schedule_that_ends_keeps_its_last_rate():
    schedule = plan(max_epochs=2, rate=[0.3, 0.2])
    assert (schedule.last_rate, schedule.highest_step) == (0.2, 0)

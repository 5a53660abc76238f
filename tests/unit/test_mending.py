"""When routes to pods are put back that another program takes away."""

from bgpnet.cni.mending import Mending
from bgpnet.model.fight import AT_ONCE, FORGOTTEN, LONGEST

LINK = 70000


def test_what_is_lost_a_few_times_is_due_at_once_each_time() -> None:
    mending = Mending()
    for times in range(1, AT_ONCE + 1):
        mending.lost(LINK, 1.0)
        mending.lost(LINK, 1.0)  # the other family's route
        assert mending.due_in(1.0) == 0
        assert mending.due(1.0) == [(LINK, times)]
        assert mending.due(1.0) == []
    assert mending.due_in(1.0) is None


def test_a_fight_gets_slower_up_to_the_longest_wait_and_is_forgotten() -> None:
    mending, now, waits = Mending(), 0.0, []
    for _ in range(AT_ONCE + 8):
        mending.lost(LINK, now)
        wait = mending.due_in(now)
        assert wait is not None
        waits.append(wait)
        now += wait
        assert len(mending.due(now)) == 1
    assert waits == [0.0] * AT_ONCE + [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST, LONGEST, LONGEST]
    now += LONGEST + FORGOTTEN + 1
    assert mending.due(now) == []
    mending.lost(LINK, now)
    assert mending.due(now) == [(LINK, 1)]


def test_a_link_that_is_gone_is_not_mended() -> None:
    mending = Mending()
    mending.lost(LINK, 0.0)
    mending.forget(LINK)
    assert (mending.due(9.0), mending.due_in(9.0)) == ([], None)

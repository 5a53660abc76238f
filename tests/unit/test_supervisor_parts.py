"""The supervisor's judgements: watchdog, confirmation, files, words."""

from base64 import b64encode
from pathlib import Path, PurePosixPath

from bgpnet.model.rundir import RunDir
from bgpnet.render.generation import header
from bgpnet.speaker.confirmation import AGAIN, ASK_AGAIN, RELOAD_LIMIT, RESTART_LIMIT, Confirmation, Step
from bgpnet.speaker.store import Store
from bgpnet.speaker.validation import redacted
from bgpnet.speaker.watchdog import GRACE, INTERVAL, PATIENCE, START, Verdict, Watchdog

# --- watchdog -------------------------------------------------------------------------------------------


def test_a_speaker_that_answers_is_asked_for_ever() -> None:
    watchdog = Watchdog()
    watchdog.born(10.0)
    now = 10.0
    for _ in range(100):
        assert watchdog.judge(now) is Verdict.WAIT
        now = watchdog.due()
        assert watchdog.judge(now) is Verdict.ASK
        watchdog.asked(now)
        watchdog.answered(now + 0.01)


def test_a_silent_one_is_ended_and_then_killed() -> None:
    watchdog = Watchdog()
    watchdog.born(0.0)
    watchdog.answered(0.0)
    verdicts = []
    for _ in range(20):
        now = watchdog.due()
        verdicts.append((now, watchdog.judge(now)))
        if verdicts[-1][1] is Verdict.ASK:
            watchdog.asked(now)
        if verdicts[-1][1] is Verdict.KILL:
            break
    assert verdicts[-2:] == [(PATIENCE, Verdict.TERMINATE), (PATIENCE + GRACE, Verdict.KILL)]
    assert {verdict for _, verdict in verdicts[:-2]} == {Verdict.ASK}


def test_a_frozen_speaker_is_replaced_before_a_peer_with_the_default_hold_time_gives_up() -> None:
    hold_time, keepalive = 9, 1
    assert hold_time - keepalive >= INTERVAL + PATIENCE + GRACE


def test_a_start_that_takes_long_is_waited_for_in_each_life() -> None:
    watchdog = Watchdog()
    for began in (0.0, 100.0):
        watchdog.born(began)
        watchdog.late(began)  # tells nothing of the start
        assert watchdog.judge(began + START - 0.1) is Verdict.ASK
        watchdog.answered(began + START - 0.1)
        assert watchdog.judge(began + START - 0.1 + PATIENCE) is Verdict.TERMINATE


def test_a_start_that_comes_to_nothing_is_given_up() -> None:
    watchdog = Watchdog()
    watchdog.born(0.0)
    assert watchdog.judge(START) is Verdict.TERMINATE


# --- confirmation ---------------------------------------------------------------------------------------

GENERATION = "0123456789abcdef"


def shown(*generations: str) -> list[str]:
    """What `show neighbor configuration` prints."""
    lines = []
    for number, generation in enumerate(generations):
        lines += [
            f"neighbor 10.0.0.{number} {{",
            f'  description "bgpnet-{generation}";',
            "  hold-time 9;",
            "}",
        ]
    return lines


def text(neighbors: int) -> str:
    """A configuration with so many neighbours."""
    return "\n".join([header(GENERATION), *shown(*[GENERATION] * neighbors), ""])


def test_what_is_in_force_already_is_accepted_without_a_signal() -> None:
    confirmation = Confirmation(text(2), 0.0)
    assert confirmation.step(0.0) is Step.ASK
    confirmation.asked(0.0)
    assert confirmation.step(0.0) is Step.WAIT
    confirmation.answered(shown(GENERATION, GENERATION))
    assert confirmation.step(0.01) is Step.ACCEPTED


def test_no_neighbour_at_all_can_be_in_force() -> None:
    confirmation = Confirmation(text(0), 0.0)
    confirmation.answered([])
    assert confirmation.step(0.0) is Step.ACCEPTED


def test_an_exabgp_without_neighbours_has_not_yet_those_of_a_text() -> None:
    confirmation = Confirmation(text(2), 0.0)
    confirmation.answered([])
    assert confirmation.step(0.0) is Step.RELOAD
    confirmation.answered(shown(GENERATION))
    assert confirmation.step(AGAIN) is Step.RELOAD
    confirmation.answered(shown(GENERATION, GENERATION))
    assert confirmation.step(AGAIN) is Step.ACCEPTED


def test_exabgp_is_told_to_reload_only_after_it_answered() -> None:
    """Until its signal handlers are in place, the signal would kill it."""
    confirmation = Confirmation(text(1), 0.0)
    now = 0.0
    while now < RELOAD_LIMIT:
        assert confirmation.step(now) is Step.ASK
        confirmation.asked(now)
        now += 2 * ASK_AGAIN


def test_a_dropped_reload_is_repeated() -> None:
    confirmation = Confirmation(text(1), 0.0)
    confirmation.asked(0.0)
    confirmation.answered(shown("f" * 16))
    assert confirmation.step(0.0) is Step.RELOAD
    confirmation.answered(shown("f" * 16))
    assert confirmation.step(AGAIN / 2) is Step.ASK
    assert confirmation.step(AGAIN) is Step.RELOAD
    confirmation.answered(shown(GENERATION))
    assert confirmation.step(AGAIN) is Step.ACCEPTED


def test_one_neighbour_of_another_text_is_not_yet_the_new_text() -> None:
    confirmation = Confirmation(text(2), 0.0)
    confirmation.answered(shown(GENERATION, "f" * 16))
    assert confirmation.step(0.0) is Step.RELOAD
    confirmation.answered(["neighbor 10.0.0.1 {", "}", *shown(GENERATION)])
    assert confirmation.step(AGAIN) is Step.RELOAD


def test_what_reloading_cannot_do_a_restart_does_once() -> None:
    confirmation = Confirmation(text(1), 0.0)
    steps = []
    now = 0.0
    while now < RELOAD_LIMIT + RESTART_LIMIT + 1.0:
        steps.append(confirmation.step(now))
        if steps[-1] is Step.ASK:
            confirmation.asked(now)
            confirmation.answered(shown("f" * 16))
        if steps[-1] is Step.FAILED:
            break
        now += ASK_AGAIN
    assert steps.count(Step.RESTART) == 1
    assert Step.RELOAD not in steps[steps.index(Step.RESTART) :]
    assert steps[-1] is Step.FAILED


# --- files ------------------------------------------------------------------------------------------------


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    run_dir = RunDir(PurePosixPath(tmp_path / "run"))
    store = Store(run_dir)
    store.propose("secret")
    assert store.directory.stat().st_mode & 0o777 == 0o700
    assert store.candidate.stat().st_mode & 0o777 == 0o600
    store.accept("secret")
    assert store.accepted.stat().st_mode & 0o777 == 0o600
    with store.lock():
        assert {path.stat().st_mode & 0o777 for path in store.directory.iterdir()} == {0o600}


def test_a_candidate_never_inherits_a_mode(tmp_path: Path) -> None:
    store = Store(RunDir(PurePosixPath(tmp_path)))
    store.candidate.touch(0o666)
    store.candidate.chmod(0o666)
    store.propose("x")
    assert store.candidate.stat().st_mode & 0o777 == 0o600


def test_the_text_in_force_survives_a_supervisor_and_can_be_restored(tmp_path: Path) -> None:
    run_dir = RunDir(PurePosixPath(tmp_path))
    store = Store(run_dir)
    assert store.text() is None
    assert store.generation() == ""
    text = f"# bgpnet generation {GENERATION}\n"
    store.propose(text)
    store.accept(text)
    assert store.text() == text
    assert Store(run_dir).generation() == GENERATION
    store.restore("older")
    assert Store(run_dir).text() == "older"
    store.restore(None)
    assert Store(run_dir).text() is None
    store.propose("x")
    store.discard()
    assert not store.candidate.exists()


# --- words ------------------------------------------------------------------------------------------------


def test_no_password_leaves_in_a_refusal() -> None:
    password = "correct horse"
    key = b64encode(password.encode()).decode()
    text = f'neighbor 10.0.0.1 {{\n    md5-password "{key}";\n}}\n'
    said = redacted(f'line 4: md5-password "{key}" and {password}', text)
    assert said == 'line 4: md5-password "***" and ***'

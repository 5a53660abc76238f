"""Signals become exceptions: once, again where Python swallows one, and not while something is cleaned up.

Each case is a program of its own, as it changes what signals do.
"""

import signal
import subprocess
import sys

import pytest

from tests.netlab.images import REPOSITORY

BEGINNING = """
import signal, sys, time
from tests.netlab import interrupts

def wait(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)

"""


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + program],
        capture_output=True,
        text=True,
        timeout=20,
        cwd=REPOSITORY,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_raised_once_and_a_second_one_is_not(number: signal.Signals) -> None:
    program = f"""
try:
    with interrupts.raised():
        try:
            signal.raise_signal({int(number)})
        finally:
            with interrupts.ignored():
                signal.raise_signal(signal.SIGTERM)
                wait(2 * interrupts.AGAIN)
            print("cleaned up")
except interrupts.Interrupted as interrupted:
    print(interrupted, interrupted.exit_code)
"""
    assert run(program) == f"cleaned up\n{number.name} {128 + number}\n"


def test_an_exception_that_python_swallows_comes_again() -> None:
    program = """
class Deleted:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

sys.unraisablehook = lambda what: print("swallowed", what.exc_value)
try:
    with interrupts.raised():
        Deleted()
        wait(10)
        print("went on")
except interrupts.Interrupted as interrupted:
    print(interrupted)
"""
    assert run(program) == "swallowed SIGTERM\nSIGTERM\n"


def test_a_signal_waits_for_the_end_of_what_must_be_done_whole() -> None:
    program = """
try:
    with interrupts.raised():
        with interrupts.deferred():
            signal.raise_signal(signal.SIGTERM)
            print("done whole")
        print("went on")
except interrupts.Interrupted as interrupted:
    print(interrupted)
"""
    assert run(program) == "done whole\nSIGTERM\n"


def test_nothing_is_left_of_it_after_the_block() -> None:
    program = """
with interrupts.raised(), interrupts.ignored():
    signal.raise_signal(signal.SIGTERM)
print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, signal.getsignal(signal.SIGALRM) is signal.SIG_DFL)
"""
    assert run(program) == "True True\n"

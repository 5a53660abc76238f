"""Every story of the folder `stories`; storytext.py tells how one is written."""

from pathlib import Path

import pytest

from tests.scenarios.storyteller import Storyteller
from tests.scenarios.storytext import stories

FOLDER = Path(__file__).with_name("stories")


@pytest.mark.parametrize("path", stories(FOLDER), ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    Storyteller().tell(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("A wrong table.\n== tor1 sees\n", "line 2: == tor1 sees\nthere, and not told of"),
        ("A missing route.\n== kernel\nblackhole 10.9.0.0/24\nblackhole 10.244.1.0/26\n", "missing"),
        (
            "A rejection nobody told of.\n== tor1 announces\n10.9.0.0/24\n== refused\n",
            "refused, and not told",
        ),
        ("A state.\n== tor1 is Idle\n", "it is Established"),
    ],
)
def test_a_story_that_does_not_hold_says_where(text: str, says: str) -> None:
    with pytest.raises(AssertionError) as caught:
        Storyteller().tell(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text", ["== kernel\n", "A step.\n== tor1 dances\n", "A word.\n== tor1 announces\n10.0.0.0/8 why x\n"]
)
def test_a_step_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"first lines|no such step|is none of"):
        Storyteller().tell(text)

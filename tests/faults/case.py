"""The cells of the matrix: which fault, in which fabric, and what it may cost."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

LABS: Final = ("dual-tor", "dual-tor-bird", "mixed-tor")

PLAIN: Final = "plain"
"""The lab as it is: hold time 9 s, no BFD, ToRs that are helpers of graceful restart."""
BFD: Final = "bfd"
"""BFD 300 ms x 3 on every session."""
RESTARTING: Final = "restarting"
"""ToRs that restart gracefully themselves and keep their forwarding state."""
SETUPS: Final = (PLAIN, BFD, RESTARTING)

INTERVAL_MS: Final = 10.0
"""Between two packets of a flow."""
FAST: Final = 300.0
"""Milliseconds for what a lost carrier, a closed connection or a NOTIFICATION tells."""
BFD_LIMIT: Final = 1200.0
"""Milliseconds: 300 x 3, and time to act."""
HOLD_LIMIT: Final = 10_000.0
"""Milliseconds: hold time of 9 s, and a second to act."""

HOLD: Final = 9.0
"""Seconds of silence that end a session."""
DETECTION: Final = 0.9
"""Seconds of silence after which BFD is down."""

PLANNED: Final = frozenset(
    {
        "agent-killed",
        "exabgp-killed",
        "speaker-container-killed",
        "agent-and-speaker-killed",
        "bfd-killed",
        "upgrade-agent-then-speaker",
        "upgrade-speaker-then-agent",
        "tor-daemon-restarted-gracefully",
    }
)


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, and what it may cost.

    Attributes:
        fault: its name; a function of `inflict` has it, with underscores.
        limit_ms: longest gap towards the pods; 0: no packet may be lost at all, either way.
        back_ms: longest gap from the pods, where it is another.
        setup: the fabric that it is for.
        alone: whether tor2 has no power, so that nothing but the victim is left.

    """

    fault: str
    limit_ms: float
    back_ms: float | None = None
    setup: str = PLAIN
    alone: bool = False

    @property
    def planned(self) -> bool:
        """Whether it is what operators do on purpose or a node heals by itself: nothing may be lost, ever."""
        return self.fault in PLANNED

    @property
    def stall(self) -> float:
        """Seconds that the machine may stand still in a run: a third of what the limit has for acting."""
        if self.planned or not self.limit_ms:
            return HOLD / 3
        tell = {HOLD_LIMIT: HOLD, BFD_LIMIT: DETECTION}.get(self.limit_ms, 0.0)
        return min(self.limit_ms / 1000 - tell, (self.back_ms or self.limit_ms) / 1000) / 3

    @property
    def name(self) -> str:
        """The fault as the table names it."""
        return f"{self.fault}{'-alone' * self.alone}{'-bfd' * (self.setup == BFD)}"


CASES: Final = (
    Case("agent-killed", 0),
    Case("exabgp-killed", 0),
    Case("speaker-container-killed", 0),
    Case("agent-and-speaker-killed", 0),
    Case("upgrade-agent-then-speaker", 0),
    Case("upgrade-speaker-then-agent", 0),
    Case("wrong-md5-key", 0),
    Case("max-prefix-hit", FAST),
    Case("tor-daemon-restarted", FAST),
    Case("uplink-of-tor-cut", FAST),
    Case("tor-off-with-carrier-loss", FAST),
    Case("link-of-node-cut", HOLD_LIMIT, FAST),
    Case("link-of-node-deaf", HOLD_LIMIT),
    Case("link-of-node-dumb", HOLD_LIMIT),
    Case("tor-off-in-silence", HOLD_LIMIT),
    Case("node-off", HOLD_LIMIT),
    Case("exabgp-killed", 0, setup=BFD),
    Case("speaker-container-killed", 0, setup=BFD),
    Case("bfd-killed", 0, setup=BFD),
    Case("upgrade-agent-then-speaker", 0, setup=BFD),
    Case("upgrade-speaker-then-agent", 0, setup=BFD),
    Case("link-of-node-cut", BFD_LIMIT, FAST, setup=BFD),
    Case("link-of-node-deaf", BFD_LIMIT, setup=BFD),
    Case("link-of-node-dumb", BFD_LIMIT, setup=BFD),
    Case("tor-off-in-silence", BFD_LIMIT, setup=BFD),
    Case("node-off", BFD_LIMIT, setup=BFD),
    Case("tor-daemon-restarted-gracefully", 0, setup=RESTARTING),
    Case("tor-daemon-restarted-gracefully", 0, setup=RESTARTING, alone=True),
)


def chosen(words: Iterable[str], only: Collection[str] = ()) -> list[tuple[str, Case]]:
    """The cells that all the words mean, in the order of the run.

    A word is a lab, a set-up or a fault, or a part of the name of one; `planned`: what may
    lose nothing, ever.
    `only`: faults by their whole names, any of them.

    Raises:
        ValueError: a word means nothing.

    """
    cells = [(lab, case) for lab in LABS for setup in SETUPS for case in CASES if case.setup == setup]
    exact = {"planned", *LABS, *SETUPS, *(case.name for case in CASES)}
    for name in only:
        if not any(name in (case.name, case.fault) for case in CASES):
            raise ValueError(f"no fault is called {name!r}; there are {_faults()}")
    if only:
        cells = [(lab, case) for lab, case in cells if {case.name, case.fault} & set(only)]
    for word in words:
        cells = [each for each in cells if _means(word, each, exact=word in exact)]
        if not cells:
            raise ValueError(
                f"no cell has the word {word!r}; labs: {', '.join(LABS)}; set-ups: {', '.join(SETUPS)};"
                f" faults: {_faults()}"
            )
    return cells


def _faults() -> str:
    return ", ".join(dict.fromkeys(case.name for case in CASES))


def _means(word: str, cell: tuple[str, Case], *, exact: bool) -> bool:
    lab, case = cell
    names = (lab, case.setup, case.name, *(["planned"] if case.planned else []))
    return word in names if exact else any(word in name for name in names)

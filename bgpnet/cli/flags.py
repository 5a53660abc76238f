"""Declares verbs and the flags that several of them have."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from textwrap import dedent
from typing import Final

from bgpnet.model.errors import UsageError
from bgpnet.model.rundir import RunDir

DEFAULT_RUN_DIR: Final = "/run/bgpnet"

NO_TERMINAL: Final = 80
"""Columns of the help where it is not shown on a terminal."""

Verb = Callable[[argparse.Namespace], int]
"""Carries a verb out; its answer is the exit code."""


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal.

    argparse makes a formatter for each flag, and asks shutil for the width: with compression and file modules
    that nothing else needs, in every process of a node.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or NO_TERMINAL
    except (OSError, ValueError):
        return NO_TERMINAL


class Verbs:
    """Where verbs are declared. Defaults of their flags come from BGPNET_… in `environment`."""

    def __init__(
        self, actions: "argparse._SubParsersAction[argparse.ArgumentParser]", environment: Mapping[str, str]
    ) -> None:
        self._actions = actions
        self._environment = environment

    def add(self, name: str, verb: Verb, text: str, more: str = "") -> argparse.ArgumentParser:
        """A verb. `text` says what it does, `more` is shown below its flags: examples, exit codes."""
        sub = self._sub(name, text, more)
        sub.set_defaults(verb=verb)
        return sub

    def group(self, name: str, text: str, more: str = "") -> "Verbs":
        """A verb that has verbs of its own."""
        below = self._sub(name, text, more).add_subparsers(title="verbs", required=True, metavar="VERB")
        return Verbs(below, self._environment)

    def flag(self, sub: argparse.ArgumentParser, flag: str, default: str | None, text: str) -> None:
        """A flag that can be given in the environment; without default it must be given."""
        variable = "BGPNET_" + flag.removeprefix("--").replace("-", "_").upper()
        value = self._environment.get(variable) or default
        shown = f"; default {value}" if value else ""
        sub.add_argument(
            flag, default=value, required=value is None, metavar="VALUE", help=f"{text} ({variable}{shown})"
        )

    def run_dir(self, sub: argparse.ArgumentParser) -> None:
        """`--run-dir`."""
        self.flag(sub, "--run-dir", DEFAULT_RUN_DIR, "directory where a node's processes meet")

    def output(self, sub: argparse.ArgumentParser) -> None:
        """`-o` and `--run-dir`, of a verb that shows what the agent says."""
        self.run_dir(sub)
        self.format(sub)

    def format(self, sub: argparse.ArgumentParser) -> None:
        """`-o`, of a verb that shows what it found itself."""
        sub.add_argument(
            "-o", "--output", choices=("text", "json", "yaml"), default="text", help="output format"
        )

    def _sub(self, name: str, text: str, more: str) -> argparse.ArgumentParser:
        return self._actions.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog=dedent(more),
            formatter_class=HelpFormatter,
        )


def run_dir(args: argparse.Namespace) -> RunDir:
    """The run directory that was asked for.

    Raises:
        UsageError: it is no absolute path.
    """
    root = PurePosixPath(args.run_dir)
    if not root.is_absolute():
        raise UsageError(f"--run-dir is {args.run_dir!r}; give an absolute path")
    return RunDir(root)

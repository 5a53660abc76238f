"""Prints what a verb found."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from bgpnet.model.errors import BgpnetError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def line(text: str) -> None:
    """Print it. A reader that has gone (`| head`) does not change the exit code.

    Raises:
        BgpnetError: it cannot be written, as on a full disk.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except OSError as error:
        # What is left in the buffer would raise once more when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise BgpnetError(f"standard output: {error.strerror}; nothing more was printed") from error


def found(args: argparse.Namespace, value: "DataclassInstance", text: Callable[[], str]) -> None:
    """Print it in the format that was asked for."""
    match args.output:
        case "json":
            line(json.dumps(asdict(value), indent=2))
        case "yaml":
            import yaml

            plain = json.loads(json.dumps(asdict(value)))  # tuples are lists in YAML, too
            line(yaml.safe_dump(plain, sort_keys=False).rstrip())
        case _:
            line(text().rstrip())

"""The plug-ins that stand behind ours in the runtime's network configuration. Pure."""

import re
from typing import Final

from bgpnet.model.cni_json import show
from bgpnet.model.errors import UsageError

PLUGIN: Final = "bgpnet"
"""The `type` of our plug-in, which is the name of the shim's file."""

LOOPBACK: Final = "loopback"
"""The plug-in that runtimes call for every pod, of their own accord."""

CONFLIST: Final = "10-bgpnet.conflist"
"""Name of our network configuration list: runtimes take the first by name."""

VERSIONS: Final = ("1.0.0", "1.1.0")
"""Versions of the CNI specification that the list may be used with.

A runtime before 1.1.0 knows the first alone, and a newer one takes the last, which has STATUS and GC. So
every plug-in of the list has to speak the last.
"""

DEFAULT_CHAIN: Final = "portmap"

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_LONGEST: Final = 16  # plug-ins


def parse_chain(text: str) -> tuple[str, ...]:
    """The plug-ins that `--cni-chain` names, in their order; none for `none`.

    Raises:
        UsageError: one is no plug-in's name, ours, loopback, or named twice.
    """
    names = tuple(name for name in text.replace(" ", "").split(",") if name)
    if names == ("none",):
        return ()
    for name in names:
        if not _NAME.fullmatch(name) or name in {PLUGIN, LOOPBACK} or names.count(name) > 1:
            raise UsageError(
                f"--cni-chain is {text!r}; {show(name)} cannot be in it: give names of plug-ins with commas "
                f"between them, each once, as portmap,bandwidth, or none; {PLUGIN} and {LOOPBACK} go unsaid"
            )
    if len(names) > _LONGEST:
        raise UsageError(f"--cni-chain is {text!r}; give at most {_LONGEST} plug-ins")
    return names

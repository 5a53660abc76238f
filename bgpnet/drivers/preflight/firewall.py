"""Chains that drop forwarded packets, of nftables and of the older iptables, read by their own programs."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from bgpnet.model.hostfacts import ForwardChain

_PATIENCE: Final = 10
"""Seconds for a program's answer."""

_LINKS: Final = re.compile(r'"?bgp[*+]"?.*\baccept\b', re.IGNORECASE)
_TABLE: Final = re.compile(r"table (\S+) (\S+) \{")
_CHAIN: Final = re.compile(r"chain (\S+) \{")
_OLD: Final = (
    ("iptables-legacy", "/proc/net/ip_tables_names"),
    ("ip6tables-legacy", "/proc/net/ip6_tables_names"),
)


def forward_chains() -> tuple[tuple[ForwardChain, ...], str]:
    """The chains, and why they cannot be read (empty when they can)."""
    listed, unseen = _output("nft", "list", "chains")
    found = []
    for family, table, chain in dropping(listed):
        rules, _ = _output("nft", "list", "chain", family, table, chain)
        found.append(ForwardChain(f"nft chain {family} {table} {chain}", bool(_LINKS.search(rules))))
    for program, names in _OLD:
        if "filter" in _text(names):
            rules, lacking = _output(program, "-S", "FORWARD")
            unseen = unseen or lacking
            if "-P FORWARD DROP" in rules:
                found.append(ForwardChain(f"{program} FORWARD", bool(_LINKS.search(rules))))
    return tuple(found), unseen


def dropping(listed: str) -> list[tuple[str, str, str]]:
    """Family, table and name of each forward chain whose policy is drop, from `nft list chains`."""
    found, family, table, chain = [], "", "", ""
    for line in listed.splitlines():
        if begun := _TABLE.search(line):
            family, table = begun.groups()
        elif begun := _CHAIN.search(line):
            chain = begun[1]
        elif "hook forward" in line and "policy drop" in line and family in {"ip", "ip6", "inet"}:
            found.append((family, table, chain))
    return found


def _output(*argv: str) -> tuple[str, str]:
    """What a program prints, and why there is nothing."""
    if shutil.which(argv[0]) is None:
        return "", f"`{argv[0]}` is not installed"
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", f"`{argv[0]}`: {error}"
    words = done.stderr.strip().splitlines()
    return done.stdout, f"`{argv[0]}`: {words[0] if words else 'failed'}" if done.returncode else ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""

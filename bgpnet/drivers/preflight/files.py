"""Other programs' configuration files. One that is missing or unreadable says nothing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bgpnet.model.hostfacts import Setting

_CNI: Final = "etc/cni/net.d"
_SYSTEMD: Final = ("usr/lib/systemd", "usr/local/lib/systemd", "run/systemd", "etc/systemd")
"""Of equal names the last counts (systemd-system.conf(5))."""
_NM: Final = ("usr/lib/NetworkManager", "run/NetworkManager", "etc/NetworkManager")
_SYSCTL: Final = ("usr/lib/sysctl.d", "usr/local/lib/sysctl.d", "run/sysctl.d", "etc/sysctl.d")
_NO: Final = frozenset({"no", "false", "off", "0", "n", "f"})

_HARMFUL: Final = (
    (re.compile(r"net/ipv4/(ip_forward|conf/all/forwarding)"), "0"),
    (re.compile(r"net/ipv6/conf/all/forwarding"), "0"),
    (re.compile(r"net/ipv4/conf/(all|default|\*|e\S*)/rp_filter"), "1"),
    (re.compile(r"net/ipv6/conf/all/disable_ipv6"), "1"),
)
"""Settings, and the value of each with which a node cannot do. Links with names in `e` may be uplinks."""


def conflists(root: Path) -> tuple[tuple[str, str], ...]:
    """CNI configurations in the order in which runtimes take them."""
    folder = root / _CNI
    names = sorted(path.name for path in _entries(folder) if path.suffix in {".conf", ".conflist", ".json"})
    return tuple((name, _plugin(_text(folder / name))) for name in names)


def networkd_keeps(root: Path) -> tuple[str, ...]:
    """Which of networkd's ManageForeign… are switched off."""
    told: dict[str, str] = {}
    for path in _parts(root, _SYSTEMD, "networkd.conf", "networkd.conf.d"):
        told |= {key: value for section, key, value in _ini(_text(path)) if section == "Network"}
    return tuple(sorted(k for k, v in told.items() if k.startswith("ManageForeign") and v.lower() in _NO))


def nm_unmanaged(root: Path) -> tuple[str, ...]:
    """NetworkManager's devices that it leaves alone."""
    told: dict[tuple[str, str], str] = {}
    for path in _parts(root, _NM, "NetworkManager.conf", "conf.d"):
        told |= {(section, key): value for section, key, value in _ini(_text(path))}
    words = told.get(("keyfile", "unmanaged-devices"), "")
    return tuple(word for word in re.split(r"[;,]", words) if word)


def firewalld_trusts(root: Path) -> tuple[str, ...]:
    """Interfaces and sources of firewalld's zone `trusted`, as it is stored."""
    text = _text(root / "etc/firewalld/zones/trusted.xml")
    return tuple(re.findall(r'<(?:interface name|source address)="([^"]+)"', text))


def settings(root: Path) -> tuple[Setting, ...]:
    """Harmful kernel settings that files apply at boot: the last word on each (sysctl.d(5))."""
    last: dict[str, Setting] = {}
    for path in [*_parts(root, _SYSCTL, "", ""), root / "etc/sysctl.conf"]:
        for line in _text(path).splitlines():
            key, sign, value = line.strip().removeprefix("-").partition("=")
            if not sign or key.startswith(("#", ";")):
                continue
            name = _slashes(key.strip())
            last[name] = Setting(name, value.strip(), f"/{path.relative_to(root)}")
    return tuple(
        each
        for _, each in sorted(last.items())
        if any(names.fullmatch(each.path) and each.value == value for names, value in _HARMFUL)
    )


def _slashes(key: str) -> str:
    """The first separator that stands in a key is the one between its parts (sysctl.d(5))."""
    dot, slash = key.find("."), key.find("/")
    if dot == -1 or (slash != -1 and slash < dot):
        return key
    return key.translate(str.maketrans("./", "/."))


def _plugin(text: str) -> str:
    try:
        told = json.loads(text)
        first = told["plugins"][0] if "plugins" in told else told
        return str(first["type"])
    except (ValueError, TypeError, KeyError, IndexError):
        return "unreadable"


def _parts(root: Path, homes: tuple[str, ...], main: str, drop_ins: str) -> list[Path]:
    """The main file, then what lies in the drop-in folders by name, of which the last home counts."""
    parts = [root / home / main for home in homes] if main else []
    by_name: dict[str, Path] = {}
    for home in homes:
        by_name |= {path.name: path for path in _entries(root / home / drop_ins) if path.suffix == ".conf"}
    return parts + [by_name[name] for name in sorted(by_name)]


def _ini(text: str) -> Iterator[tuple[str, str, str]]:
    """Section, key and value of each line; configparser refuses what these programs take."""
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            yield section, key.strip(), value.strip()


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""

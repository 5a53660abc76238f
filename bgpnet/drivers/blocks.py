"""How the agent hands the CNI server its blocks: one small file, replaced in one step."""

import json
import logging
from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from bgpnet.drivers import atomic
from bgpnet.model.blocks import Blocks, Reserved
from bgpnet.model.net import Family, Prefix

VERSION: Final = 2

log = logging.getLogger(__name__)


class BlocksFile:
    """`RunDir.blocks`, 0644.

    {"version": 2, "prefixes": ["10.1.0.0/24", …], "mtu": 1500, "everybody": true, "growing": false,
    "reserved": [{"family": "ipv4", "prefixes": [], "namespaces": ["a", …]}, …]}
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: tuple[bytes, Blocks] | None = None

    def write(self, blocks: Blocks) -> None:
        """Replace the file.

        Raises:
            OSError: it cannot be written; the last one is still there.
        """
        content = {
            "version": VERSION,
            "prefixes": [str(prefix) for prefix in blocks.prefixes],
            "mtu": blocks.mtu,
            "everybody": blocks.everybody,
            "growing": blocks.growing,
            "reserved": [
                {
                    "family": each.family,
                    "prefixes": [str(prefix) for prefix in each.prefixes],
                    "namespaces": sorted(each.namespaces),
                }
                for each in blocks.reserved
            ],
        }
        atomic.replace(self._path, json.dumps(content).encode() + b"\n", 0o644)

    def read(self) -> Blocks | None:
        """What was handed over last; None when nothing was, or by a version that we do not know.

        Raises:
            OSError: the file is there and cannot be read.
        """
        try:
            raw = self._path.read_bytes()
            if self._last is not None and self._last[0] == raw:
                return self._last[1]
            content = json.loads(raw)
            if content["version"] != VERSION:
                log.warning("blocks passed over path=%s version=%r", self._path, content["version"])
                return None
            blocks = Blocks(
                _prefixes(content["prefixes"]),
                int(content["mtu"]),
                tuple(
                    Reserved(
                        Family(each["family"]), _prefixes(each["prefixes"]), frozenset(each["namespaces"])
                    )
                    for each in content["reserved"]
                ),
                bool(content["everybody"]),
                bool(content.get("growing")),
            )
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            log.warning("blocks unreadable path=%s error=%r", self._path, str(error))
            return None
        self._last = (raw, blocks)
        return blocks


def _prefixes(texts: Iterable[str]) -> tuple[Prefix, ...]:
    return tuple(ip_network(text) for text in texts)

"""The systems that configurations are written for. A new one is a new file and one line here."""

from collections.abc import Mapping
from typing import Final

from bgpnet.model.router import System
from bgpnet.render.routers.systems.bird import BIRD
from bgpnet.render.routers.systems.eos import EOS
from bgpnet.render.routers.systems.frr import FRR
from bgpnet.render.routers.systems.gobgp import GOBGP
from bgpnet.render.routers.systems.junos import JUNOS
from bgpnet.render.routers.systems.nvue import NVUE
from bgpnet.render.routers.systems.nxos import NXOS
from bgpnet.render.routers.systems.openbgpd import OPENBGPD
from bgpnet.render.routers.table import SystemTable

TABLES: Final[Mapping[System, SystemTable]] = {
    table.system: table for table in (FRR, BIRD, OPENBGPD, GOBGP, EOS, NVUE, NXOS, JUNOS)
}

"""The verb that tries objects out: what would an agent here do with them?"""

import argparse
from typing import TYPE_CHECKING

import bgpnet
from bgpnet.cli import flags, objects, show
from bgpnet.cli.exits import FINE, NO

if TYPE_CHECKING:
    from bgpnet.model.kernel import Kernel


def add(verbs: flags.Verbs) -> None:
    """Declare `plan`."""
    plan = verbs.add(
        "plan",
        _plan,
        "show what an agent on this host would do with objects: sessions, announcements, what it refuses",
        """\
        Changes nothing, and needs no agent. Links, addresses and routes are those of this host; what routers
        would tell is not known here, so of learned routes nothing is said.

        examples:
          bgpnet plan --node node1 manifests/                before the folder's agents read it
          bgpnet plan --node node1 new/peers.yaml old/nodes.yaml
          helm template … | bgpnet plan --node node1 - nodes.yaml
          bgpnet plan --node node1 --source kubernetes:admin.conf
          bgpnet plan --node node1 manifests/ -o json | jq '.rejections[]'

        exit codes: 0 nothing was refused, 1 something was, 2 usage, 3 the API server cannot be read
        """,
    )
    plan.add_argument(
        "manifests", nargs="*", metavar="FILE", help="manifests or folders of them, - is standard input"
    )
    verbs.flag(plan, "--node", None, "name of this node's Node object")
    objects.add(plan, "the objects")
    verbs.format(plan)


def _plan(args: argparse.Namespace) -> int:
    from bgpnet.model.snapshot import Snapshot
    from bgpnet.planner import make_plan
    from bgpnet.planner.planstatus import plan_status
    from bgpnet.render.plan import plan_text

    snapshot = Snapshot(args.node, objects.declared(args), _kernel(), None)
    status = plan_status(snapshot, make_plan(snapshot), bgpnet.__version__)
    show.found(args, status, lambda: plan_text(status))
    return FINE if status.fine else NO


def _kernel() -> "Kernel":
    import asyncio
    from contextlib import closing

    from bgpnet.drivers.netlink import Netlink

    async def dump() -> "Kernel":
        with closing(Netlink(lambda: None)) as netlink:
            return await netlink.dump()

    return asyncio.run(dump())

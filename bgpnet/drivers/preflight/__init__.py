"""Looks at a host for what stands in bgpnet's way; changes nothing.

::

    processes   who runs, who listens on port 179      firewall   chains that drop what is forwarded
    files       other programs' configuration          kernel     what it can do
    routing     routes and rules that meet ours
"""

from pathlib import Path

from bgpnet.drivers import nft
from bgpnet.drivers.preflight import files, firewall, kernel, processes, routing
from bgpnet.model.hostfacts import HostFacts


def look(root: Path, watched: frozenset[str]) -> HostFacts:
    """What there is. `root`: where the host's file system is; `watched`: programs that matter, by name."""
    chains, unseen = firewall.forward_chains()
    routes, rules = routing.look()
    return HostFacts(
        programs=processes.running(root) & watched,
        listeners=processes.listeners(root),
        conflists=files.conflists(root),
        networkd_keeps=files.networkd_keeps(root),
        nm_unmanaged=files.nm_unmanaged(root),
        firewalld_trusts=files.firewalld_trusts(root),
        forward=chains,
        firewall_unseen=unseen,
        features=kernel.features(),
        settings=files.settings(root),
        sysctls_writable=kernel.sysctls_writable(),
        nat_lacks=nft.lacking(),
        routes=routes,
        rules=rules,
    )

"""lab.clab.yml -> Topology: expansion, inheritance, and every check that needs no kernel."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.netlab import expand, labfolder, linkreading, references
from tests.netlab.errors import LabSetupError
from tests.netlab.friendly import validate
from tests.netlab.nodereading import NodeReader
from tests.netlab.topofile import IGNORED, OUTSIDE, VERBATIM, HostLink, NodeFields, TopologyFile
from tests.netlab.topology import Link, Node, Topology
from tests.netlab.yamlfile import Findings, parse


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller adds to a lab folder.

    `name_prefix` goes before the lab's name (and before a node's where the lab has no prefix), so that one
    folder can run twice at once. `work` gets one directory per lab: logs, tables, captures.
    """

    work: Path
    environment: Mapping[str, str]
    name_prefix: str = ""


def read(place: Path, options: Options) -> Topology:
    """The lab of a folder, or of a topology file named outright.

    Raises:
        LabSetupError: there is no such folder or file.
        LabFileError: with every complaint at once.

    """
    path = labfolder.find(place).topology
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LabSetupError(f"{path}: cannot be read ({reason})") from error
    document = parse(expand.variables(text, options.environment), str(path), VERBATIM)
    file = validate(TopologyFile, document, OUTSIDE)
    findings = Findings(document)
    reader = NodeReader(file, path, findings, prefix=options.name_prefix, shell=options.environment)
    nodes = {name: reader.read(name) for name in file.topology.nodes}
    links = tuple(linkreading.links(file.topology, nodes, findings))
    references.check(nodes, findings)
    findings.raise_any()
    nodes = {name: _with_interface_env(node, links) for name, node in nodes.items()}
    return Topology(options.name_prefix + file.name, path, nodes, links, tuple(_notices(file)))


def _notices(file: TopologyFile) -> Iterator[str]:
    """What was accepted and has no meaning here, in words."""
    topology = file.topology
    levels: list[NodeFields | None] = [
        topology.defaults,
        *topology.kinds.values(),
        *topology.groups.values(),
    ]
    levels += topology.nodes.values()
    said = {
        field.replace("_", "-") for level in levels if level for field in level.model_fields_set
    } & IGNORED
    said |= {field for field in ("mgmt", "settings") if getattr(file, field) is not None}
    if any(link.ipv4 or link.ipv6 for link in topology.links if not isinstance(link, HostLink)):
        yield "ipv4 and ipv6 of links are not set on linux nodes, as in containerlab: use exec"
    if said:
        yield f"for Docker only, without effect here: {', '.join(sorted(said))}"


def _with_interface_env(node: Node, links: Iterable[Link]) -> Node:
    """CLAB_INTFS is the number of links that containerlab will attach to the node."""
    count = sum(end.node == node.name for link in links for end in link.ends)
    return replace(node, env={**node.env, "CLAB_INTFS": str(count)})

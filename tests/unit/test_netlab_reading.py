"""lab.clab.yml as containerlab means it, and every complaint with file, line, field, finding and remedy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.netlab import labfolder, nodeenv, reading, stages
from tests.netlab.errors import LabFileError, LabSetupError
from tests.netlab.topology import Topology

HEAD = """\
name: small
topology:
  defaults: {kind: linux, image: linux}
  nodes:
"""
WAITING = "    {}: {{stages: {{create: {{wait-for: [{{node: {}, stage: create}}]}}}}}}\n"


def read(folder: Path, text: str, **environment: str) -> Topology:
    (folder / labfolder.TOPOLOGY).write_text(text, encoding="utf-8")
    return reading.read(folder, reading.Options(folder / "work", environment))


def complaints(folder: Path, text: str) -> list[str]:
    with pytest.raises(LabFileError) as caught:
        read(folder, text)
    found = [str(each) for each in caught.value.complaints]
    assert all(line.startswith(f"{folder / labfolder.TOPOLOGY}:") for line in found)
    return [line.removeprefix(f"{folder / labfolder.TOPOLOGY}:") for line in found]


@pytest.mark.parametrize(
    ("prefix", "namespace"),
    [
        ("", "clab-small-a"),
        ('prefix: ""\n', "a"),
        ("prefix: __lab-name\n", "small-a"),
        ("prefix: x\n", "x-small-a"),
    ],
)
def test_a_namespace_is_named_as_containerlab_names_the_container(
    tmp_path: Path, prefix: str, namespace: str
) -> None:
    assert read(tmp_path, prefix + HEAD + "    a: {}\n").nodes["a"].namespace == namespace


def test_the_most_specific_level_wins_maps_merge_and_lists_append(tmp_path: Path) -> None:
    (tmp_path / "one").touch()
    (tmp_path / "two").touch()
    node = read(
        tmp_path,
        """\
name: small
topology:
  defaults:
    kind: linux
    image: linux
    group: g
    env: {A: defaults, B: defaults, C: defaults, D: defaults}
    exec: [echo defaults]
    sysctls: {net.ipv4.ip_forward: 0}
    binds: [one:/data, one:/other]
  kinds:
    linux: {env: {B: kind, C: kind, D: kind}, exec: [echo kind], image: alpine:3}
  groups:
    g: {env: {C: group, D: group}, exec: [echo group], image: quay.io/frrouting/frr:8.4.2}
  nodes:
    a: {env: {D: node}, exec: [echo node], binds: ["two:/data:ro"]}
""",
    ).nodes["a"]
    assert [node.env[key] for key in "ABCD"] == ["defaults", "kind", "group", "node"]
    assert [argv[1] for argv in node.exec] == ["defaults", "kind", "group", "node"]
    assert node.image == "quay.io/frrouting/frr:8.4.2"
    assert {bind.target: (bind.source.name, bind.read_only) for bind in node.binds} == {
        "/data": ("two", True),
        "/other": ("one", False),
    }
    assert node.sysctls["net.ipv4.ip_forward"] == "0"
    assert node.sysctls["net.ipv6.conf.all.disable_ipv6"] == "0"


def test_values_of_env_labels_and_sysctls_are_the_text_that_stands_there(tmp_path: Path) -> None:
    """Go's YAML gives text fields the scalar as written; YAML 1.1 would make 1.1, true, 8, 733 of these."""
    node = read(
        tmp_path,
        HEAD
        + """\
    a:
      env: {VERSION: 1.10, FEATURE: yes, MODE: 010, TIME: 12:13, NOTHING: , MAC: 12:00:00:00:00:01}
      labels: {role.of-mine: 1.10}
      sysctls: {net.core.somaxconn: 010}
""",
    ).nodes["a"]
    wanted = {"VERSION": "1.10", "FEATURE": "yes", "MODE": "010", "TIME": "12:13", "NOTHING": ""}
    assert {key: node.env[key] for key in wanted} == wanted
    assert node.env["MAC"] == "12:00:00:00:00:01"
    assert node.env["CLAB_LABEL_ROLE_OF_MINE"] == "1.10"
    assert node.env["CLAB_LABEL_CLAB_NODE_NAME"] == "a"
    assert node.sysctls["net.core.somaxconn"] == "010"


def test_the_environment_is_files_then_the_topology_then_what_containerlab_adds(tmp_path: Path) -> None:
    (tmp_path / "one.env").write_text("A=file\nB=file\n# C=no\n", encoding="utf-8")
    topology = read(
        tmp_path,
        HEAD
        + "    a: {env-files: [one.env], env: {B: topology, __IMPORT_ENVS: true}}\n    b: {}\n"
        + "  links: [{endpoints: ['a:eth1', 'b:eth1']}, {endpoints: ['a:eth2', 'b:eth2']}]\n",
        SHELL_HAS="this",
        B="shell",
    )
    env = topology.nodes["a"].env
    assert (env["A"], env["B"], env["SHELL_HAS"], env["CLAB_INTFS"]) == ("file", "topology", "this", "2")
    assert "C" not in env
    assert "__IMPORT_ENVS" not in env
    assert "SHELL_HAS" not in topology.nodes["b"].env


def test_a_field_with_nothing_after_its_colon_says_nothing(tmp_path: Path) -> None:
    fields = "exec:\n      binds:\n      env:\n      image:\n      stages:\n        create:\n"
    topology = read(tmp_path, HEAD + f"    a:\n      {fields}    b:\n  links:\n  groups:\n")
    assert topology.nodes["a"].image == "linux"
    assert topology.nodes["a"].exec == ()
    assert topology.links == ()


def test_keys_are_text_and_may_be_merged(tmp_path: Path) -> None:
    text = HEAD + "    1: &one {labels: {7: x}, image: frr}\n    yes: {<<: *one, image: bird}\n"
    nodes = read(tmp_path, text).nodes
    assert {name: (node.image, dict(node.labels)) for name, node in nodes.items()} == {
        "1": ("frr", {"7": "x"}),
        "yes": ("bird", {"7": "x"}),
    }


def test_an_env_file_is_read_as_dotenv_does() -> None:
    text = "export A=1\nB = 'two words'\nC=\"x # y\" # comment\nD=x # comment\n\n#E=1\nno variable\nF=\n"
    assert nodeenv.file_variables(text) == {"A": "1", "B": "two words", "C": "x # y", "D": "x", "F": ""}


def test_variables_are_replaced_before_the_file_is_parsed(tmp_path: Path) -> None:
    text = HEAD + "    a: {image: '${IMAGE:=frr}', cmd: sh -c 'echo $$HOME ${EMPTY:-none} $UNKNOWN'}\n"
    node = read(tmp_path, text).nodes["a"]
    assert node.image == "frr"
    assert node.cmd == ("sh", "-c", "echo $HOME none $UNKNOWN")
    assert read(tmp_path, text, IMAGE="bird", EMPTY="").nodes["a"].image == "bird"


def test_magic_words_name_the_node_and_containerlabs_own_folders(tmp_path: Path) -> None:
    (tmp_path / "clab-small" / "a").mkdir(parents=True)
    node = read(
        tmp_path, HEAD + "    a: {binds: ['__clabNodeDir__:/own'], exec: [echo __clabNodeName__]}\n"
    ).nodes["a"]
    assert node.binds[0].source == tmp_path / "clab-small" / "a"
    assert node.exec == (("echo", "a"),)


def test_a_folder_may_hold_its_topology_under_containerlabs_names(tmp_path: Path) -> None:
    (tmp_path / "mine.clab.yaml").write_text(HEAD + "    a: {}\n", encoding="utf-8")
    options = reading.Options(tmp_path, {})
    assert reading.read(tmp_path, options).file == tmp_path / "mine.clab.yaml"
    (tmp_path / "other.clab.yml").write_text(HEAD + "    b: {}\n", encoding="utf-8")
    with pytest.raises(LabSetupError, match="several topologies"):
        reading.read(tmp_path, options)
    assert list(reading.read(tmp_path / "other.clab.yml", options).nodes) == ["b"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Path.is_dir, "no topology there"),
        (lambda folder: (folder / "x.clab.gotmpl").touch(), "only a Go template"),
        (Path.rmdir, "no such folder"),
    ],
)
def test_a_folder_without_a_topology_says_what_to_do(
    tmp_path: Path, change: Callable[[Path], object], said: str
) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    change(folder)
    with pytest.raises(LabSetupError, match=said):
        reading.read(folder, reading.Options(tmp_path, {}))


def test_a_shared_network_is_made_before_the_node_that_joins_it(tmp_path: Path) -> None:
    topology = read(tmp_path, HEAD + "    a: {network-mode: 'container:b'}\n    b: {}\n")
    order = stages.ready((), topology.nodes)
    assert order == (("b", "create"),)


@pytest.mark.parametrize(
    ("nodes", "complaint"),
    [
        (
            "    a: {startup-config: x}\n",
            "5: topology.nodes.a.startup-config: containerlab has this field, the runner on network",
        ),
        (
            "    a: {sysctl: {}}\n",
            "5: topology.nodes.a.sysctl: unknown field (did you mean sysctls?): remove it",
        ),
        (
            "    a: {image: nowhere/cisco:1}\n",
            "5: topology.nodes.a.image: found 'nowhere/cisco:1': this runner",
        ),
        ("    a: {kind: nokia_srlinux}\n", "5: topology.nodes.a.kind: found 'nokia_srlinux': must be one of"),
        (
            "    a: {binds: ['gone.conf:/x']}\n",
            "5: topology.nodes.a.binds: found 'gone.conf:/x': there is no ",
        ),
        ("    a: {binds: ['/tmp:x']}\n", "5: topology.nodes.a.binds: found '/tmp:x': must be SOURCE:/TARGET"),
        ("    a: {env-files: [gone]}\n", "5: topology.nodes.a.env-files: found 'gone': cannot be read"),
        (
            "    a: {sysctls: {kernel.x: 1}}\n",
            "5: topology.nodes.a.sysctls.kernel.x: found '1': only settings",
        ),
        (
            "    a: {network-mode: host, sysctls: {net.x: 1}}\n",
            "5: topology.nodes.a.sysctls.net.x: found '1': with network-mode host it would change",
        ),
        ("    a: {network-mode: bridge}\n", "5: topology.nodes.a.network-mode: found 'bridge': must match"),
        (
            "    a: {network-mode: 'container:z'}\n",
            "5: topology.nodes.a.network-mode: found 'container:z': must be container: and the name",
        ),
        (
            '    a: {exec: ["echo \'half"]}\n',
            '5: topology.nodes.a.exec: found "echo \'half": cannot be split',
        ),
        (
            "    a: {stages: {create: {wait-for: [{node: z, stage: create}]}}}\n",
            "5: topology.nodes.a.stages.create.wait-for: found 'z': there is no such node: the nodes are a",
        ),
        (
            "    a: {stages: {create: {wait-for: [{node: b, stage: healthy}]}}}\n    b: {}\n",
            "5: topology.nodes.a.stages.create.wait-for: found 'b': can never be healthy: give node b",
        ),
        (
            "    a: {stages: {create: {wait-for: [{node: b, stage: exit}]}}}\n    b: {}\n",
            "5: topology.nodes.a.stages.create.wait-for: found 'b': can never exit, as it runs no program",
        ),
        (
            "    a: {stages: {healthy: {exec: [{command: ls}]}}}\n",
            "5: topology.nodes.a.stages.healthy: found 'a': can never be healthy: give node a a healthcheck",
        ),
        (
            "    a: {stages: {create: {exec: [{command: ls}]}}}\n",
            "5: topology.nodes.a.stages.create.exec: found 'ls': the node is not there yet",
        ),
        (
            WAITING.format("a", "b") + WAITING.format("b", "a"),
            "5: topology.nodes.a.stages: found 'a/create -> b/create -> a/create': waits for itself",
        ),
        (
            "    br0: {kind: bridge, exec: [ls]}\n",
            "5: topology.nodes.br0.exec: a node of kind bridge runs noth",
        ),
        ("    host: {}\n", "5: topology.nodes.host: 'host' is a word of links, not of nodes"),
        ("", "4: topology.nodes: is missing: add it"),
        ("    a: {}\n    a: {}\n", "6: a: this key stands here twice: keep one"),
        ("    a: {cmd: [ls]}\n", "5: topology.nodes.a.cmd: found ['ls']: must be text: put it into quotes"),
        ("    a: {healthcheck: {test: [CMD]}}\n", "5: topology.nodes.a.healthcheck.test: found ['CMD']: "),
    ],
)
def test_a_mistake_in_a_node_is_named_with_its_line_and_remedy(
    tmp_path: Path, nodes: str, complaint: str
) -> None:
    found = complaints(tmp_path, HEAD + nodes)
    assert any(line.startswith(complaint) for line in found), found


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("endpoints: ['a:eth1', 'z:eth1']", "found 'z:eth1': there is no node 'z': the nodes are a, b"),
        ("endpoints: ['a:eth9', 'b:eth1']", "found 'a:eth9': this interface is the end of two links"),
        ("endpoints: ['a:eth1', 'a:eth1']", "found 'a:eth1': this interface is the end of two links"),
        ("endpoints: ['a:eth1', 'b:lo']", "found 'b:lo': lo is the loopback interface"),
        ("endpoints: ['a:eth0', 'b:eth1']", "found 'a:eth0': eth0 is Docker's own interface"),
        ("endpoints: ['a:eth1', 'b:much-too-long-for-one']", "an interface has 1 to 15 letters"),
        ("endpoints: ['a:eth1', 'macvlan:eth0']", "links of type macvlan are outside the subset"),
        (
            "{type: dummy, endpoint: {node: a, interface: eth1}}",
            "found 'dummy': outside the subset: use 'veth'",
        ),
        ("endpoints: ['a:eth1']", "at least 2 items"),
        ("{endpoints: ['a:eth1', 'b:eth1'], mtu: 10}", "found 10: must be greater than or equal to 68"),
    ],
)
def test_a_mistake_in_a_link_is_named_with_its_line_and_remedy(
    tmp_path: Path, link: str, complaint: str
) -> None:
    text = HEAD + f"    a: {{}}\n    b: {{}}\n  links:\n    - endpoints: ['a:eth9', 'b:eth9']\n    - {link}\n"
    found = complaints(tmp_path, text)
    assert any(line.startswith("9: topology.links[1]") and complaint in line for line in found), found


def test_two_ends_in_the_root_namespace_may_not_have_one_name(tmp_path: Path) -> None:
    """The host, a bridge and a node with network-mode host are one namespace (core/config.go)."""
    text = HEAD + "    a: {}\n    br0: {kind: bridge}\n  links:\n"
    links = "    - endpoints: ['a:eth1', 'br0:x1']\n    - endpoints: ['a:eth2', 'host:x1']\n"
    assert any("end of two links" in line for line in complaints(tmp_path, text + links))


def test_a_file_cut_in_half_is_named_with_its_line(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, HEAD + "    a: {image: 'linu")
    assert found.startswith("5: not valid YAML (found unexpected end of stream): mend")


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    found = complaints(tmp_path, HEAD + "    a: {image: x}\n    b: {image: y}\n    c: {env-files: [z]}\n")
    assert [line.split(":")[0] for line in found] == ["5", "6", "7"]

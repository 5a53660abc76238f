"""Reading a CNI request: what is accepted, and the error for what is not."""

import json
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpnet.model.cni import SUPPORTED_VERSIONS, Attachment, CniCode, Command, Dns, NetworkConfig, PodName
from bgpnet.model.cni_config import decode_config, parse_config
from bgpnet.model.cni_previous import parse_previous
from bgpnet.model.cni_request import parse_attachment, parse_command, parse_pod
from bgpnet.model.errors import CniError

CONFIG: dict[str, Any] = {"cniVersion": "1.1.0", "name": "pods", "type": "bgpnet"}
FIELDS = [
    *(*CONFIG, "mtu", "dns", "ipam", "args", "runtimeConfig", "prevResult", "coolingSeconds"),
    "cni.dev/valid-attachments",
]
ENVIRONMENT = {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "4f0c", "CNI_IFNAME": "eth0"}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_a_plain_configuration(version: str) -> None:
    assert parse_config(CONFIG | {"cniVersion": version}, Command.ADD) == NetworkConfig(version, "pods")


def test_every_field_that_is_read() -> None:
    config = CONFIG | {
        "mtu": 9000,
        "coolingSeconds": 1.5,
        "dns": {"nameservers": ["10.0.0.10"], "domain": "x", "search": ["a", "b"], "options": None},
        "runtimeConfig": {"ips": ["10.0.0.7/24", "fd00::7"], "mac": "02:00:00:00:00:AB", "mtu": 1400},
        "prevResult": {"interfaces": [{"name": "x0"}]},
        "cni.dev/valid-attachments": [{"containerID": "4f0c", "ifname": "eth0"}],
    }
    asked = config | {"runtimeConfig": {"mac": "02-00-00-00-00-ab", "mtu": 0}}
    previous = parse_previous(config)
    assert previous is not None
    assert parse_config(config, Command.ADD) == NetworkConfig(
        "1.1.0",
        "pods",
        mtu=1400,
        mac=b"\2\0\0\0\0\xab",
        wanted=(ip_address("10.0.0.7"), ip_address("fd00::7")),
        cooling=1.5,
        dns=Dns(("10.0.0.10",), "x", ("a", "b")),
        previous=previous,
    )
    assert parse_config(asked, Command.ADD).mtu == 9000
    assert parse_config(asked, Command.ADD).mac == b"\2\0\0\0\0\xab"
    assert parse_config(config, Command.CHECK) == NetworkConfig("1.1.0", "pods", previous=previous)
    assert parse_config(config, Command.GC) == NetworkConfig(
        "1.1.0", "pods", valid=frozenset({("4f0c", "eth0")})
    )
    assert parse_config(config, Command.DEL) == NetworkConfig("1.1.0", "pods")


@pytest.mark.parametrize(
    ("command", "too_old", "first"), [(Command.CHECK, "0.3.1", "0.4.0"), (Command.GC, "1.0.0", "1.1.0")]
)
def test_a_command_that_is_younger_than_the_version(command: Command, too_old: str, first: str) -> None:
    refused(CONFIG | {"cniVersion": too_old}, CniCode.INCOMPATIBLE_VERSION, command, first, command=command)
    assert parse_config(CONFIG | {"cniVersion": first}, command).version == first


@pytest.mark.parametrize("version", ["0.1.0", "0.2.0", "1.2.0", "2", "", None, 1.0, ["1.0.0"]])
def test_other_versions_are_incompatible(version: object) -> None:
    refused(CONFIG | {"cniVersion": version}, CniCode.INCOMPATIBLE_VERSION, "0.3.0, 0.3.1")


def test_no_version_means_0_1_0() -> None:
    config = {"name": "pods", "type": "bgpnet"}
    refused(config, CniCode.INCOMPATIBLE_VERSION, '"0.1.0"')


@pytest.mark.parametrize("name", ["", None, 7, "-x", "a b", "a/b", "ä", "a\n", "x" * 65])
def test_names_that_no_network_has(name: object) -> None:
    refused(CONFIG | {"name": name}, CniCode.INVALID_CONFIG, "name is ")


@pytest.mark.parametrize("mtu", [67, 65536, -1, "1500", 1500.0, True, [1500]])
def test_mtus_that_no_link_has(mtu: object) -> None:
    refused(CONFIG | {"mtu": mtu}, CniCode.INVALID_CONFIG, "mtu is ")


@pytest.mark.parametrize(
    ("dns", "field"),
    [
        ([], "dns is"),
        ("x", "dns is"),
        ({"domain": 1}, "dns.domain"),
        ({"nameservers": "10.0.0.10"}, "dns.nameservers"),
        ({"search": [1]}, "dns.search"),
    ],
)
def test_dns_of_a_wrong_shape(dns: object, field: str) -> None:
    refused(CONFIG | {"dns": dns}, CniCode.INVALID_CONFIG, field)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"ipam": {"type": "host-local"}}, 'ipam is {"type": "host-local"}'),
        ({"runtimeConfig": {"portMappings": [{}]}}, "runtimeConfig.portMappings is [{}]"),
        ({"args": {"cni": {"ips": ["10.0.0.1"]}}}, 'args.cni.ips is ["10.0.0.1"]'),
    ],
)
def test_what_would_be_ignored_is_refused_by_name(fields: dict[str, Any], named: str) -> None:
    refused(CONFIG | fields, CniCode.UNSUPPORTED_FIELD, named)
    assert parse_config(CONFIG | fields, Command.DEL).name == "pods"
    assert parse_config(CONFIG | dict.fromkeys(fields), Command.ADD).name == "pods"


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ([], "runtimeConfig is []"),
        ({"ips": "10.0.0.1"}, "runtimeConfig.ips is"),
        ({"ips": ["10.0.0.256"]}, "runtimeConfig.ips is"),
        ({"ips": [7]}, "runtimeConfig.ips is 7"),
        ({"ips": ["10.0.0.1", "10.0.0.2"]}, "asks for 10.0.0.1 and for 10.0.0.2"),
        ({"mac": 2}, "runtimeConfig.mac is 2"),
        ({"mac": "02:00:00:00:00"}, "runtimeConfig.mac is"),
        ({"mac": "03:00:00:00:00:01"}, "runtimeConfig.mac is"),
        ({"mac": "00:00:00:00:00:00"}, "runtimeConfig.mac is"),
        ({"mtu": "1400"}, "runtimeConfig.mtu is"),
        ({"mtu": 67}, "runtimeConfig.mtu is 67"),
    ],
)
def test_what_cannot_be_asked_for(asked: object, named: str) -> None:
    refused(CONFIG | {"runtimeConfig": asked}, CniCode.INVALID_CONFIG, *([named] if asked else []))


@pytest.mark.parametrize("seconds", [-1, 86401, "5", True, None, float("nan")])
def test_cooling_times_that_there_are_not(seconds: object) -> None:
    refused(CONFIG | {"coolingSeconds": seconds}, CniCode.INVALID_CONFIG, "coolingSeconds is")


@pytest.mark.parametrize(
    ("previous", "named"),
    [
        ("x", "prevResult is"),
        ({"interfaces": {}}, None),
        ({"interfaces": {"a": 1}}, "prevResult.interfaces is"),
        ({"interfaces": [5]}, "prevResult.interfaces is 5"),
        ({"interfaces": [{"name": 5}]}, "prevResult.interfaces.name is 5"),
        ({"interfaces": [{"sandbox": ["x"]}]}, "prevResult.interfaces.sandbox is"),
        ({"ips": "x"}, "prevResult.ips is"),
        ({"ips": ["10.0.0.1/32"]}, "prevResult.ips is"),
        ({"ips": [{}]}, "prevResult.ips.address is"),
        ({"ips": [{"address": "10.0.0.1/32", "interface": 0}]}, "prevResult.ips.interface is 0"),
        ({"routes": 5}, "prevResult.routes is 5"),
        ({"dns": [5]}, "prevResult.dns is [5]"),
    ],
)
def test_previous_results_of_a_wrong_shape(previous: object, named: str | None) -> None:
    config = CONFIG | {"prevResult": previous}
    refused(config, CniCode.INVALID_CONFIG, named or "prevResult.interfaces is {}", command=Command.CHECK)
    assert parse_config(config, Command.DEL).name == "pods"


def test_the_pod_of_a_container() -> None:
    arguments = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=cart-0;K8S_POD_UID=1-2;X=Y=Z;;odd"
    assert parse_pod({"CNI_ARGS": arguments}) == PodName("shop", "cart-0", "1-2")
    assert parse_pod({}) == PodName()
    assert len(parse_pod({"CNI_ARGS": "K8S_POD_NAME=" + "x" * 9000}).name) == 253


@pytest.mark.parametrize(("argument", "field"), [("IP=10.0.0.1", "ips"), ("MAC=02:00:00:00:00:01", "mac")])
def test_arguments_that_ask_for_something_are_refused_by_name(argument: str, field: str) -> None:
    with pytest.raises(CniError, match=rf"CNI_ARGS has {argument[:2]}.*runtimeConfig\.{field}") as raised:
        parse_pod({"CNI_ARGS": f"IgnoreUnknown=1;{argument}"})
    assert raised.value.code == CniCode.BAD_ENVIRONMENT


@pytest.mark.parametrize("field", ["cni.dev/valid-attachments", "cni.dev/attachments"])
@pytest.mark.parametrize("nothing", [[], None])
def test_no_valid_attachments_are_not_the_same_as_no_word_of_them(field: str, nothing: object) -> None:
    assert parse_config(CONFIG | {field: nothing}, Command.GC).valid == frozenset()
    assert parse_config(CONFIG, Command.GC).valid is None


@pytest.mark.parametrize(
    "items", [{}, "x", [1], [{}], [{"containerID": "a"}], [{"containerID": 1, "ifname": "b"}]]
)
def test_valid_attachments_of_a_wrong_shape(items: object) -> None:
    config = CONFIG | {"cni.dev/valid-attachments": items}
    refused(config, CniCode.INVALID_CONFIG, "cni.dev/valid-attachments", command=Command.GC)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"nul",
        b"[" * 500_000,
        b'{"a":' * 200_000,
        b"9" * 10_000,
        b'{"prevResult": {"x": NaN}}',
        b'{"mtu": -Infinity}',
        b"[]",
        b'"x"',
        b"null",
    ],
)
def test_what_is_no_json_object(text: bytes) -> None:
    with pytest.raises(CniError, match="stdin") as raised:
        decode_config(text)
    assert raised.value.code == CniCode.UNDECODABLE


def test_a_command_and_an_attachment() -> None:
    assert parse_command(ENVIRONMENT) is Command.ADD
    assert parse_attachment(ENVIRONMENT, "pods") == Attachment("pods", "4f0c", "eth0")


@pytest.mark.parametrize("command", [None, "", "add", "VERSION", "ADD "])
def test_commands_that_there_are_not(command: str | None) -> None:
    environment = {} if command is None else {"CNI_COMMAND": command}
    with pytest.raises(CniError, match=r"CNI_COMMAND is .* not one of ADD, DEL") as raised:
        parse_command(environment)
    assert raised.value.code == CniCode.BAD_ENVIRONMENT


@pytest.mark.parametrize("container", ["", "-a", "a/b", "a b", "a\udcff", "x" * 101])
def test_containers_that_there_are_not(container: str) -> None:
    with pytest.raises(CniError, match="CNI_CONTAINERID is ") as raised:
        parse_attachment(ENVIRONMENT | {"CNI_CONTAINERID": container}, "pods")
    assert raised.value.code == CniCode.BAD_ENVIRONMENT


@pytest.mark.parametrize(
    "ifname", ["", ".", "..", "a/b", "a:b", "a b", "eth%d", "ä", "e\n", "sixteen-letters-"]
)
def test_interfaces_that_there_are_not(ifname: str) -> None:
    with pytest.raises(CniError, match="CNI_IFNAME is ") as raised:
        parse_attachment(ENVIRONMENT | {"CNI_IFNAME": ifname}, "pods")
    assert raised.value.code == CniCode.BAD_ENVIRONMENT


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(CniError) as raised:
        parse_config(CONFIG | {"name": "x" * 10_000}, Command.ADD)
    assert len(str(raised.value)) < 300


@given(
    st.dictionaries(st.sampled_from(FIELDS), anything),
    st.sampled_from(Command),
)
def test_whatever_comes_is_a_configuration_or_a_cni_error(fields: dict[str, Any], command: Command) -> None:
    text = json.dumps(CONFIG | fields).encode()
    with suppress(CniError):
        parse_config(decode_config(text), command)


@given(
    st.dictionaries(st.sampled_from(["ips", "mac", "mtu", "interfaces", "routes", "dns", "cni"]), anything)
)
def test_whatever_is_inside_a_field_too(inner: dict[str, Any]) -> None:
    for field in ("runtimeConfig", "prevResult", "args"):
        with suppress(CniError):
            parse_config(decode_config(json.dumps(CONFIG | {field: inner}).encode()), Command.ADD)


def refused(config: dict[str, Any], code: CniCode, *texts: str, command: Command = Command.ADD) -> None:
    with pytest.raises(CniError) as raised:
        parse_config(config, command)
    assert raised.value.code == code
    for text in texts:
        assert text in str(raised.value)

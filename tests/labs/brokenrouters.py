"""Ways in which a template could be wrong: (what of the example of tor1, what stands there instead)."""

from collections.abc import Mapping

from bgpnet.model.router import System

Change = tuple[str, str]

BROKEN: Mapping[System, tuple[Change, ...]] = {
    System.FRR: (
        ("neighbor K8S_TOR1 passive", "neighbor K8S_TOR1 pasive"),
        ("ge 26 le 26", "ge 26 le 20"),
        ("route-map K8S_TOR1_IN4 in", "route-map K8S_TOR1_INN4 in"),
        (r"^ +neighbor K8S_TOR1 route-map K8S_TOR1_IN4 in\n", ""),
        (r"^ +neighbor K8S_TOR1 route-map K8S_TOR1_OUT4 out\n", ""),
        (r"^ +neighbor K8S_TOR1 remote-as \d+\n", ""),
        (r"^ +neighbor K8S_TOR1 maximum-prefix .*?\n", ""),
        (
            r"^( neighbor K8S_TOR1 peer-group\n)(.*?)( bgp listen range 10\S+ peer-group K8S_TOR1\n)",
            r"\3\1\2",
        ),
        ("_IN4 seq 10 permit 10.244.0.0/16 ge 26 le 26", "_IN4 seq 10 permit any"),
        ("_IN4 seq 10 permit 10.244.0.0/16 ge 26 le 26", "_IN4 seq 10 permit 0.0.0.0/0 le 32"),
        ("_OUT4 seq 5 permit 0.0.0.0/0", "_OUT4 seq 5 permit 0.0.0.0/0 le 32"),
        (" bgp ebgp-requires-policy", " no bgp ebgp-requires-policy"),
        ("remote-as 64512", "remote-as 4294967296"),
        (r"permit \^64512\$", "permit .*"),
        ("prefix-list K8S_TOR1_OUT4$", "prefix-list K8S_TOR1_NOT4"),
        ("ttl-security hops 1", "ttl-security hops 300"),
        ("10.244.0.0/16 ge", "10.244.0.0/33 ge"),
        ("neighbor K8S_TOR1 activate", "neighbor K8S_TOR1 activate\n  neighbor K8S_TOR1 allowas-in"),
        ("set comm-list K8S_TOR1_OTHER delete", "set comm-list K8S_TOR1_OTHER remove"),
        ("bgp listen limit 32", "bgp listen limit 0"),
        ("timers 3 9", "timers 3 99999"),
        ("router bgp 65001", "router bgp sixty"),
    ),
    System.BIRD: (
        ("passive on", "passiv on"),
        (r"16\{26,26\}", "16{26,20}"),
        ("import filter k8s_tor1_in4", "import filter k8s_tor1_inn4"),
        (r"^ +import filter k8s_tor1_in4;\n", ""),
        (r"^ +export filter k8s_tor1_out4;\n", ""),
        (r"^ +receive limit .*?\n", ""),
        ("export filter k8s_tor1_out4", "export all"),
        ("import filter k8s_tor1_in4", "import all"),
        (r"as 64512;\n  dynamic", ";\n  dynamic"),
        (r"local 10.0.1.1 as 65001;", ""),
        ("10.244.0.0/16", "10.244.0.0/33"),
        (r"10.244.0.0/16\{26,26\}", "0.0.0.0/0+"),
        (r"    0.0.0.0/0,", "    0.0.0.0/0{0,32},"),
        ("neighbor range 10.0.1.0/24", "neighbor range 0.0.0.0/0"),
        (r"hold time 9", "hold time 99999"),
        (r"\] then reject;", "] then accept;"),
        (r"as 65001;", "as 4294967296;"),
        (r"from k8s_tor1 \{", "from k8s_tor9 {"),
        (r"\}\n\Z", ""),
        ('password "', "password "),
        ("graceful restart aware", "graceful restart perhaps"),
    ),
}

"""The samples that users copy from: each loads, and together they show every field there is."""

from pathlib import Path

import pytest

from bgpnet.drivers.files.judge import judge, merge
from bgpnet.model.crd.meta import API_VERSION
from bgpnet.model.crd.registry import KINDS

SAMPLES = Path(__file__).parents[2] / "config" / "samples"

WRITTEN_BY_USERS = [kind for _, kind in KINDS if kind != "IPBlock"]


@pytest.mark.parametrize("kind", WRITTEN_BY_USERS)
def test_every_kind_has_a_sample_that_loads(kind: str) -> None:
    path = SAMPLES / f"{kind.lower()}.yaml"
    state = judge(path.name, path.read_bytes(), (), 0.0)
    assert state.rejections == ()
    assert {good.ref.kind for good in state.objects} == {kind}


def test_the_samples_go_together() -> None:
    files = {path.name: judge(path.name, path.read_bytes(), (), 0.0) for path in SAMPLES.iterdir()}
    declared = merge(files, {})
    assert declared.rejections == ()
    assert declared.configuration is not None
    assert [len(declared.nodes), len(declared.pools), len(declared.peers), len(declared.filters)] == [
        1,
        2,
        2,
        1,
    ]


@pytest.mark.parametrize(
    "kind", [kind for kind in WRITTEN_BY_USERS if kind not in {"Namespace", "Node", "Secret"}]
)
def test_a_sample_names_every_field_of_its_kind(kind: str) -> None:
    text = (SAMPLES / f"{kind.lower()}.yaml").read_text()
    spec = KINDS[API_VERSION, kind].model_fields["spec"].annotation
    assert spec is not None
    for name, field in spec.model_fields.items():
        assert f"{field.alias or name}:" in text

"""The lab that containerlab/README.md shows works as it stands there, in a folder outside the repository."""

import re
from pathlib import Path

import pytest

from tests.labs.smalllab import small_lab
from tests.netlab.images import REPOSITORY

pytestmark = pytest.mark.lab

README = REPOSITORY / "containerlab" / "README.md"
FILE = re.compile(r"^`(?P<path>[\w./-]+)`\n\n```\w*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_lab_of_the_readme_holds(tmp_path: Path) -> None:
    files = {match["path"]: match["text"] for match in FILE.finditer(README.read_text(encoding="utf-8"))}
    assert list(files) == ["lab.clab.yml", "frr.conf", "manifests/rack.yaml", "expect.yml"]
    with small_lab(tmp_path, "readme") as lab:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text.replace("one-rack", lab.name), encoding="utf-8")
        done = lab.call("run")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "3 passed, 0 failed"), done.stdout
        assert lab.remains() == []

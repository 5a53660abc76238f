"""RUNTIME=containerlab: which programs are called how, and that the same expect.yml is judged in containers.

Neither containerlab nor Docker is called: two scripts stand in for them and write down what they are asked.
Their one container is a process in a network namespace of its own.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.labs.smalllab import SmallLab, small_lab

pytestmark = pytest.mark.lab

TOPOLOGY = """\
topology:
  nodes: {a: {kind: linux, image: debian}}
"""
EXPECT = """\
within: 1
checks:
  - command: {at: a, run: sh -c 'echo $FROM_IMAGE; ip -br link', contains: [of the image, lo], lacks: eth0}
  - ping: {from: a, to: 192.0.2.1, reachable: false}
"""
DOCKER = """\
#!/bin/sh
cd "$(dirname "$0")"
echo "docker $*" >> calls
case $1 in
  inspect) cat inspected ;;
  logs) echo words of the container ;;
  ps) cat deployed ;;
  image) echo bird:lab ;;
esac
"""
CONTAINERLAB = """\
#!/bin/sh
cd "$(dirname "$0")"
echo "containerlab $*" >> calls
test "$1" != "$(cat fails)" || { echo "no such image" >&2; exit 1; }
test "$1" != deploy || cat said
"""


class Stub:
    """The two stand-ins and what they were asked."""

    def __init__(self, folder: Path, lab: SmallLab, pid: int) -> None:
        self._folder, self._lab = folder, lab
        folder.mkdir()
        for name, text in (("docker", DOCKER), ("containerlab", CONTAINERLAB)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "FROM_IMAGE=of the image"]
        inspected = [{"State": {"Pid": pid}, "Config": {"Env": environment}}]
        self.set("inspected", json.dumps(inspected))
        self.set("deployed", "")
        self.set("fails", "")
        self.set("said", "")

    def set(self, word: str, text: str) -> None:
        (self._folder / word).write_text(text)

    def run(self) -> "subprocess.CompletedProcess[str]":
        return self._lab.call(
            "run",
            "--runtime",
            "containerlab",
            str(self._lab.folder),
            PATH=f"{self._folder}:/usr/sbin:/usr/bin:/sbin:/bin",
        )

    @property
    def calls(self) -> list[str]:
        return (self._folder / "calls").read_text().replace(str(self._lab.folder), "LAB").splitlines()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[SmallLab]:
    (tmp_path / "lab").mkdir()
    with small_lab(tmp_path / "lab", "clab") as made:
        made.write(TOPOLOGY, EXPECT)
        yield made


@pytest.fixture
def stub(tmp_path: Path, lab: SmallLab) -> Iterator[Stub]:
    with subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo; exec sleep 1000"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it is in its own namespace
        yield Stub(tmp_path / "stub", lab, process.pid)
        process.kill()


def test_a_lab_is_deployed_judged_in_its_containers_and_destroyed(lab: SmallLab, stub: Stub) -> None:
    done = stub.run()
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "2 passed, 0 failed"), (
        done.stdout + done.stderr
    )
    container = f"clab-{lab.name}-a"
    assert stub.calls == [
        f"docker ps --all --quiet --filter label=containerlab={lab.name}",
        "docker image ls --format {{.Repository}}:{{.Tag}}",
        "containerlab deploy --topo LAB/lab.clab.yml",
        f"docker inspect {container}",
        f"docker logs {container}",
        "containerlab destroy --topo LAB/lab.clab.yml --cleanup",
    ]
    assert (lab.outcome / "a.log").read_text() == "words of the container\n"
    assert (lab.outcome / "a" / "links.json").exists()
    assert lab.result()["passed"] == 2


def test_a_check_that_fails_is_told_and_the_lab_is_destroyed(lab: SmallLab, stub: Stub) -> None:
    lab.write(TOPOLOGY, EXPECT.replace("reachable: false", "count: 1"))
    done = stub.run()
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "1 passed, 1 failed")
    assert (lab.outcome / "captures" / "check-2").is_dir()
    assert stub.calls[-1] == "containerlab destroy --topo LAB/lab.clab.yml --cleanup"


def test_a_lab_that_cannot_be_deployed_is_told_in_containerlabs_words_and_cleaned_up(
    lab: SmallLab, stub: Stub
) -> None:
    stub.set("fails", "deploy")
    done = stub.run()
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "0 passed, 2 failed")
    assert "containerlab deploy: exit code 1: no such image" in done.stdout
    assert stub.calls[-1] == "containerlab destroy --topo LAB/lab.clab.yml --cleanup"
    assert lab.result()["failed"] == 2


FAILED_EXEC = """\
22:07:57 INFO Executed command node=a command="ip link set lo up" stdout=""
22:07:57 ERRO Failed to execute command command="ip route add default via 192.0.2.1" node=a rc=2 stdout=""
  stderr=
  │ RTNETLINK answers: File exists

22:07:57 INFO Adding host entries path=/etc/hosts
"""
"""Of containerlab 0.79.0, with exit code 0."""


def test_a_command_of_exec_that_failed_fails_the_lab(stub: Stub) -> None:
    stub.set("said", FAILED_EXEC)
    done = stub.run()
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "0 passed, 2 failed")
    assert 'command="ip route add default via 192.0.2.1" node=a rc=2' in done.stdout
    assert "File exists" in done.stdout
    assert "Adding host" not in done.stdout
    assert stub.calls[-1] == "containerlab destroy --topo LAB/lab.clab.yml --cleanup"


def test_an_image_of_ours_that_was_not_built_is_named(lab: SmallLab, stub: Stub) -> None:
    lab.write(TOPOLOGY.replace("debian", "bird"), EXPECT)
    done = stub.run()
    assert done.returncode == 2
    assert "Docker has no image bird:latest; build them: make lab-images" in done.stderr
    assert not any("deploy" in call for call in stub.calls[1:])


def test_somebodys_deployed_lab_is_not_touched(lab: SmallLab, stub: Stub) -> None:
    stub.set("deployed", "0123456789ab\n")
    done = stub.run()
    assert done.returncode == 2
    assert (
        f"lab {lab.name} is deployed already: containerlab destroy --topo {lab.folder}/lab.clab.yml"
        in done.stderr
    )
    assert len(stub.calls) == 1


def test_without_the_programs_it_says_so(lab: SmallLab, tmp_path: Path) -> None:
    done = lab.call("run", "--runtime", "containerlab", str(lab.folder), PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "RUNTIME=containerlab needs containerlab and docker, not installed here" in done.stderr

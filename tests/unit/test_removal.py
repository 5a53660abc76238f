"""Nothing that a process puts into the run directory outlives `bgpnet uninstall`."""

from inspect import getmembers
from pathlib import Path, PurePosixPath

from bgpnet.drivers.removal import remove
from bgpnet.model.rundir import RunDir

FOLDERS = ("cni", "speaker")


def everything(run_dir: RunDir) -> dict[str, Path]:
    """Each path that the run directory has a name for."""
    names = [name for name, _ in getmembers(RunDir, lambda member: isinstance(member, property))]
    return {name: Path(getattr(run_dir, name)) for name in names}


def filled(root: Path) -> RunDir:
    run_dir = RunDir(PurePosixPath(root))
    paths = everything(run_dir)
    for name in FOLDERS:
        paths.pop(name).mkdir(parents=True)
    for path in paths.values():
        path.touch()
    return run_dir


def test_all_of_it_goes_but_what_is_left_to_restore(tmp_path: Path) -> None:
    run_dir = filled(tmp_path / "run")
    remove(run_dir)
    assert [path for path in everything(run_dir).values() if path.exists()] == [Path(run_dir.sysctls)]
    Path(run_dir.sysctls).unlink()
    remove(run_dir)
    remove(run_dir)
    assert not (tmp_path / "run").exists()


def test_what_is_another_s_stays(tmp_path: Path) -> None:
    run_dir = filled(tmp_path / "run")
    other = tmp_path / "run" / "other"
    other.touch()
    remove(run_dir)
    assert other.exists()

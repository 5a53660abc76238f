"""Passwords that an agent keeps for the next one, while the API server may be away."""

from pathlib import Path

from bgpnet.drivers.files.contents import Password, SecretKey
from bgpnet.drivers.kube.saved import KeptPasswords
from bgpnet.model.secret import Secret

TOR = SecretKey("tor", "md5")


def test_passwords_in_use_are_kept_for_our_eyes_alone(tmp_path: Path) -> None:
    path = tmp_path / "passwords.json"
    kept = KeptPasswords(path)
    assert kept.load() == {}
    kept.save({TOR: Password(Secret("s3cret"), "it cannot be read now"), SecretKey("a", "b"): Password()})
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeptPasswords(path).load() == {TOR: Password(Secret("s3cret"))}


def test_the_file_is_written_only_when_something_changed(tmp_path: Path) -> None:
    path = tmp_path / "passwords.json"
    kept = KeptPasswords(path)
    kept.save({TOR: Password(Secret("s3cret"))})
    path.unlink()
    kept.save({TOR: Password(Secret("s3cret"), "and now an error")})
    assert not path.exists()
    kept.save({})
    assert KeptPasswords(path).load() == {}


def test_a_file_that_is_not_whole_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "passwords.json"
    KeptPasswords(path).save({TOR: Password(Secret("s3cret"))})
    path.write_text(path.read_text().replace("s3cret", "other"))
    assert KeptPasswords(path).load() == {}

"""The engine's key in root's authorized_keys: sshd's own tools read it back."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ovirt_he.host import authorized_keys
from salt.exceptions import CommandExecutionError


@pytest.fixture
def key(tmp_path, monkeypatch) -> str:
    if not shutil.which("ssh-keygen"):
        pytest.skip("no openssh-client, which tests/lab/requirements.apt names")
    monkeypatch.setattr(authorized_keys, "FILE", tmp_path / ".ssh" / "authorized_keys")
    made = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-C", "ovirt-engine", "-f", made], check=True
    )
    return made.with_suffix(".pub").read_text()


def fingerprints() -> list[str]:
    command = ["ssh-keygen", "-lf", str(authorized_keys.FILE)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_new_file_is_roots_alone(key):
    assert not authorized_keys.holds(key)

    authorized_keys.add(key)

    assert authorized_keys.holds(key)
    assert len(fingerprints()) == 1
    assert authorized_keys.FILE.stat().st_mode & 0o777 == 0o600
    assert authorized_keys.FILE.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_there_stays_as_it_is(key):
    authorized_keys.FILE.parent.mkdir()
    before = '# mine\nfrom="192.0.2.0/24" ssh-ed25519 AAAA me@home'
    authorized_keys.FILE.write_text(before)

    authorized_keys.add(key)

    assert authorized_keys.FILE.read_text() == f"{before}\n{key.strip()}\n"


def test_a_key_with_restrictions_is_not_authorised(key):
    authorized_keys.FILE.parent.mkdir()
    authorized_keys.FILE.write_text(f'command="/bin/false" {key}')

    assert not authorized_keys.holds(key)


@pytest.mark.parametrize("odd", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r", "\xa0"])
def test_lines_end_where_sshd_ends_them(key, odd):
    """Behind another character that Python takes for a line's end, sshd finds no key."""
    authorized_keys.FILE.parent.mkdir()
    authorized_keys.FILE.write_text(f"# mine{odd}{key}", newline="")
    before = authorized_keys.FILE.read_bytes()
    assert not authorized_keys.holds(key)

    authorized_keys.add(key)
    assert authorized_keys.holds(key)
    assert len(fingerprints()) == 1
    authorized_keys.remove(key)

    assert authorized_keys.FILE.read_bytes() == before


def test_words_are_split_where_sshd_splits_them(key):
    authorized_keys.FILE.parent.mkdir()
    authorized_keys.FILE.write_text(key.replace(" ", "\x0b", 1), newline="")
    assert not authorized_keys.holds(key)

    authorized_keys.FILE.write_text(f"\t{key.strip().replace(' ', '  ', 1)}\r\n", newline="")
    assert authorized_keys.holds(key)


@pytest.mark.parametrize("odd", ["", "<html>503</html>", "ssh-rsa AAAA", "ssh-rsa A\nssh-rsa B"])
def test_what_is_no_key_is_refused(key, odd):
    with pytest.raises(CommandExecutionError, match="wrong form"):
        authorized_keys.add(odd)
    assert not authorized_keys.FILE.exists()


@pytest.mark.parametrize("target", ["elsewhere", "nowhere"])
def test_a_link_is_neither_followed_nor_replaced(key, tmp_path, target):
    """Whoever made it decides who may sign in."""
    (tmp_path / "elsewhere").write_text("")
    authorized_keys.FILE.parent.mkdir()
    authorized_keys.FILE.symlink_to(tmp_path / target)

    with pytest.raises(CommandExecutionError, match="isn't a regular file"):
        authorized_keys.add(key)

    assert authorized_keys.FILE.is_symlink()
    assert (tmp_path / "elsewhere").read_text() == ""


def test_the_files_mode_stays(key):
    authorized_keys.FILE.parent.mkdir()
    authorized_keys.FILE.write_text("# mine\n")
    authorized_keys.FILE.chmod(0o640)

    authorized_keys.add(key)
    assert authorized_keys.FILE.stat().st_mode & 0o7777 == 0o640
    authorized_keys.remove(key)

    assert authorized_keys.FILE.stat().st_mode & 0o7777 == 0o640
    assert authorized_keys.FILE.read_text() == "# mine\n"

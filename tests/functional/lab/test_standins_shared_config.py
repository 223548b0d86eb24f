"""``--get-shared-config`` and ``--set-shared-config`` as ovirt-hosted-engine-setup answers them."""

from __future__ import annotations

from ovirt_he.ha import conf, modes

from functional.ha_standin import StandinHa, ha
from functional.storage_host import host, minions, wants_root

__all__ = ["ha", "host", "minions"]
pytestmark = wants_root
GET, SET = "--get-shared-config", "--set-shared-config"


def test_an_unknown_type_is_a_traceback(ha: StandinHa) -> None:
    for words in ((GET, "gateway", "--type=he"), (SET, "gateway", "192.0.2.9", "--type=he")):
        done = ha._run(*words)

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("Traceback (most recent call last):\n")
        assert done.stderr.endswith("\nKeyError: 'he'\n")


def test_an_unknown_key_is_answered_with_those_there_are_by_type(ha: StandinHa) -> None:
    """Keys that no file need hold are listed too."""
    done = ha._run(GET, "smtp-server")

    assert (done.returncode, done.stdout) == (1, "")
    first, second, *lists = done.stderr.splitlines()
    assert (first, second) == ("Invalid configuration key smtp-server.", "Available keys are:")
    shown = dict(line.split(" : ") for line in lists)
    assert list(shown) == ["he_local", "broker", "he_shared", "ha"]
    assert [kind for kind in shown if "'iscsi_paths_blacklist'" in shown[kind]] == [
        "he_local", "he_shared",
    ]  # fmt: skip
    assert "'email.smtp-server'" in shown["broker"]
    of_type = ha._run(GET, "smtp-server", "--type=ha").stderr.splitlines()
    assert of_type[2:] == ["ha : ['local_maintenance']"]


def test_a_key_of_two_types_must_say_which(ha: StandinHa) -> None:
    for words in ((GET, "gateway"), (SET, "gateway", "192.0.2.9")):
        done = ha._run(*words)

        assert (done.returncode, done.stderr) == (
            1,
            "Duplicate key gateway, please specify the key type. "
            "Available types are: ['he_local', 'he_shared']\n",
        )


def test_an_empty_value_is_refused(ha: StandinHa) -> None:
    done = ha._run(SET, "gateway", "", "--type=he_local")

    assert (done.returncode, done.stdout) == (1, "You must specify a new value to set\n")


def test_the_value_that_is_there_is_appended_to_the_archive_alone(ha: StandinHa) -> None:
    gateway = ha._run(GET, "gateway", "--type=he_shared").stdout.split()[2].rstrip(",")

    ha._run(SET, "gateway", gateway, "--type=he_shared")
    ha._run(SET, "gateway", gateway, "--type=he_local")
    ha._run(SET, "local_maintenance", "False", "--type=ha")

    shared = ha.host.member("hosted-engine.conf")
    assert shared.count(f"gateway={gateway}") == 2
    assert shared.endswith(f"\ngateway={gateway}"), "without an end of line"
    assert conf.CONFIGURATION.read_text().count("gateway=") == 1
    assert modes.HA_CONF.read_text().count("local_maintenance=") == 1
    ha._run(SET, "gateway", "192.0.2.9", "--type=he_shared")
    assert ha.host.member("hosted-engine.conf").count("gateway=192.0.2.9\n") == 2


def test_a_local_file_is_written_anew_without_its_comments(ha: StandinHa) -> None:
    modes.HA_CONF.write_text("# why\nlocal_maintenance = True\nlocal_maintenance_manual=True\n")

    ha._run(SET, "local_maintenance", "False", "--type=ha")

    assert modes.HA_CONF.read_text() == "local_maintenance=False\nlocal_maintenance_manual=True\n"

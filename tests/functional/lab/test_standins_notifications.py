"""Mails of the stand-in's broker: tried at each change of state, never fatal."""

from __future__ import annotations

import configparser
import logging
import socket
import threading
from typing import Any

import pytest

from .standins import standin

agent = standin("hosted_engine_ha_standin.agent")
broker = standin("hosted_engine_ha_standin.broker")
notifications = standin("hosted_engine_ha_standin.notifications")
rpc = standin("vdsm_standin.rpc")

CONF = (
    "[email]\nsmtp-server=127.0.0.1\nsmtp-port={port}\nsmtp-timeout=5\n"
    "source-email=ha@lab.test\ndestination-emails=a@lab.test , b@lab.test\n"
    "[notify]\nstate_transition=maintenance|start|stop|up|down\n"
)


@pytest.fixture
def server() -> Any:
    """A mail server for one mail; what it read, once it ended."""
    listening = socket.create_server(("127.0.0.1", 0))
    lines: list[str] = []

    def serve() -> None:
        connection, _address = listening.accept()
        with connection, connection.makefile("rw", newline="\r\n") as file:
            answer = "220 lab.test"
            in_data = False
            while answer != "221 bye":
                if answer:
                    file.write(answer + "\r\n")
                    file.flush()
                line = file.readline().strip()
                lines.append(line)
                in_data = in_data and line != "."
                answer = "" if in_data else "250 ok"
                if line.lower() == "data":
                    answer, in_data = "354 go on", True
                elif line.lower() == "quit":
                    answer = "221 bye"
            file.write(answer + "\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1], lines, thread
    listening.close()


def test_a_change_of_state_is_mailed_to_all(server: Any) -> None:
    port, lines, thread = server

    assert notifications.notify(CONF.format(port=port), "EngineStarting-EngineUp", "hv1") is True
    thread.join(5)
    recipients = [line.partition(":")[2] for line in lines if line.lower().startswith("rcpt")]
    assert recipients == ["<a@lab.test>", "<b@lab.test>"]
    assert "Subject: ovirt-hosted-engine state transition EngineStarting-EngineUp" in lines


def test_a_server_that_refuses_is_logged_only(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with caplog.at_level(logging.ERROR):
        assert notifications.notify(CONF.format(port=port), "EngineUp-EngineDown", "hv1") is False
    assert "Notification EngineUp-EngineDown by 127.0.0.1 failed" in caplog.text


def test_only_events_of_the_pattern_are_mailed() -> None:
    text = CONF.format(port=1).replace("maintenance|start|stop|up|down", "maintenance")

    assert notifications.notify(text, "EngineStarting-EngineUp", "hv1") is False
    assert notifications.notify("[email]\n", "EngineStarting-EngineUp", "hv1") is False


def test_broker_reads_the_archive_anew_for_each_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = iter(["first", "second"])
    read: list[str] = []
    mails = object.__new__(broker.Broker)
    monkeypatch.setattr(mails, "get_archive", lambda: {"broker.conf": next(texts)}, raising=False)
    monkeypatch.setattr(notifications, "notify", lambda text, *event: read.append(text))

    for _ in range(2):
        mails.notify("EngineUp-EngineDown", "hv1")

    assert read == ["first", "second"]
    assert "notify" in broker.VERBS


@pytest.mark.parametrize("error", [OSError("broker is down"), rpc.RemoteError(1, "'%' must be")])
def test_no_notification_ends_the_agent(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(verb: str, **arguments: Any) -> None:
        raise error

    monkeypatch.setattr(agent, "broker", fail)

    object.__new__(agent.Agent)._notify("EngineUp-EngineDown")


def test_a_broker_conf_that_can_not_be_read_is_refused_when_it_is_used() -> None:
    with pytest.raises(configparser.Error):
        notifications.notify(CONF.format(port=25).replace("a@", "100%@"), "EngineUp-X", "hv1")

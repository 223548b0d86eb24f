"""Mails about changes of the agent's state, by the broker.conf in the archive."""

from __future__ import annotations

import configparser
import email.message
import email.utils
import logging
import re
import smtplib

DEFAULTS = {
    "smtp-server": "localhost",
    "smtp-port": "25",
    "smtp-timeout": "10",
    "source-email": "root@localhost",
    "destination-emails": "root@localhost",
}


def settings(text: str) -> tuple[str | None, dict[str, str]]:
    """The pattern of events (None: no mails) and how to send, by Python's INI reader."""
    parser = configparser.ConfigParser()
    parser.read_string(text)
    pattern = parser.get("notify", "state_transition", fallback=None)
    return pattern, DEFAULTS | (dict(parser.items("email")) if parser.has_section("email") else {})


def notify(text: str, event: str, hostname: str) -> bool:
    """Whether a mail went out. Raises configparser.Error for a broker.conf that can't be read."""
    pattern, how = settings(text)
    if pattern is None or not re.search(pattern.lower(), event.lower()):
        return False
    mail = email.message.EmailMessage()
    try:
        mail["From"], mail["To"] = how["source-email"], how["destination-emails"]
        mail["Subject"] = f"ovirt-hosted-engine state transition {event}"
        mail["Date"] = email.utils.formatdate(localtime=True)
        mail.set_content(f"The state of the hosted engine's host {hostname} changed: {event}\n")
        port, timeout = int(how["smtp-port"]), float(how["smtp-timeout"])
        with smtplib.SMTP(how["smtp-server"], port, timeout=timeout) as server:
            to = re.split(r" *, *", how["destination-emails"].strip())
            server.sendmail(how["source-email"], to, mail.as_string())
    except (smtplib.SMTPException, OSError, ValueError) as err:
        logging.error("Notification %s by %s failed: %s", event, how["smtp-server"], err)
        return False
    return True

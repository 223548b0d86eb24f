"""``hosted-engine --clean-metadata``: the agent's program, run once beside the agent."""

from __future__ import annotations

import argparse
import logging
import sys

from vdsm_standin import rpc

from . import configuration
from .link import broker

logger = logging.getLogger("ovirt_hosted_engine_ha.agent.hosted_engine.HostedEngine")


def cleanup(arguments: list[str]) -> int:
    """
    Forget a host, under its own host id: the broker gives this host's back for it, which the agent
    takes again in its next cycle. A refusal is only logged: the exit code is 0 all the same.
    """
    parser = argparse.ArgumentParser(prog="ovirt-ha-agent --cleanup")
    parser.add_argument("--host-id", type=int, default=int(configuration.read()["host_id"]))
    # argparse, as the real optparse, also takes an unambiguous beginning of it.
    parser.add_argument("--force-cleanup", action="store_true")
    options = parser.parse_args(arguments)
    try:
        # Whether the id could be had isn't asked: without it writing ends the broker.
        broker("lock_host_id", host_id=options.host_id)
        facts = broker("get_stats")["hosts"].get(str(options.host_id))
        if options.force_cleanup or (facts and facts["stopped"]):
            broker("clean_host", host_id=options.host_id)
        elif facts:
            logger.error("Cannot clean unclean metadata of host %s", options.host_id)
        else:
            logger.error("Metadata of host %s missing", options.host_id)
        broker("release_host_id")
    except (OSError, rpc.RemoteError) as err:
        print(f"Cannot connect to the HA daemon, please check the logs: {err}", file=sys.stderr)
        return 1
    return 0

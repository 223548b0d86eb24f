"""A masterless minion in this process: Salt's real loader on this checkout, any pillar."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import salt._logging
import salt.config
import salt.minion

# Else Salt's early logger writes to a stream that pytest has closed.
salt._logging.shutdown_temp_handler()

ROOT = Path(__file__).parents[1]


class Minion:
    """
    The execution modules and states of the checkout as salt-call --local has them.

    Everything that Salt itself writes lies below ``directory``.
    """

    def __init__(self, directory: Path, pillar: dict[str, Any], **options: Any) -> None:
        self.directory = directory
        pillars = directory / "pillar"
        pillars.mkdir(parents=True)
        (pillars / "top.sls").write_text("base: {'*': [site]}")
        (pillars / "site.sls").write_text("#!json\n" + json.dumps(pillar))
        # Salt lists all that it serves: not the whole checkout with its virtual environment.
        files = directory / "files"
        files.mkdir()
        (files / "hosted_engine").symlink_to(ROOT / "hosted_engine")
        options = {
            "id": "node1.example.com",
            "root_dir": str(directory),
            "cachedir": str(directory / "cache"),
            "extension_modules": str(directory / "cache" / "extmods"),
            "pki_dir": str(directory / "pki"),
            "sock_dir": str(directory / "sock"),
            "file_client": "local",
            "file_roots": {"base": [str(files)]},
            "pillar_roots": {"base": [str(pillars)]},
            "module_dirs": [str(ROOT / "_modules")],
            "states_dirs": [str(ROOT / "_states")],
            "utils_dirs": [str(ROOT / "_utils")],
            "grains": {"fqdn": "node1.example.com"},
            "enable_fqdns_grains": False,
            **options,
        }
        # By a file: Salt 3008's options don't take changes by the ways of a dictionary.
        (directory / "minion").write_text(json.dumps(options))
        opts = salt.config.minion_config(str(directory / "minion"))
        # A run of salt-call has its pillar from the start; others gather it for each state again.
        opts["__cli"] = "salt-call"
        self._minion = salt.minion.SMinion(opts)

    def __call__(self, function: str, *arguments: Any, **keywords: Any) -> Any:
        """What an execution module answers."""
        return self._minion.functions[function](*arguments, **keywords)

    @property
    def opts(self) -> dict[str, Any]:
        """The minion's options, its pillar among them."""
        opts: dict[str, Any] = self._minion.opts
        return opts

    @property
    def functions(self) -> Any:
        """The loader's ``__salt__``."""
        return self._minion.functions

    @property
    def states(self) -> Any:
        """The loader's states."""
        return self._minion.states

    def low(self, sls: str) -> list[dict[str, Any]]:
        """The states of an SLS file and of all it includes, in order, as they would run."""
        low = self("state.show_low_sls", sls)
        assert all(isinstance(chunk, dict) for chunk in low), low
        return low

    def apply(self, sls: str, test: bool = False) -> dict[str, dict[str, Any]]:
        """Results of ``state.apply`` by state ID."""
        returned = self("state.apply", sls, test=test)
        assert isinstance(returned, dict), returned
        return {tag.split("_|-")[1]: result for tag, result in returned.items()}

    def state(self, function: str, name: str, test: bool = False, **arguments: Any) -> Any:
        """Result of one state, such as ``ovirt_host.up``."""
        returned = self("state.single", function, name, test=test, **arguments)
        assert isinstance(returned, dict), returned
        (result,) = returned.values()
        return result

"""A pillar from what other tools were told: answer files of hosted-engine, Ansible's variables."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ovirt_he.core.text import holds_secret, secrets_in, without
from ovirt_he.migrate import ansible, answer_file, convert, fhanswers
from ovirt_he.pillar import settings as settings_
from ovirt_he.preflight import check, registry
from salt.exceptions import CommandExecutionError, SaltInvocationError

# No Jinja: what was answered is said as it is, even if it holds braces.
RENDERER = "#!yaml\n"
SECRETS_HINT = (
    "Secrets were found, and aren't shown: an answer of a function gets into caches and logs. "
    "Give target=FILE, and the whole pillar is written there, for root alone"
)


def to_pillar(path: str, target: str = "") -> dict[str, Any]:
    """
    The pillar that an answer file of ``hosted-engine --deploy`` tells.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_answers.to_pillar /root/answers.conf
        salt-call --local hosted_engine_answers.to_pillar /root/answers.conf target=/root/site.sls

    Any file that ``hosted-engine --deploy`` wrote or reads will do: of old versions too, and the
    fhanswers.conf of a deployed engine's archive. The answer:

    - ``pillar``: the pillar as data, secrets without their values; ``yaml``: the same as the text
      of a pillar file.
    - ``secrets``: which secrets were found, and where they are.
    - ``unknown``: answers that nobody knows, with their types.
    - ``left_out``: answers that have no place in the pillar, each with the reason.
    - ``problems``: what is missing or wrong in the pillar, contradictions, odd lines.

    ``target`` is a new file, made with mode 0600: the pillar with its secrets, and all else as
    comments. What it holds below ``secrets`` belongs into a GPG or SDB pillar.

    Raises SaltInvocationError for a target that is there, CommandExecutionError for a file that
    can't be read or is no answer file. Nothing else is changed.
    """
    file = _parsed(path, target, answer_file.parse)
    values = {name: typed.partition(":")[2] for name, typed in file.answers.items()}
    kinds = {name: typed.partition(":")[0] for name, typed in file.answers.items()}
    return _told(fhanswers.read(file.answers), file.problems, values, kinds, target)


def from_ansible(path: str, target: str = "") -> dict[str, Any]:
    """
    The pillar that a file of variables of oVirt's Ansible role ``hosted_engine_setup`` tells.

    CLI Example:

    .. code-block:: bash

        salt-call --local hosted_engine_answers.from_ansible /root/he_deployment.json
        salt-call --local hosted_engine_answers.from_ansible /root/vars.yml target=/root/site.sls

    YAML or JSON, as ``ansible-playbook --extra-vars @FILE`` takes it. What only Ansible can read,
    encrypted values and Jinja, is in ``left_out``. ``other_defaults`` are variables that aren't
    given and whose default with the role isn't the formula's. All else as in ``to_pillar``.

    Raises SaltInvocationError for a target that is there, CommandExecutionError for a file that
    can't be read or holds no variables. Nothing else is changed.
    """
    variables, odd = _parsed(path, target, ansible.parse)
    kinds = {name: type(value).__name__ for name, value in variables.items()}
    told = _told(ansible.read(variables), odd, variables, kinds, target)
    return told | {"other_defaults": ansible.other_defaults(variables)}


def _parsed(path: str, target: str, parse: Any) -> Any:
    if target and not Path(target).is_absolute():
        raise SaltInvocationError(f"target: {target} isn't an absolute path")
    if target and os.path.lexists(target):
        raise SaltInvocationError(f"target: {target} is there already: name a file that isn't")
    try:
        return parse(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        # A decoding error holds the file's bytes.
        reason = error.strerror if isinstance(error, OSError) else "it isn't text in UTF-8"
        raise CommandExecutionError(f"Reading {path}: {reason}") from None
    except CommandExecutionError as error:
        raise CommandExecutionError(f"{path}: {error}") from None


def _told(
    found: convert.Converted, odd: list[str], values: Any, kinds: dict[str, str], target: str
) -> dict[str, Any]:
    leaves = convert.leaves(found.pillar)
    pillar = convert.tree(leaves)
    secret = [path for path in leaves if path.startswith("secrets:")]
    # A text that holds a secret isn't shown either, though its key is none.
    within = [path for path in leaves if path not in secret and holds_secret(leaves[path])]
    wrong, listed = _wrong(pillar), set(convert.contradictions(leaves))
    notes = {
        "unknown": {name: kinds[name] for name in found.unknown},
        "left_out": found.left_out,
        "problems": [*odd, *(one for one in found.problems if one not in listed), *wrong]
        + [
            f"hosted_engine:{path}: holds a secret, which commands and logs show" for path in within
        ],
    }
    if target:
        unknown = {name: values[name] for name in found.unknown}
        _write(Path(target), _comments(notes | {"unknown": unknown}) + _yaml(pillar))
    hidden = [text for path in [*secret, *within] for text in _texts(leaves[path], path in secret)]
    shown = convert.tree(leaves | dict.fromkeys(within))
    shown |= {"secrets": _blank(pillar["secrets"])} if secret else {}
    return {
        "pillar": {"hosted_engine": shown},
        "yaml": RENDERER + _yaml(shown),
        "secrets": {
            "found": sorted([*secret, *within]),
            "where": (target or SECRETS_HINT) if secret or within else "none found",
        },
        **_without(notes, hidden),
    }


def _wrong(pillar: dict[str, Any]) -> list[str]:
    """What ``hosted_engine.problems`` would say of the pillar, a sentence each."""
    # So that each secret that is missing is named.
    wrapped = {"hosted_engine": {"secrets": {}, **pillar}}
    settings = settings_.merge(wrapped, __grains__)
    host = check.Host(settings, __grains__, __salt__)
    return [
        f"{one['key']}: {one['problem']}. {one['advice']}".rstrip(". ")
        for one in registry.of_pillar(wrapped, host)
    ]


def _texts(value: Any, secret: bool) -> Iterator[str]:
    """What mustn't stand anywhere in an answer."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item, secret)
    elif secret:
        yield str(value).removeprefix("str:")
    else:
        yield from secrets_in(value)


def _without(notes: Any, hidden: list[str]) -> Any:
    """Notes, whatever of a value got into them, without a secret."""
    if isinstance(notes, dict):
        return {name: _without(item, hidden) for name, item in notes.items()}
    if isinstance(notes, list):
        return [_without(item, hidden) for item in notes]
    return without(notes, hidden)


def _blank(secrets: dict[str, Any]) -> dict[str, Any]:
    """Null in each secret's place: preflight refuses it, so nobody deploys with a placeholder."""
    return {
        name: _blank(value) if isinstance(value, dict) else None for name, value in secrets.items()
    }


def _yaml(pillar: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(
        {"hosted_engine": pillar}, sort_keys=False, allow_unicode=True, width=10**6
    )


def _comments(notes: dict[str, Any]) -> str:
    """The file's head: what isn't in the pillar, a line each."""
    lines = ["It holds secrets: move what is below secrets to a GPG or SDB pillar."]
    lines += [f"Problem: {problem}" for problem in notes["problems"]]
    lines += [
        f"Unknown: {name}: {json.dumps(value, default=str)}"
        for name, value in notes["unknown"].items()
    ]
    lines += [f"Left out: {name}: {reason}" for name, reason in notes["left_out"].items()]
    # A name may hold what ends a line of YAML.
    safe = ["".join(one if one.isprintable() else "?" for one in line) for line in lines]
    return RENDERER + "".join(f"# {line}\n" for line in safe)


def _write(path: Path, text: str) -> None:
    """A new file for root alone; never one that is there, nor through a link."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CommandExecutionError(f"Writing {path}: {error.strerror}") from None

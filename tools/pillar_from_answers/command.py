"""The command: reads a file of another tool, shows the pillar without secrets, writes it whole."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ovirt_he.core.text import holds_secret, secrets_in, without
from ovirt_he.pillar import keys, settings
from ovirt_he.preflight import check, registry
from salt.exceptions import CommandExecutionError

from pillar_from_answers import ansible, answer_file, answers, convert

DESCRIPTION = """\
Makes a pillar of this formula from the answer file of hosted-engine --deploy (also of old
versions, and fhanswers.conf of a deployed engine's archive), or from variables of the Ansible role.
It prints the pillar without secrets, after comments: problems, answers that nobody knows, answers
that have no place in the pillar. Nothing else is read or changed. See docs/migration.md.
"""
# No Jinja: what was answered is kept as it is, even if it holds braces.
RENDERER = "#!yaml\n"
HIDDEN = "Secrets were found and aren't shown: give --target FILE to have them written"
WHOLE = "It holds secrets: move what is below secrets to a GPG or SDB pillar"


class Result(NamedTuple):
    """A pillar with its secrets, the keys that hold one, and what isn't in the pillar."""

    pillar: dict[str, Any]
    secret: list[str]
    problems: list[str]
    unknown: dict[str, Any]
    left_out: dict[str, str]
    other_defaults: dict[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0: there is a pillar; 1: there is none, and the reason is on stderr."""
    parser = argparse.ArgumentParser("pillar_from_answers", description=DESCRIPTION)
    parser.add_argument("file", type=Path, help="answer file")
    parser.add_argument(
        "--ansible", action="store_true", help="the file holds variables of the role, YAML or JSON"
    )
    parser.add_argument(
        "--target", type=Path, help="new file for the pillar with its secrets, for its owner alone"
    )
    given = parser.parse_args(arguments)
    try:
        result = read(given.file, given.ansible)
        if given.target:
            _write(given.target, text(result, hidden=False))
    except CommandExecutionError as error:
        print(error, file=sys.stderr)
        return 1
    print(text(result), end="")
    return 0


def read(path: Path, is_ansible: bool = False) -> Result:
    """
    The pillar of a file, and what isn't in it.

    Raises CommandExecutionError, without any of its text, for a file that can't be read.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
        if is_ansible:
            given, odd = ansible.parse(content)
            return _result(ansible.read(given), odd, given, ansible.other_defaults(given))
        given, odd = answer_file.parse(content)
        return _result(answers.read(given), odd, given, {})
    except (OSError, UnicodeDecodeError) as error:
        # A decoding error holds the file's bytes.
        reason = error.strerror if isinstance(error, OSError) else "it isn't text in UTF-8"
        raise CommandExecutionError(f"Reading {path}: {reason}") from None
    except CommandExecutionError as error:
        raise CommandExecutionError(f"{path}: {error}") from None


def _result(
    found: convert.Converted, odd: list[str], given: dict[str, Any], defaults: dict[str, str]
) -> Result:
    leaves = keys.leaves(found.pillar)
    secret = [path for path in leaves if path.startswith("secrets:")]
    # A text that holds a secret isn't shown either, though its key is none.
    within = [path for path in leaves if path not in secret and holds_secret(leaves[path])]
    pillar = keys.tree(leaves)
    problems = [
        *odd,
        *found.problems,
        *_problems(pillar),
        *(f"hosted_engine:{path}: holds a secret, which commands and logs show" for path in within),
    ]
    unknown = {name: given[name] for name in found.unknown}
    return Result(pillar, secret + within, problems, unknown, found.left_out, defaults)


def _problems(pillar: dict[str, Any]) -> list[str]:
    """What ``hosted_engine.problems`` would report of the pillar, a sentence each."""
    # So that each secret that is missing is named.
    whole = {"hosted_engine": {"secrets": {}, **pillar}}
    host = check.Host(settings.merge(whole, {}), {}, {})
    return [
        f"{one['key']}: {one['problem']}. {one['advice']}".rstrip(". ")
        for one in registry.of_pillar(whole, host)
    ]


def text(result: Result, hidden: bool = True) -> str:
    """The text of a pillar file, after comments; ``hidden``: null in place of each secret."""
    leaves, comments = keys.leaves(result.pillar), []
    if result.secret:
        comments.append(HIDDEN if hidden else WHOLE)
    comments += [f"Problem: {problem}" for problem in result.problems]
    comments += [
        f"Unknown: {name}" + ("" if hidden else f": {json.dumps(value, default=str)}")
        for name, value in result.unknown.items()
    ]
    comments += [f"Left out: {name}: {reason}" for name, reason in result.left_out.items()]
    comments += [f"Not given: {name}: {why}" for name, why in result.other_defaults.items()]
    if hidden:
        secrets = [one for path in result.secret for one in _secrets(path, leaves[path])]
        comments = [without(line, secrets) for line in comments]
        leaves |= {path: _blank(path, leaves[path]) for path in result.secret}
    # A name may hold what ends a line of YAML.
    safe = ["".join(one if one.isprintable() else "?" for one in line) for line in comments]
    pillar = yaml.safe_dump(
        {"hosted_engine": keys.tree(leaves)}, sort_keys=False, allow_unicode=True, width=10**6
    )
    return RENDERER + "".join(f"# {line}\n" for line in safe) + pillar


def _secrets(path: str, value: Any) -> Iterator[str]:
    """What mustn't stand anywhere in what is shown."""
    if not path.startswith("secrets:"):
        yield from secrets_in(value)
    elif isinstance(value, dict):
        yield from (str(item).removeprefix("str:") for item in value.values())
    else:
        yield str(value)


def _blank(path: str, value: Any) -> Any:
    """Null in each secret's place: preflight refuses it, so nobody deploys with a placeholder."""
    is_mapping = path.startswith("secrets:") and isinstance(value, dict)
    return dict.fromkeys(value) if is_mapping else None


def _write(path: Path, content: str) -> None:
    """A new file for its owner alone; never one that is there, nor through a link."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        raise CommandExecutionError(f"{path} is there already: name a new file") from None
    except OSError as error:
        raise CommandExecutionError(f"Writing {path}: {error.strerror}") from None

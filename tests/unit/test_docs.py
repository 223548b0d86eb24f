"""What the documentation says is so: examples are valid, made pages fresh, links whole."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from ovirt_he.pillar.schema import SCHEMA
from ovirt_he.pillar.validate import problems

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    ROOT / line
    for line in subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
)


def page_maker():
    spec = importlib.util.spec_from_file_location("make", ROOT / "docs" / "make.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_s_pillar_is_valid_and_short():
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (pillar,) = (block for block in blocks if "hosted_engine:" in block)
    indent = re.match(r" *", pillar)

    settings = yaml.safe_load(pillar)["hosted_engine"]

    assert indent is not None
    assert list(problems(settings, SCHEMA)) == []
    assert len(pillar.splitlines()) <= 12


def test_made_pages_are_fresh():
    for path, text in page_maker().pages().items():
        assert path.read_text() == text, f"make docs: {path.name}"


def test_each_feature_that_is_listed_is_proven_by_a_test():
    listed = yaml.safe_load((ROOT / "docs" / "features.yaml").read_text())
    names = {name for rows in listed.values() for name in rows}

    page_maker()
    from docs import features

    assert set(features.proofs_in(ROOT / "tests")) == names


def test_an_editor_finds_the_example_valid_and_a_misspelt_key_not():
    schema = json.loads((ROOT / "docs" / "pillar.schema.json").read_text())
    pillar = yaml.safe_load((ROOT / "pillar.example").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(pillar, schema)

    pillar["hosted_engine"]["vm"]["memory"] = 4096

    with pytest.raises(jsonschema.ValidationError, match="memory"):
        jsonschema.validate(pillar, schema)
    assert '"default": null' not in json.dumps(schema)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def names(folder: str) -> set[str]:
    return {f"{one.values[0]}.{one.values[1].name.rstrip('_')}" for one in functions(folder)}


def test_each_of_the_31_steps_leads_to_its_code():
    """From docs/steps.md to the SLS file and the state, from CONTRIBUTING to what that calls."""
    row = r"^\| (\d+) \| [^|]+ \| \[\w+\]\(([^)]+)\) \| ([^|]+) \| `([\w.]+)` \|"
    steps = re.findall(row, (ROOT / "docs/steps.md").read_text(), re.MULTILINE)
    table = (ROOT / "CONTRIBUTING.md").read_text()

    assert {int(number) for number, *_ in steps} == set(range(1, 32))
    for number, sls, identifier, function in steps:
        assert f"\n{identifier}:\n  {function}:" in (ROOT / "docs" / sls).read_text(), number
        (line,) = (one for one in table.splitlines() if f" | {identifier} | `{function}` | " in one)
        assert number in line.split("|")[-2].replace(" ", "").split(",")
        module = function.partition(".")[0]
        if (ROOT / "_states" / f"{module}.py").exists():
            assert function in names("_states")
            calls = re.findall(r"`([\w.]+)`", line.split("|")[4])
            assert calls, number
            assert {module + one if one[0] == "." else one for one in calls} <= names("_modules")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_prose_fits_into_a_terminal(name):
    """Tables and blocks of code can't be wrapped."""
    text = re.sub(r"```.*?```", "", (ROOT / name).read_text(), flags=re.DOTALL)

    long = [line for line in text.splitlines() if len(line) > 110 and not line.startswith("|")]

    assert long == []


def test_what_the_readme_calls_is_there():
    """Functions of the formula, targets of make, and SLS files, wherever a page names them."""
    files = {f"hosted_engine.{path.stem}" for path in (ROOT / "hosted_engine").glob("*.sls")}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text()
        called = set(re.findall(r"salt-call (?:--\S+ )*(hosted_engine[\w.]+|ovirt_[\w.]+)", text))
        applied = set(re.findall(r"state\.apply (hosted_engine\.\w+)", text))
        made = [
            one
            for line in re.findall(r"(?:`|^)make ([a-z -]+)", text, re.M)
            for one in line.split()
        ]
        assert called <= names("_modules") | names("_states"), name
        assert applied <= files, name
        assert set(made) <= targets, name


def functions(folder: str):
    for path in sorted((ROOT / folder).glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield pytest.param(path.stem, node, id=f"{path.stem}.{node.name}")


@pytest.mark.parametrize(("module", "function"), list(functions("_modules")))
def test_a_verb_shows_how_it_is_called(module, function):
    text = ast.get_docstring(function) or ""

    assert "CLI Example:" in text
    assert re.search(rf"salt-call --local {module}\.{function.name.rstrip('_')}\b", text)


@pytest.mark.parametrize(("module", "function"), list(functions("_states")))
def test_a_state_shows_how_it_is_written(module, function):
    text = ast.get_docstring(function) or ""
    example = text.partition(".. code-block:: yaml")[2]

    assert f"{module}.{function.name}" in example
    block = "\n".join(re.findall(r"^(?:    .*|)$", example, re.MULTILINE)).split("\n\n\n")[0]
    assert f"{module}.{function.name}" in repr(yaml.safe_load(block))

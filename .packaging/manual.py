#!/usr/bin/python3
"""Makes the manual's pages of the programs from what their own parsers say of themselves.

    manual.py FOLDER SECTION PROGRAM...     one page a command and sub-command, mdoc(7), into FOLDER

What `PROGRAM --experimental-dump-help` prints is all that is known here, so that a page cannot say
something else than `--help`. The date is SOURCE_DATE_EPOCH's.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any, Iterator

# What no page lists: help is a page itself.
LEFT_OUT = {"help"}
SECTIONS = {"vireo": 1, "vireod": 8, "vireo-exec": 8}
# The pages that refer to the policy's.
ABOUT_POLICIES = {"vireod", "vireo-exec", "vireo-host-exec", "vireo-config-key",
                  "vireo-config-sample", "vireo-config-validate"}
EXIT_CODES = re.compile(r"^Exit codes?: ", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?<=[a-z0-9)\"'][.!?]) +(?=[A-Z`])")


def escaped(text: str) -> str:
    """Text for a line of its own: no request, no escape, hyphens that can be copied."""
    text = text.replace("\\", "\\e")
    text = re.sub(r"(?<![\w-])--?(?=\w)", lambda dashes: "\\-" * len(dashes[0]), text)
    return "\\&" + text if text[:1] in (".", "'") else text


def argument(text: str) -> str:
    """Words for a macro's line, where one that is a macro's name would be called."""
    words = escaped(text).split()
    return " ".join("\\&" + word if re.fullmatch(r"[A-Z][a-z0-9]{1,2}", word) else word
                    for word in words)


def prose(text: str) -> Iterator[str]:
    """One line a sentence, a macro between paragraphs; what is indented stays as it is."""
    for index, paragraph in enumerate(re.split(r"\n\s*\n", text.strip("\n"))):
        lines = paragraph.split("\n")
        # A list of instructions, each with its explanation indented below it, stays as it is too.
        is_literal = all(line.startswith("  ") for line in lines) or (
            len(lines) > 2 and lines[1].startswith("    "))
        if index > 0 and not is_literal:
            yield ".Pp"
        if is_literal:
            yield ".Bd -literal -offset indent"
            indent = 2 if all(line.startswith("  ") for line in lines) else 0
            yield from (escaped(line[indent:]) for line in lines)
            yield ".Ed"
        else:
            for sentence in SENTENCE_END.split(" ".join(line.strip() for line in lines)):
                yield from (escaped(line) for line in textwrap.wrap(
                    sentence, 76, break_long_words=False, break_on_hyphens=False))


def flag(name: dict[str, str]) -> str:
    return f"Fl -{name['name']}" if name["kind"] == "long" else f"Fl {name['name']}"


def is_behind_terminator(entry: dict[str, Any]) -> bool:
    return entry.get("parsingStrategy") == "postTerminator"


def synopsis(entries: list[dict[str, Any]]) -> Iterator[str]:
    """Options, operands, and behind `--` what is taken as it stands."""
    options = [entry for entry in entries if entry["kind"] != "positional"]
    operands = [entry for entry in entries if entry["kind"] == "positional"]
    behind = [entry for entry in operands if is_behind_terminator(entry)]
    yield from (usage(entry) for entry in options)
    yield from (usage(entry) for entry in operands if entry not in behind)
    if behind:
        yield ".Fl -"
    yield from (usage(entry) for entry in behind)


def usage(entry: dict[str, Any]) -> str:
    value = f"Ar {entry.get('valueName', 'value')}"
    if entry["kind"] == "positional":
        words = value
    else:
        words = flag(entry["preferredName"]) + (f" {value}" if entry["kind"] == "option" else "")
    if entry["isRepeating"]:
        words += " ..."
    # To the parser a list may be empty; the command behind `--` is what the program is run for.
    is_optional = entry["isOptional"] and not is_behind_terminator(entry)
    return f".Op {words}" if is_optional else f".{words}"


def item(entry: dict[str, Any]) -> Iterator[str]:
    value = f" Ar {entry.get('valueName', 'value')}"
    if entry["kind"] == "positional":
        yield ".It" + (" Fl -" if is_behind_terminator(entry) else "") + value
    else:
        ending = value if entry["kind"] == "option" else ""
        yield ".It " + " , ".join(flag(name) + ending for name in entry["names"])
    if entry.get("abstract"):
        yield from prose(entry["abstract"])
    if entry.get("discussion"):
        yield from prose(entry["discussion"])
    said = entry.get("abstract", "")
    notes = []
    if not all(value in said for value in entry.get("allValues", [])):
        notes.append("one of " + ", ".join(entry["allValues"]))
    if entry.get("defaultValue") and "default" not in said:
        notes.append(f"by default {entry['defaultValue']}")
    if notes:
        note = "; ".join(notes)
        yield escaped(note[0].upper() + note[1:] + ".")


def shown(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry.get("shouldDisplay", True)]


def page(command: dict[str, Any], section: int, date: str, related: list[str]) -> Iterator[str]:
    words = [*command.get("superCommands", []), command["commandName"]]
    name = "-".join(words)
    abstract = command.get("abstract", "").strip().rstrip(".")
    parts = [part for part in re.split(r"\n\s*\n", command.get("discussion", "")) if part.strip()]
    codes = [part for part in parts if EXIT_CODES.match(part)]
    entries = shown(command.get("arguments", []))
    below = [sub for sub in shown(command.get("subcommands", []))
             if sub["commandName"] not in LEFT_OUT]
    yield f".Dd {date}"
    yield f".Dt {name.upper()} {section}"
    yield ".Os"
    yield ".Sh NAME"
    yield f".Nm {name}"
    yield f".Nd {argument(abstract[:1].lower() + abstract[1:])}"
    yield ".Sh SYNOPSIS"
    yield f".Nm {' '.join(words)}"
    yield from synopsis(entries)
    if below:
        yield ".Ar command"
    yield ".Sh DESCRIPTION"
    yield from prose("\n\n".join([f"{abstract}.", *(p for p in parts if p not in codes)]))
    if entries:
        yield ".Pp"
        yield "The options are as follows:"
        yield ".Bl -tag -width Ds"
        for entry in entries:
            yield from item(entry)
        yield ".El"
    if below:
        yield ".Pp"
        yield "The commands are as follows, each with a page of its own:"
        yield ".Bl -tag -width Ds"
        for sub in below:
            yield f".It Xr {name}-{sub['commandName']} {section}"
            yield from prose(sub.get("abstract", ""))
        yield ".El"
    if codes:
        yield ".Sh EXIT STATUS"
        for code in codes:
            yield from prose(EXIT_CODES.sub("", code))
    yield ".Sh SEE ALSO"
    pages = sorted(set(related) - {f"{name} {section}"},
                   key=lambda entry: (entry.rsplit(" ", 1)[1], entry))
    yield from (f".Xr {entry}" + (" ," if entry != pages[-1] else "") for entry in pages)


def commands(command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield command
    for sub in shown(command.get("subcommands", [])):
        if sub["commandName"] not in LEFT_OUT:
            yield from commands(sub)


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    moment = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    date = time.strftime("%B ", moment) + time.strftime("%d, %Y", moment).lstrip("0")
    programs = [Path(program) for program in sys.argv[2:]]
    tops = [f"{program.name} {SECTIONS[program.name]}" for program in programs]
    for program in programs:
        dump = subprocess.run(
            [program.resolve(), "--experimental-dump-help"], stdout=subprocess.PIPE, check=True)
        section = SECTIONS[program.name]
        for command in commands(json.loads(dump.stdout)["command"]):
            name = "-".join([*command.get("superCommands", []), command["commandName"]])
            above = command.get("superCommands", [])
            related = [*tops, "vireo-config 5", "vireo 7"]
            if name in ABOUT_POLICIES:
                related.append("vireo-policy 5")
            if above:
                related.append(f"{'-'.join(above)} {section}")
            text = "\n".join(page(command, section, date, related)) + "\n"
            (folder / f"{name}.{section}").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

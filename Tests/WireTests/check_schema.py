"""Validates messages by the schema files: `side TAB message` a line in, one line of complaint out,
empty for a message that is right."""

import json
import pathlib
import sys

import jsonschema

root = pathlib.Path(sys.argv[1])
validators = {}
for path in sorted(root.glob("*/*.json")):
    schema = json.loads(path.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validators[path.parent.name, path.stem] = jsonschema.Draft202012Validator(schema)


def complaint(side, text):
    message = json.loads(text)
    kind = message.get("type") if isinstance(message, dict) else None
    validator = validators.get((side, kind))
    if validator is None:
        return f"no schema for {kind!r} of the {side}"
    error = jsonschema.exceptions.best_match(validator.iter_errors(message))
    if error is None:
        return ""
    place = "/".join(str(step) for step in error.absolute_path)
    return f"{kind}: {place}: {error.message[:200]}".replace("\n", " ")


for line in sys.stdin:
    side, text = line.rstrip("\n").split("\t", 1)
    print(complaint(side, text))

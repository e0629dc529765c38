#!/usr/bin/env python3
"""A second verifier of Attensor's messages, written from docs/protocol.md alone.

    python3 spec/verify.py FILE...

Reads files that `attensor prove --messages` and `attensor prove-component --messages` write. Exit
code 0: every file proves the statement that is printed. 1: at least one does not, with the reason.
2: a file is none that can be read.
"""

import argparse
import json
import sys
import time

from field import P
from models import ModelUnit
from session import Refused
from units import BadConfig, ComponentUnit, Numbers, verify_unit

FORMAT, VERSION = "attensor-messages", 1
MAX_MESSAGES = 1 << 22
MAX_LOG_SIZE = 28


class BadFile(Exception):
    """The file is no export of messages."""


def field_element(value, where):
    """A decimal string of a canonical field element."""
    if not isinstance(value, str) or not value.isascii() or not value.isdecimal() or len(value) > 77:
        raise BadFile(f"{where} is no decimal string")
    number = int(value)
    if str(number) != value or number >= P:
        raise BadFile(f"{where} is no canonical field element")
    return number


def integer(value, where, low, high):
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadFile(f"{where} is {value!r}, not an integer from {low} to {high}")
    return value


def read_export(data):
    """The unit that a file is about, its numbers, statement and messages."""
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
        raise BadFile(f"this is no file of format {FORMAT}, version {VERSION}")
    kind = data.get("kind")
    known = {"component": {"component"}, "model": {"config", "capacity"}}
    if kind not in known:
        raise BadFile(f"kind is {kind!r}, none of {', '.join(known)}")
    keys = known[kind] | {"format", "version", "kind", "logSize", "logInvRate", "hashingLogInvRate", "statement", "messages", "labels"}
    if unknown := set(data) - keys:
        raise BadFile(f"unknown keys: {', '.join(sorted(map(str, unknown)))}")
    numbers = Numbers(
        integer(data.get("logSize"), "logSize", 5, MAX_LOG_SIZE),
        integer(data.get("logInvRate"), "logInvRate", 1, 6),
        integer(data.get("hashingLogInvRate"), "hashingLogInvRate", 1, 6),
    )
    config = data.get("component" if kind == "component" else "config")
    if not isinstance(config, dict):
        raise BadFile("the configuration is no object")
    if kind == "component":
        unit = ComponentUnit(config, numbers)
    else:
        capacity = integer(data.get("capacity"), "capacity", 2, 1 << 16)
        if capacity & (capacity - 1):
            raise BadFile(f"capacity is {capacity}, no power of two")
        unit = ModelUnit(config, capacity, numbers)
    stated = data.get("statement")
    if not isinstance(stated, dict) or set(stated) != set(unit.FIELDS):
        raise BadFile(f"the statement's fields are not {', '.join(unit.FIELDS)}")
    statement = [field_element(stated[name], f"statement.{name}") for name in unit.FIELDS]
    messages = data.get("messages")
    if not isinstance(messages, list) or len(messages) > MAX_MESSAGES:
        raise BadFile(f"messages are no list of at most {MAX_MESSAGES}")
    return unit, numbers, statement, [field_element(m, f"messages[{i}]") for i, m in enumerate(messages)]


def verify(path):
    """The file's unit and statement, if its messages prove it."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise BadFile(f"it cannot be read as JSON: {error}") from None
    try:
        unit, numbers, statement, messages = read_export(data)
    except (BadConfig, KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
        raise BadFile(f"the configuration is none of a unit: {error}") from None
    places = verify_unit(unit, numbers, statement, messages)
    return unit, dict(zip(unit.FIELDS, statement)), places


def main():
    parser = argparse.ArgumentParser(description="Verifies exported messages of Attensor proofs.")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--places", action="store_true", help="print what each message is: name, first, count, as JSON")
    arguments = parser.parse_args()
    code = 0
    for path in arguments.files:
        start = time.monotonic()
        try:
            unit, statement, places = verify(path)
        except BadFile as error:
            print(f"{path}: unreadable: {error}")
            code = 2
        except Refused as error:
            print(f"{path}: refused: {error}")
            code = max(code, 1)
        else:
            if arguments.places:
                print(json.dumps(places))
                continue
            print(f"{path}: accepted in {time.monotonic() - start:.1f} s: {unit.description}")
            for name, value in statement.items():
                print(f"  {name} {value}")
    return code


if __name__ == "__main__":
    sys.exit(main())

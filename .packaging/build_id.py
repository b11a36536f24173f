#!/usr/bin/python3
"""Gives stripped programs a build id that is made from what is left of them.

    .packaging/build_id.py PROGRAM...

The linker's hash covers the debug information too, with the folder that the sources lay in, so that
the same program from two folders would differ in these 20 bytes alone.
"""

import hashlib
import sys
from pathlib import Path

# Elf64_Nhdr: sizes of name and description, NT_GNU_BUILD_ID, then the name. Source: elf(5).
NOTE = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"
ID_BYTES = 20


def main() -> int:
    for path in map(Path, sys.argv[1:]):
        content = bytearray(path.read_bytes())
        if content.count(NOTE) != 1:
            print(f"{path} has {content.count(NOTE)} build ids of {ID_BYTES} bytes, not one",
                  file=sys.stderr)
            return 65
        place = slice(content.index(NOTE) + len(NOTE), content.index(NOTE) + len(NOTE) + ID_BYTES)
        content[place] = bytes(ID_BYTES)
        content[place] = hashlib.sha1(content).digest()
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())

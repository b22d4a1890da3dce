#!/usr/bin/env python3
"""Writes src/chat_template/text/unicode_tables.inc: character classes and case mappings as Python has them.

Usage: chat_template_unicode.py > src/chat_template/text/unicode_tables.inc
Run it with the Python whose answers the chat templates are compared with.
"""
import sys
import unicodedata

CHARS = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def runs(points):
    """Groups sorted code points into (first, last, stride) with stride 1 or 2."""
    result = []
    for point in points:
        if result:
            first, last, stride = result[-1]
            step = point - last
            if step == stride or (first == last and step in (1, 2)):
                result[-1] = (first, point, step)
                continue
        result.append((point, point, 1))
    return result


def emit_class(name, test):
    rows = runs([ord(c) for c in CHARS if test(c)])
    print(f"constexpr ClassRange k{name}[] = {{")
    line = "   "
    for first, last, stride in rows:
        item = f" {{0x{first:X}, 0x{last:X}, {stride}}},"
        if len(line) + len(item) > 98:
            print(line)
            line = "   "
        line += item
    print(line)
    print("};")


def emit_case(name, convert):
    rows = []
    special = []
    for c in CHARS:
        mapped = convert(c)
        if mapped == c:
            continue
        if len(mapped) > 1:
            special.append((ord(c), mapped))
            continue
        point, delta = ord(c), ord(mapped) - ord(c)
        if rows and rows[-1][3] == delta:
            first, last, stride, _ = rows[-1]
            step = point - last
            if step == stride or (first == last and step in (1, 2)):
                rows[-1] = (first, point, step, delta)
                continue
        rows.append((point, point, 1, delta))
    print(f"constexpr CaseRange kTo{name}[] = {{")
    line = "   "
    for first, last, stride, delta in rows:
        item = f" {{0x{first:X}, 0x{last:X}, {stride}, {delta}}},"
        if len(line) + len(item) > 98:
            print(line)
            line = "   "
        line += item
    print(line)
    print("};")
    print(f"constexpr SpecialCase kTo{name}Special[] = {{")
    line = "   "
    for point, mapped in special:
        utf32 = "".join(f"\\U{ord(c):08X}" for c in mapped)
        item = f' {{0x{point:X}, U"{utf32}"}},'
        if len(line) + len(item) > 98:
            print(line)
            line = "   "
        line += item
    print(line)
    print("};")


def is_cased(c):
    return (c + "\u03a3").lower()[-1] == "\u03c2"


def is_case_ignorable(c):
    return ("a\u03a3" + c + "a").lower()[1] == "\u03c3" and not is_cased(c)


def main():
    print(f"// Made by tools/goldens/chat_template_unicode.py from Unicode {unicodedata.unidata_version}.")
    print("// {first, last, stride} of each class; {first, last, stride, delta} of each case mapping.")
    emit_class("Alpha", str.isalpha)
    emit_class("Decimal", str.isdecimal)
    emit_class("Digit", str.isdigit)
    emit_class("Numeric", str.isnumeric)
    emit_class("NotPrintable", lambda c: not c.isprintable())
    emit_class("Upper", str.isupper)
    emit_class("Lower", str.islower)
    emit_class("Title", lambda c: c.istitle() and not c.isupper())
    emit_class("Space", str.isspace)
    emit_class("CaseIgnorable", is_case_ignorable)
    emit_case("Upper", str.upper)
    emit_case("Lower", str.lower)
    emit_case("Title", str.title)


if __name__ == "__main__":
    sys.exit(main())

"""The tidy rules that look at one file at a time: opening comment, sizes, width, unfinished work, the SDK's small headers.
Each returns findings (path, line, what is wrong, how to mend it). Rules about the whole house are in floors.py."""
import re

import source

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 150
SDK_HEADER_LINES_MAX = 150
SAYS_LONG = re.compile(r"(?<!no )(?<!as )(?<!how )\blong(?:er)?\b", re.I)  # "Long because …"
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")  # put together, so that this file passes itself


def opening_comment(path, text):
    head = source.head_comment(text)
    if len(re.sub(r"\W", "", head)) < 20:
        yield path, 1, "no opening comment", "begin the file with one to five sentences: what lives here, what must never be here, what to read next"


def file_length(path, text):
    count = text.count("\n")
    if count > FILE_LINES_MAX and not SAYS_LONG.search(source.head_comment(text)):
        yield path, count, f"{count} lines (at most {FILE_LINES_MAX})", 'split it, or say why in the opening comment with the word "long"'


def function_length(path, text):
    if not path.endswith((".swift", ".c", ".h", ".cpp")):
        return
    lines = text.split("\n")
    for name, first, last in source.functions(text, path):
        size = last - first + 1
        if size > FUNCTION_LINES_MAX and not SAYS_LONG.search(source.comment_above(lines, first)):
            wrong = f"function {name} has {size} lines (at most {FUNCTION_LINES_MAX})"
            yield path, first, wrong, 'split it, or say why in its comment with the word "long"'


def width(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > COLUMNS_MAX and "http://" not in line and "https://" not in line:
            yield path, number, f"{len(line)} columns (at most {COLUMNS_MAX})", "make fmt (Swift), or break the line"


def unfinished(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if m := UNFINISHED.search(line):
            yield path, number, f"unfinished work marked {m[1]}", "finish it, or write it down in docs/roadmap.md"


def sdk_header(path, text):
    if path.startswith("SDK/") and path.endswith(".h") and text.count("\n") > SDK_HEADER_LINES_MAX:
        count = text.count("\n")
        yield path, count, f"SDK header of {count} lines (at most {SDK_HEADER_LINES_MAX})", "one capability a header: split it"


def white_space(path, text):
    if text and not text.endswith("\n"):
        yield path, text.count("\n") + 1, "no line break at the end", "add one"
    for number, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip() or "\t" in line.lstrip("\t"):
            yield path, number, "white space at the end of the line or a tab inside it", "remove it"


RULES = (opening_comment, file_length, function_length, width, unfinished, sdk_header, white_space)


def check(root):
    for path in source.files(root):
        text = source.read(root, path)
        for rule in RULES:
            yield from rule(path, text)

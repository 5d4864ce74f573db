"""Reads the tree's files for the tidy tests: names, C++ without its comments, functions."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


@cache
def tracked(*patterns: str) -> tuple[str, ...]:
    """What git holds or would add to a commit, by pathspec."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "--", *patterns],
        check=True, capture_output=True, text=True).stdout.splitlines()
    found = tuple(sorted(name for name in set(listed) if (ROOT / name).is_file()))
    assert found, f"no file matches {patterns}"
    return found


@cache
def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


_NOISE = re.compile(
    r"//[^\n]*|/\*.*?\*/"  # comments
    r'|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"'
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|(?<![\w])'(?:[^'\\\n]|\\.)+'", re.DOTALL)


def _blank(match: re.Match[str], keep_strings: bool) -> str:
    whole = match.group()
    if keep_strings and not whole.startswith("/"):
        return whole
    filler = re.sub(r"[^\n]", " ", whole)
    return filler if whole.startswith("/") else f'"{filler[1:-1]}"'


@cache
def code_of(name: str, strings: bool = False) -> str:
    """C++ with comments, and unless asked for string literals, blanked; lines stay where they
    are."""
    return _NOISE.sub(lambda match: _blank(match, strings), text_of(name))


def line_at(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


@dataclass(frozen=True)
class Function:
    file: str
    name: str
    line: int
    lines: int


_SCOPE = re.compile(r"\b(namespace|class|struct|enum|union|extern)\b")


def _is_function(head: str) -> bool:
    """Whether what stands before a brace begins a function's body."""
    bare = re.sub(r"template\s*<.*?>\s*(?=\w)|\[\[.*?\]\]", "", head, flags=re.DOTALL)
    if "(" not in bare:
        return False
    # A class may have parentheses in an attribute or a base only.
    return not (_SCOPE.search(bare.split("(")[0]) and ")" not in bare)


def cpp_functions(name: str) -> Iterator[Function]:
    """The outermost functions; lambdas and blocks inside count as their lines."""
    code = re.sub(r"^#.*?(?<!\\)$", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  code_of(name), flags=re.MULTILINE | re.DOTALL)
    begin, depth, inside = 0, 0, None  # inside: depth and start of the function around
    for mark in re.finditer(r"[{};]", code):
        at = mark.start()
        if mark.group() == "{":
            head = code[begin:at]
            if inside is None and _is_function(head):
                inside = (depth, begin + len(head) - len(head.lstrip()), head)
            depth += 1
        elif mark.group() == "}":
            depth -= 1
            if inside is not None and inside[0] == depth:
                first = line_at(code, inside[1])
                title = re.findall(r"([\w:~]+)\s*\(", inside[2]) or ["?"]
                yield Function(name, title[0], first, line_at(code, at) - first + 1)
                inside = None
        begin = at + 1
    assert depth == 0, f"{name}: braces do not match"


def python_functions(name: str) -> Iterator[Function]:
    for node in ast.walk(ast.parse(text_of(name))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield Function(name, node.name, node.lineno, node.end_lineno - node.lineno + 1)


def shell_functions(name: str) -> Iterator[Function]:
    for found in re.finditer(r"^([\w]+)\(\) \{\n(?:.*\n)*?\}", text_of(name), re.MULTILINE):
        yield Function(name, found.group(1), line_at(text_of(name), found.start()),
                       found.group().count("\n") + 1)

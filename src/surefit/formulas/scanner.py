"""The words of a formula, checked for everything that is wrong in their order.

`scan` cuts the text into tokens; `check` walks over them once and reports what people get wrong: a missing
operator, brackets that do not match, a function without its argument, `=` for `==`. What passes is a sentence
of the grammar, so nothing that reads it afterwards has to explain a syntax error, and it is bounded in length
and depth. Nothing here is slower than linear in the length of the text.
"""

from __future__ import annotations

import difflib
import keyword
import math
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from .characters import normalise
from .functions import CONSTANTS, NAMES
from .messages import Edit, Fault

MAX_LENGTH = 20_000  # characters
MAX_TOKENS = 4_000
MAX_DEPTH = 100  # brackets, powers of powers, signs of signs, conditionals in conditionals
MAX_WORD = 100  # characters in one name or number

WORDS = ("if", "else", "and", "or", "not")
# Python's words for other things. `lambda` is left out: it is a wavelength more often than a function.
_FOREIGN = frozenset(keyword.kwlist) - frozenset(WORDS) - {"lambda"}
_NOT_NUMBERS = frozenset(("inf", "nan", "infinity", "NaN", "Inf"))

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<module>(?:np|numpy|math|jnp|torch|sp|sympy)\.(?=[^\W\d]))"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d][\w\u0300-\u036f]*)"  # accents may stand apart from their letters
    r"|(?P<op>\*\*|//|<=|>=|==|!=|[-+*/%^<>=])"
    r"|(?P<mark>[(),])"
)

CHOICE = "a choice is written 'a if condition else b', or where(condition, a, b)"
SPECIAL = (  # names of functions that a formula does not have and SciPy does
    r"bessel\w*|[jyik](0|1|n|v)|airy\w*|zeta|lambertw?|ellip\w*|hyp\w*|legendre\w*|hermite\w*|laguerre\w*|"
    r"cheb\w*|erfi|erfcx|dawson|fresnel\w*|beta\w*|gammainc\w*|expint|expi|exp1|[sc]i|polylog|spence|struve|kelvin|"
    r"ndtr|ndtri|norminv|normcdf|wofz|voigt\w*|binom|comb|jacobi\w*|sph_harm"
)
_HINTS = {
    ";": "one formula was expected; ';' separates several outputs",
    "!": "there is no '!'; the factorial of n is gamma(n + 1)",
    "&": "conditions are joined with 'and'",
    "|": "the absolute value is abs(...), and conditions are joined with 'or'",
    "~": "the opposite of a condition is 'not (...)'",
    ".": "a dot belongs inside a number, as in 0.5",
    "°": "angles are in radians; x degrees are x*pi/180",
    "[": "only round brackets group",
    "]": "only round brackets group",
    "{": "only round brackets group",
    "}": "only round brackets group",
    "'": "a formula holds no text",
    '"': "a formula holds no text",
    ":": "write a choice as 'a if condition else b'",
    "?": "write a choice as 'a if condition else b'",
    "\\": "LaTeX is not read; write sin(x), sqrt(x), a/b",
}


@dataclass(frozen=True)
class Token:
    """One word: kind (number, name, word, op, mark or end), canonical text, and columns in the original."""

    kind: str
    text: str
    start: int
    end: int


def scan(text: str) -> list[Token]:
    """The tokens of `text`, with an end token last."""
    if len(text) > MAX_LENGTH:
        raise Fault(f"the formula has {len(text)} characters; at most {MAX_LENGTH} are read", MAX_LENGTH)
    plain, columns = normalise(text)
    columns.append(len(text))
    tokens: list[Token] = []
    at = 0
    while at < len(plain):
        match = _TOKEN.match(plain, at)
        if match is None:
            raise _unknown_character(text, columns[at])
        kind, word = str(match.lastgroup), match.group()
        start, end = columns[at], columns[match.end() - 1] + 1
        at = match.end()
        if kind == "space":
            continue
        if kind == "module":
            raise Fault(f"functions are written without '{word}'", start, end, [(start, end, "")])
        if len(word) > MAX_WORD:
            raise Fault(f"this {kind} has {len(word)} characters; at most {MAX_WORD} are read", start, end)
        if kind == "number" and math.isinf(float(word)):
            raise Fault("this number is too large; the largest is about 1.8e308", start, end)
        if kind == "name":
            word = unicodedata.normalize("NFKC", word)
            kind = "word" if word in WORDS else "name"
            if not word.isidentifier():
                raise _unknown_character(text, start)
        tokens.append(Token(kind, "**" if word == "^" else word, start, end))
        if len(tokens) > MAX_TOKENS:
            raise Fault(f"the formula has more than {MAX_TOKENS} numbers, names and signs", start, end)
    tokens.append(Token("end", "", len(text.rstrip()), len(text.rstrip()) + 1))
    return tokens


def _unknown_character(text: str, column: int) -> Fault:
    character = text[column]
    plain = unicodedata.normalize("NFKC", character)
    name = character if character.isprintable() else f"U+{ord(character):04X}"
    hint = _HINTS.get(plain)
    message = f"'{name}' has no meaning in a formula" + (f": {hint}" if hint else "")
    return Fault(message, column, column + 1, _character_edits(text, column, plain))


def _character_edits(text: str, column: int, plain: str) -> list[Edit]:
    if plain in "&~" or (plain == "|" and text.startswith("||", column)):
        word = {"&": " and ", "|": " or ", "~": " not "}[plain]
        return [(column, column + (1 if text[column : column + 2] != plain * 2 else 2), word)]
    bars = [i for i, c in enumerate(text) if c == "|"]
    if plain == "|" and len(bars) % 2 == 0:
        return [(i, i + 1, ")" if k % 2 else "abs(") for k, i in enumerate(bars)]
    if plain == "°":
        return [(column, column + 1, "*pi/180")]
    before = text[:column].rstrip()
    if plain in "[{" and not (before and (before[-1].isalnum() or before[-1] in "_)]}")):
        close = text.find({"[": "]", "{": "}"}[plain], column)
        return [(column, column + 1, "("), (close, close + 1, ")")] if close > 0 else []
    return []


class _Group:
    """One open bracket (or the whole formula): what is pending inside it."""

    def __init__(self, token: Token | None, function: Token | None) -> None:
        self.token = token
        self.function = function  # the name whose arguments these are
        self.pending_if: Token | None = None
        self.run = 0  # powers and signs since the last + - * / or comma: they nest to the right
        self.choices = 0  # conditionals since the last comma: they nest to the right as well


def check(tokens: list[Token], variables: Collection[str] | None) -> None:
    """Raise the Fault of the first thing that is wrong in the order of the tokens."""
    if len(tokens) == 1:
        raise Fault("the formula is empty; write for example sin(x) + 1", 0)
    _Checker(tokens, variables).run()


class _Checker:
    def __init__(self, tokens: list[Token], variables: Collection[str] | None) -> None:
        self.tokens = tokens
        self.variables = variables
        self.groups = [_Group(None, None)]
        self.depth = 0

    def run(self) -> None:
        expecting = True  # an operand, or what may stand before one
        for i, token in enumerate(self.tokens):
            if expecting:
                expecting = self._operand(i, token)
            else:
                expecting = self._operator(i, token)

    # --- where an operand must come: returns whether one is still expected ------------------------

    def _operand(self, i: int, token: Token) -> bool:
        before = self.tokens[i - 1] if i else None
        if token.kind == "number":
            return False
        if token.kind == "name":
            self._name(i, token)
            return False
        if token.text == "(":
            self._open(token, self.tokens[i - 1] if self._is_call(i) else None)
            return True
        if token.text in ("+", "-"):
            self._deeper(token, run=1)
            return True
        if token.text == "not":
            if before is not None and before.kind == "op":
                raise Fault(f"'not' after '{before.text}' needs brackets: (not ...)", token.start, token.end)
            self._deeper(token, run=1)
            return True
        if token.text == ")" and before is not None and before.text == "(":
            group = self.groups[-1]
            if group.function is None:
                raise Fault("there is nothing between these brackets", before.start, token.end)
            self._close(token)  # the number of arguments is checked with the others
            return False
        raise self._missing_operand(token, before)

    def _missing_operand(self, token: Token, before: Token | None) -> Fault:
        if token.text == "if" and self.tokens[self.tokens.index(token) + 1].text == "(":
            return Fault(CHOICE, token.start, token.end, [(token.start, token.end, "where")])
        if token.text == ")" and self.groups[-1].token is None:
            return Fault("this bracket closes nothing", token.start, token.end)
        if before is None:
            said = f"something is missing before '{token.text}'"
            said += ": write a choice as 'a if condition else b'" if token.text == "if" else ""
            return Fault(said, token.start, token.end)
        if token.kind == "end" and before.text == "(":
            return Fault("this bracket is never closed", before.start, before.end)
        if token.kind == "end" or (token.kind == "mark" and before.text != "("):
            return Fault(f"something is missing after '{before.text}'", before.start, before.end)
        message = f"something is missing between '{before.text}' and '{token.text}'"
        edits: list[Edit] = []
        if before.text == token.text == "*":
            message, edits = (
                "a power is written ** or ^, without a space inside",
                [(before.start, token.end, "**")],
            )
        elif before.kind == "op" and before.text in "<>" and token.text == "=":
            edits = [(before.start, token.end, before.text + "=")]
        elif before.text == "<" and token.text == ">":
            edits = [(before.start, token.end, "!=")]
        return Fault(message, before.start, token.end, edits)

    # --- where an operator must come --------------------------------------------------------------

    def _operator(self, i: int, token: Token) -> bool:
        before = self.tokens[i - 1]
        group = self.groups[-1]
        if token.text == "=":
            raise self._equals(i, token)
        if token.text == "//":
            raise Fault("'//' is written floor(a/b)", token.start, token.end)
        if token.kind == "op":
            if token.text == "**":
                self._deeper(token, run=1)
            else:
                self._shallower(run=True)
            return True
        if token.text == "if":
            self._shallower(run=True)
            if group.pending_if is not None:
                raise Fault("a choice inside a choice needs brackets around it", token.start, token.end)
            group.pending_if = token
            return True
        if token.text == "else":
            if group.pending_if is None:
                raise Fault("this 'else' has no 'if'", token.start, token.end)
            group.pending_if = None
            self._shallower(run=True)
            self._deeper(token, choices=1)
            return True
        if token.text in ("and", "or"):
            self._shallower(run=True)
            return True
        if token.text == ",":
            if group.function is None:
                raise self._stray_comma(i, token)
            self._finish(group)
            self._shallower(run=True, choices=True)
            return True
        if token.text == ")":
            self._close(token)
            return False
        if token.kind == "end":
            self._finish(group)
            if group.token is not None:
                raise Fault("this bracket is never closed", group.token.start, group.token.end)
            return False
        if token.text == "(" and self._is_call(i):
            self._open(token, before)
            return True
        raise self._missing_operator(token, before)

    def _missing_operator(self, token: Token, before: Token) -> Fault:
        between: list[Edit] = [(before.end, token.start, "*")]
        if token.text == "(" and before.kind == "name" and before.text in NAMES:
            return Fault(
                f"'{before.text}' is a variable here, not the function; name one of them otherwise, or write "
                f"{before.text}*(...) for a product",
                before.start,
                before.end,
            )
        if token.text == "(" and before.kind == "name" and not self._known(before.text):
            return self._unknown_function(before, between)
        if token.kind == "number" and before.kind == "number":
            return Fault("two numbers stand side by side", before.start, token.end)
        if before.kind == "number" and token.text[0] == "_" and token.text[1:].isdigit():
            edits = [(token.start, token.end, token.text[1:])]
            return Fault("the digits of a number are not grouped", before.start, token.end, edits)
        if token.kind == "word":
            return Fault(f"an operator is missing before '{token.text}'", token.start, token.end)
        if token.text == "mod":
            return Fault("the rest of a division is written %", token.start, token.end, [(token.start, token.end, "%")])
        left, right = (")" if before.text == ")" else before.text), token.text
        return Fault(f"an operator is missing between '{left}' and '{right}'", token.start, token.end, between)

    def _equals(self, i: int, token: Token) -> Fault:
        following = self.tokens[i + 1]
        if following.text in ("<", ">"):
            edits = [(token.start, following.end, following.text + "=")]
            return Fault(f"this is written '{following.text}='", token.start, following.end, edits)
        if len(self.groups) == 1 and (i == 1 or self.tokens[i - 1].text == ")") and self.tokens[0].kind == "name":
            first = self.tokens[0].start
            return Fault(
                "only the right-hand side of an equation is written (and '==' compares)",
                token.start, token.end, [(first, following.start, "")],
            )  # fmt: skip
        return Fault("'=' does not compare; '==' does", token.start, token.end, [(token.start, token.end, "==")])

    def _stray_comma(self, i: int, token: Token) -> Fault:
        left, right = self.tokens[i - 1], self.tokens[i + 1]
        if left.kind == right.kind == "number" and left.end == token.start and right.start == token.end:
            edits = [(token.start, token.end, ".")]
            return Fault("the decimal mark is a point", token.start, token.end, edits)
        return Fault(
            "a comma separates the arguments of a function; several outputs are separated by ';'",
            token.start, token.end,
        )  # fmt: skip

    # --- names ------------------------------------------------------------------------------------

    def _declared(self, name: str) -> bool:
        return self.variables is not None and name in self.variables

    def _known(self, name: str) -> bool:
        return self._declared(name) or name in CONSTANTS or name in NAMES

    def _is_function(self, name: str) -> bool:
        return name in NAMES and not self._declared(name)

    def _is_call(self, i: int) -> bool:
        return i > 0 and self.tokens[i - 1].kind == "name" and self._is_function(self.tokens[i - 1].text)

    def _name(self, i: int, token: Token) -> None:
        name, following = token.text, self.tokens[i + 1]
        if self._declared(name):
            return
        if name in NAMES:
            if following.text != "(":
                raise self._bare_function(i, token)
            return
        if following.text == "(" and name not in CONSTANTS:
            raise self._unknown_function(token, [(token.end, following.start, "*")])
        if name in _NOT_NUMBERS:
            raise Fault(f"'{name}' is not a number that a formula can hold", token.start, token.end)
        if name in _FOREIGN:
            raise Fault(f"'{name}' is a word of Python that formulas do not use", token.start, token.end)
        if self.variables is not None and name not in CONSTANTS:
            raise self._unknown_name(token)

    def _bare_function(self, i: int, token: Token) -> Fault:
        message = f"'{token.text}' is a function and needs its argument in brackets: {token.text}(...)"
        following = self.tokens[i + 1]
        edits: list[Edit] = []
        after = self.tokens[i + 2] if following.kind != "end" else following
        if following.kind in ("number", "name"):
            end = self.tokens[self._term_end(i + 1) - 1].end
            edits = [(token.start, following.start, token.text + "("), (end, end, ")")]
        elif following.text == "**" and after.kind == "number" and self.tokens[i + 3].text == "(":
            close = self._matching(i + 3)
            if close is not None:  # sin^2(x)
                end = self.tokens[close].end
                edits = [(token.end, after.end, ""), (end, end, f"**{after.text}")]
        elif following.text == "**" and after.kind == "number" and self.tokens[i + 3].kind in ("number", "name"):
            operand, end = self.tokens[i + 3].start, self.tokens[self._term_end(i + 3) - 1].end
            edits = [(token.end, operand, "("), (end, end, f")**{after.text}")]  # sin^2 x
        else:
            message = (
                f"'{token.text}' is a function: write {token.text}(...), or declare a variable of that name"
                if self.variables is None
                else message
            )
        return Fault(message, token.start, token.end, edits)

    def _term_end(self, i: int) -> int:
        """The token after the operand that starts at i, with silent products and powers: `2x^2`."""
        while self.tokens[i].kind in ("number", "name"):
            i += 1
            if self.tokens[i].text == "(" and self.tokens[i - 1].kind == "name":
                close = self._matching(i)
                if close is None:
                    return i
                i = close + 1
            if self.tokens[i].text == "**" and self.tokens[i + 1].kind in ("number", "name"):
                i += 2
        return i

    def _matching(self, i: int) -> int | None:
        """The index of the bracket that closes the one at i."""
        depth = 0
        for j in range(i, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.tokens[j].text, 0)
            if depth == 0:
                return j
        return None

    def _unknown_function(self, token: Token, product: list[Edit]) -> Fault:
        name = token.text
        if token is self.tokens[0] and (close := self._matching(1)) and self.tokens[close + 1].text == "=":
            return self._equals(close + 1, self.tokens[close + 1])  # f(x) = ...
        near = nearest(name, NAMES)
        edits: list[Edit] = []
        factors = _factors(name, [n for n in self._variables_in_sight() if n != name] + list(NAMES))
        if factors is not None and factors[-1] in NAMES:
            edits = [(token.start, token.end, "*".join(factors))]
        elif near is not None:
            edits = [(token.start, token.end, near)]
        elif len(name) <= 2 or name in self._variables_in_sight():
            edits = product
        hint = "; the factorial of n is gamma(n + 1)" if name == "factorial" else ""
        if name in ("radians", "deg2rad", "rad", "deg", "degrees", "rad2deg"):
            to_radians = name in ("radians", "deg2rad", "rad")
            hint = "; angles are in radians; x degrees are x*pi/180"
            edits = [(token.start, token.end, "pi/180*" if to_radians else "180/pi*")]
        low = name.lower()
        if low in ("piecewise", "ifelse", "iif", "ifthenelse", "select", "cases"):
            hint, edits = f"; {CHOICE}", []
        elif low in ("sum", "prod", "product", "integral", "integrate", "quad", "diff", "deriv", "limit"):
            hint, edits = "; sums, integrals and derivatives are for a Python function, which may be fitted as well", []
        elif low == "int":
            hint, edits = "; the whole part of a number is trunc", [(token.start, token.end, "trunc")]
        elif re.fullmatch(SPECIAL, low):
            hint, edits = "; a Python function may be fitted as well, and use it of scipy.special", []
        return Fault(f"there is no function '{name}'{hint}", token.start, token.end, edits)

    def _variables_in_sight(self) -> list[str]:
        """The declared variables, or the names that are used without a bracket after them."""
        if self.variables is not None:
            return list(self.variables)
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return [a.text for a, b in pairs if a.kind == "name" and b.text != "(" and a.text not in NAMES]

    def _unknown_name(self, token: Token) -> Fault:
        if token is self.tokens[0] and self.tokens[1].text == "=":
            return self._equals(1, self.tokens[1])  # y = ...
        variables = list(self.variables or ())
        near = nearest(token.text, [*variables, *CONSTANTS])
        factors = _factors(token.text, [*variables, *CONSTANTS])
        calls = [f for f in NAMES if token.text.startswith(f) and token.text[len(f) :] in variables]
        edits: list[Edit] = []
        if calls:  # sinx
            name = max(calls, key=len)
            edits = [(token.start, token.end, f"{name}({token.text[len(name) :]})")]
        elif factors is not None:
            edits = [(token.start, token.end, "*".join(factors))]
        elif near is not None:
            edits = [(token.start, token.end, near)]
        listed = ", ".join(variables[:12]) + (", ..." if len(variables) > 12 else "")
        known = f"the variables are {listed}" if len(variables) > 1 else f"the variable is {listed}"
        if not variables:
            known = "no variables are declared"
        return Fault(f"unknown name '{token.text}'; {known}", token.start, token.end, edits)

    # --- brackets and depth -----------------------------------------------------------------------

    def _open(self, token: Token, function: Token | None) -> None:
        self.groups.append(_Group(token, function))
        self._deeper(token)

    def _close(self, token: Token) -> None:
        group = self.groups[-1]
        if group.token is None:
            raise Fault("this bracket closes nothing", token.start, token.end)
        self._finish(group)
        self._shallower(run=True, choices=True)
        self.depth -= 1
        self.groups.pop()

    def _finish(self, group: _Group) -> None:
        """The end of an argument or a group: no conditional may be left open."""
        if group.pending_if is not None:
            raise Fault(
                "this 'if' has no 'else': a formula needs a value in both cases",
                group.pending_if.start, group.pending_if.end,
            )  # fmt: skip

    def _deeper(self, token: Token, run: int = 0, choices: int = 0) -> None:
        self.groups[-1].run += run
        self.groups[-1].choices += choices
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Fault(f"the formula is nested more than {MAX_DEPTH} deep here", token.start, token.end)

    def _shallower(self, run: bool = False, choices: bool = False) -> None:
        group = self.groups[-1]
        if run:
            self.depth -= group.run
            group.run = 0
        if choices:
            self.depth -= group.choices
            group.choices = 0


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name that `name` most likely was meant to be, or None."""
    lower = {k.lower(): k for k in known}
    if name.lower() in lower:
        return lower[name.lower()]
    swapped = [a for a in lower if _swapped(a, name.lower())]  # sni, csoh: by their share of letters too far from any
    if swapped:
        return lower[swapped[0]]
    close = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.7)
    return lower[close[0]] if close else None


def _swapped(a: str, b: str) -> bool:
    """Whether two neighbouring letters of one, exchanged, make the other."""
    at = [i for i, (left, right) in enumerate(zip(a, b, strict=False)) if left != right]
    return len(a) == len(b) and len(at) == 2 and at[1] == at[0] + 1 and a[at[0] : at[1] + 1] == b[at[1]] + b[at[0]]


def _factors(name: str, known: Collection[str]) -> list[str] | None:
    """`name` as known names side by side (xy -> x, y), or None."""
    factors: list[str] = []
    while name:
        longest = max((k for k in known if name.startswith(k)), key=len, default=None)
        if longest is None:
            return None
        factors.append(longest)
        name = name[len(longest) :]
    return factors if len(factors) > 1 else None

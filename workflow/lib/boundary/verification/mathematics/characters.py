"""Characters as models write them, in place of what LaTeX writes.

One pass over the text each: model output is hostile, and this runs in the caller's process.
"""

from __future__ import annotations

import re
import unicodedata

SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
FRACTIONS = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5)}
FRACTIONS |= {"⅖": (2, 5), "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8)}
FRACTIONS |= {"⅜": (3, 8), "⅝": (5, 8), "⅞": (7, 8)}
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi", "π": "pi",
    "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Σ": "Sigma", "Φ": "Phi",
    "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
SIGNS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "×": r"\times ", "⋅": r"\cdot ",
    "·": r"\cdot ", "∗": "*", "÷": r"\div ", "√": r"\sqrt ", "∛": r"\sqrt[3] ", "≤": r"\le ",
    "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≦": r"\le ", "≧": r"\ge ", "≠": r"\ne ",
    "≈": r"\approx ", "∞": r"\infty ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∅": r"\emptyset ",
    "°": r"^\circ ", "±": r"\pm ", "∓": r"\mp ", "′": "'", "’": "'", "‘": "'", "“": '"', "”": '"',
    "ℝ": r"\mathbb{R} ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    "∣": "|", "∨": r"\lor ", "∧": r"\land ", "⟨": r"\langle ", "⟩": r"\rangle ", "，": ",", "：": ":",
}  # fmt: skip
PLAIN = {character: f"\\{name} " for character, name in GREEK.items()} | SIGNS
PLAIN |= {character: f"\\frac{{{a}}}{{{b}}}" for character, (a, b) in FRACTIONS.items()}

# Groups of three digits, however they are parted; a plain comma is left to the reader of the answer.
THIN = r"(?:\\[,!; :]|~|\{,\}|,\\!|\\thinspace|[ \u2009\u202f\u00a0])"
GROUPED = re.compile(rf"(?<![0-9.,^_])([0-9]{{1,3}})((?:{THIN}\s*[0-9]{{3}})+)(?![0-9])")
AROUND = re.compile(r"\A(?:\\[,;:!]|[~\s\"])+|(?:\\[,;:!]|[~\s\"])+\Z")
PARTING = re.compile(rf"{THIN}\s*")
ROW_SPACE = re.compile(r"\\\\\s*\[-?[0-9.]+\s*(?:pt|em|ex|mm|cm)\]")
POINT = re.compile(r"(?<![0-9.])\.(?=\\(?:overline|bar|dot)(?![a-z]))")
LIBRARY_PREFIX = re.compile(r"\b(?:np|numpy|math)\.(?=[a-z])")
ROOT_SIGN = re.compile(r"√\s*(\d+(?:\.\d+)?)")
BLANK = re.compile(r"(?<!\\)((?:\\\\)*)\\(?=\s|$)")  # a backslash before a space
INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
SUPERSCRIPT_RUN = re.compile("[" + "".join(SUPERSCRIPTS) + "]+")


def clean(text: str) -> str:
    r"""The text with characters as LaTeX writes them, without dollars, digits joined, ends trimmed."""
    if not text.isascii():
        text = INVISIBLE.sub("", text)
        text = SUPERSCRIPT_RUN.sub(_superscript, ROOT_SIGN.sub(r"\\sqrt{\1}", text))
        text = "".join(PLAIN.get(character, character) for character in text)
        text = unicodedata.normalize("NFKC", text)
        text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    elif not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(BLANK.sub(r"\1 ", text).replace("~", " ").split())
    text = text.replace("...", " \\dots ").replace("**", "^")
    text = ROW_SPACE.sub(r"\\\\ ", POINT.sub("0.", text))
    text = LIBRARY_PREFIX.sub("", text.replace("\\$", "\\dollar ").replace("$", " "))
    text = AROUND.sub("", text)
    if text.endswith(".") and not text.endswith(("..", "\\.")):  # 5. is 5, and ends a sentence
        text = AROUND.sub("", text[:-1])
    return GROUPED.sub(lambda match: match[1] + PARTING.sub("", match[2]), text)


def _superscript(run: re.Match[str]) -> str:
    return "^{" + "".join(SUPERSCRIPTS[character] for character in run[0]) + "}"

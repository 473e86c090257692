r"""The commands of LaTeX that answers are written with, and what they are to their readers."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


TEXT_COMMANDS = words(
    "text textbf textit textrm textsf texttt textnormal textup mbox hbox mathrm operatorname emph"
)
FONT_COMMANDS = words(
    """
    mathbf mathit mathsf mathcal mathscr boldsymbol bm bold mathnormal ensuremath rm bf it boxed fbox
    underline
    """
)
COLOURS = words("color textcolor")
# They change how a formula looks and not what it says.
SILENT = words(
    """
    left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle
    textstyle scriptstyle limits nolimits mathstrut quad qquad thinspace enspace middle angle
    triangle , ; : ! > / ( ) [ ]
    """
)
SAME = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom",
    "leq": "le", "leqslant": "le", "geq": "ge", "geqslant": "ge", "neq": "ne", "lt": "<", "gt": ">",
    "ast": "*", "lbrace": "{", "rbrace": "}", "vert": "|", "lvert": "|", "rvert": "|", "mid": "|",
    "lparen": "(", "rparen": ")", "lbrack": "[", "rbrack": "]", "varnothing": "emptyset",
    "varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "vee": "lor", "wedge": "land",
    "degree": "circ", "colon": ":", "lnot": "neg", "ldots": "dots", "cdots": "dots",
    "dotsc": "dots", "dotsb": "dots", "prime": "'", "operatorname*": "operatorname",
}  # fmt: skip
GREEK_NAMES = words(
    """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau
    upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega ell hbar
    nabla partial mho odot circ star imath jmath
    """
)
ACCENTS = words("dot ddot bar hat vec tilde overline widehat widetilde overrightarrow underline")
FUNCTIONS = words(
    """
    sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech
    csch arcsinh arccosh arctanh ln log lg exp min max gcd lcm sgn sign det arg Re Im
    """
)
SPELLED = FUNCTIONS - {"det", "arg", "Re", "Im", "sign"} | {
    "sqrt",
    "asin",
    "acos",
    "atan",
    "abs",
    "floor",
}
ALWAYS_APPLIED = words("f")
UNKNOWN = words(
    """
    sum prod int iint iiint oint lim limsup liminf sup inf begin end bmod pmod mod equiv
    setminus subset subseteq forall exists mapsto to rightarrow Rightarrow iff implies cap cup
    mathbb perp parallel angle triangle sim cong overbrace underbrace stackrel substack
    """
)
ADDITION, MULTIPLICATION = ("+", "-"), ("*", "/", "cdot", "times", "div")
CLOSING = {"(": ")", "[": "]", "{": "}", "lfloor": "rfloor", "lceil": "rceil", "langle": "rangle"}
# Those with a value; arc and the name, their inverse.
EVALUATED = words(
    """
    sin cos tan cot sec csc sinh cosh tanh coth sech csch arcsin arccos arctan arccot arcsec arccsc
    asin acos atan arcsinh arccosh arctanh arccoth arcsech arccsch ln log lg exp sqrt abs floor ceil
    min max gcd lcm sgn sign arg Re Im
    """
)

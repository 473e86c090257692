"""What score records say of a response, in the words that its readers look for."""

# Whose token ids were scored: those stored with the sample, or the scorer's of its text.
STORED, RETOKENISED = "stored", "retokenised"
# Why a response could not be scored, or how the reason begins.
NO_TOKENS = "no tokens"
TOO_LONG = "longer than the scorer's context"
FAILED = "a failed sample"
NO_TOKEN_FOR = "holds text that the scorer's tokenizer has no token for"

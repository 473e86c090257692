"""Mathematical answers: from LaTeX to tokens, to a reading of their structure, to equal or not."""

"""What a study shows: figures and tables, each drawn from one table of a statistic, and sheets."""

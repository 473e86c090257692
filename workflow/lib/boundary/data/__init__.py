"""Files: records in Parquet, journals, and the provenance of both."""

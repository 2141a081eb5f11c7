"""The report: one page that holds everything about one map."""

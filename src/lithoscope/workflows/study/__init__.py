"""The study: arms as small files, runs as lines of one file, a report from these lines."""

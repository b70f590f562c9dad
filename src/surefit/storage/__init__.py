"""Storage: a record as one file or as a directory, and back. Nothing that is read is run, or believed unchecked."""

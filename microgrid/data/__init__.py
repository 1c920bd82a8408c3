"""Readers of users' files. Whatever is wrong with a file is told with its name, line and column."""

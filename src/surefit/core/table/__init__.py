"""The primitives by what they do; `surefit.core.ops` is the whole table."""

"""A queue on disk that several processes fill and that one at a time tells.

`spool/` of a home holds segments `<number>.log`, to the last of which records are
appended, and for each receiver how far it was told, `<receiver>.at`.
"""

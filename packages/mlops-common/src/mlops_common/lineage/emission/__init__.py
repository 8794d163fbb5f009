"""From an observation to the receivers: written to disk, told behind the run's back.

An `emitter` writes; a `teller` for each receiver reads, by an `outlet`.
"""

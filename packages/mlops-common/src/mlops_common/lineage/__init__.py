"""What every run read and wrote, told as OpenLineage events.

A task names its inputs and outputs (`naming`, `dataset`, `recording`), which costs it
microseconds; the rest happens behind its back.
"""

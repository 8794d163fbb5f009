"""The local platform: its parts, the keeper that keeps them running, `mlops up`.

A part is a background process of its own record (`mlops_common.processes`), so that
everybody finds it, whoever started it. The keeper starts what shall run, starts again
what died, and reports; it ends only what hangs, and its own death ends nothing. The
parts that only `mlops up` brings hold on to the keeper (`leash`): they start another
one when it was killed.
"""

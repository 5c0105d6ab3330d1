"""Measures the stores that are configured, keeps the results with the machine they came from, and judges them.

``cases`` say what is measured and ``targets.toml`` how fast it should be; ``measure`` and ``load`` time it,
``statistics`` turns times into intervals and verdicts, ``history`` keeps runs, ``compare`` and ``changes`` find
regressions. Method and
words: docs/benchmarks.md.
"""

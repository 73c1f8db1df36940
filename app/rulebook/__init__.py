"""The hospital's own rules as data (院规): what is allowed when, in versions, for the house, a campus or a department.

Owns the rule sets and which one holds. Does not apply them: each step of the visit asks here and acts by itself.
"""

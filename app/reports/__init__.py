"""Reports of laboratory and imaging tests: they arrive from the hospital system, are announced, and looked up.

Owns reports with their observations, every version of them, and whether the patient has looked. Does not own the
order behind a test, nor the words of the announcement, which never say what was found.
"""

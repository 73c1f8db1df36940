"""The visit as figures: which poster brought whom how far, what each day was like, and whether the processes live.

Owns channels and their scans, the funnel's steps, the daily figures and the processes' signs of life. Does not own
anything it counts; a figure under five people is marked, so that nobody is recognised in it.
"""

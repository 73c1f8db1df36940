"""What the patient is told (消息): one row per recipient and channel, with its fate.

Owns the messages, their words, their delivery, the numbers of WeChat's templates and the providers' tokens. Does
not own when something is worth telling: each step says so by its event. The words never hold a name, a department
or anything clinical.
"""

"""The hospital system's own door: HL7 v2 messages come in and go out here, by MLLP or HTTP, in a process of its own.

Four parts stand alone and import nothing of the application: `er7` reads and writes the text of a message, `mllp`
carries it over TCP, `transports` by HTTP, SOAP and in batches, and `ack` decides and words the answer. Only the
mapping, which turns a message into a command of the application and an event of the application into a message,
knows both sides.
"""

"""What a message means here, and how what happens here is told: the only part that knows both HL7 and the application.

`inbound` turns a message into a command of the application, `outbound` an event of the application into a message.
"""

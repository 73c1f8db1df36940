"""The door for the web server: `granian --interface wsgi wsgi:application`."""

import gc

from app import create_app
from hl7_adapter import cli
from tools import rehearsal

application = create_app()
cli.register(application)
rehearsal.register(application)
# What is loaded by now stays for good: whoever collects garbage looks at what the requests have left only.
gc.collect()
gc.freeze()

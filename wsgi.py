"""The door for the web server: `granian --interface wsgi wsgi:application`."""

from app import create_app
from hl7_adapter import cli
from tools import rehearsal

application = create_app()
cli.register(application)
rehearsal.register(application)

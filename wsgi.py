"""The door for the web server: `granian --interface wsgi wsgi:application`."""

from app import create_app
from hl7_adapter import cli

application = create_app()
cli.register(application)
